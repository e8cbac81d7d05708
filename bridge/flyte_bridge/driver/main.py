"""`flyte-bridge-driver`: what Flyte 2 starts as a workflow's action.

```
flyte-bridge-driver --inputs {{.input}} --outputs-path {{.outputPrefix}} --raw-data-path {{.rawOutputDataPrefix}}
                    --run-name {{.runName}} --name {{.actionName}}
```

A real executor leaves the last two as they are (`flyteplugins/…/core/template/template.go`); the environment then tells, as
for the SDK's own tasks. A workflow that fails leaves `error.pb` and ends with exit code 0, as every Flyte task does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING

from flyteidl2.common import identifier_pb2

from flyte_bridge.errors import BackendError, ConfigError, NodeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flyte_bridge.backend.storage import Storage

_log = logging.getLogger("flyte_bridge.driver")

STUCK = "DriverError"
"""Code of a failure that is neither the workflow's nor the user's: the driver itself could not go on."""

INTERRUPTED = 143
"""Exit code of a process that SIGTERM has ended."""

WRONG_CALL = 2
"""Exit code of a command that does not even say where results belong."""


@dataclass(frozen=True)
class DriverArguments:
    """What the driver is told by whoever starts it.

    Attributes:
        action: Its own action.
        inputs: Where the workflow's inputs are; empty if it has none.
        outputs: The directory its results belong in.
        base: The directory of the run; children's files lie below it.
    """

    action: identifier_pb2.ActionIdentifier
    inputs: str
    outputs: str
    base: str

    @staticmethod
    def of(arguments: Sequence[str], environ: Mapping[str, str]) -> DriverArguments:
        """From the command line, and from the environment where that leaves something open.

        Raises:
            ConfigError: Neither tells.
        """
        parser = argparse.ArgumentParser(prog="flyte-bridge-driver", description="Run a Flyte 1 workflow on Flyte 2.")
        parser.add_argument("--inputs", default="", help="URI of inputs.pb")
        parser.add_argument("--outputs-path", required=True, help="where outputs.pb or error.pb is written")
        parser.add_argument("--raw-data-path", default="", help="accepted for symmetry; a driver writes no raw data")
        parser.add_argument("--run-name", default="")
        parser.add_argument("--name", default="", help="the action's name")
        given = parser.parse_args(arguments)

        def told(argument: str, variable: str) -> str:
            value = environ.get(variable, "") if not argument or argument.startswith("{{") else argument
            if not value:
                raise ConfigError(f"{variable} is not set: the driver is started by Flyte 2, as a workflow's action")
            return value

        run = identifier_pb2.RunIdentifier(
            org=environ.get("_U_ORG_NAME", ""),
            project=told("", "FLYTE_INTERNAL_EXECUTION_PROJECT"),
            domain=told("", "FLYTE_INTERNAL_EXECUTION_DOMAIN"),
            name=told(given.run_name, "RUN_NAME"),
        )
        action = identifier_pb2.ActionIdentifier(run=run, name=told(given.name, "ACTION_NAME"))
        outputs = given.outputs_path.rstrip("/")
        return DriverArguments(action, given.inputs, outputs, told("", "_U_RUN_BASE").rstrip("/"))


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:], os.environ))


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a workflow.

    Returns:
        The exit code: 0 when the result is written down, a failure included.
    """
    logging.basicConfig(level=_level(environ.get("LOG_LEVEL", "")), format="%(asctime)s %(name)s %(message)s")
    try:
        return asyncio.run(_run(DriverArguments.of(arguments, environ), environ))
    except (Exception, SystemExit) as error:
        # The Go backend starts a process that ends badly anew, for ever and without a word: so even what keeps the driver
        # from beginning is written down
        outputs = _outputs_path(arguments)
        if not outputs:
            _log.error("%s", error)
            return WRONG_CALL
        _log.exception("the driver cannot begin")
        said = f"the driver cannot begin: {type(error).__name__}: {error}; see docs/driver.md"
        unable = NodeError(said, code=STUCK, node="", kind="SYSTEM")
        return asyncio.run(_left(environ, outputs, unable))


def _outputs_path(arguments: Sequence[str]) -> str:
    """Where results belong, whatever else is wrong with the command; empty if it does not say."""
    for word, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        name, equals, value = word.partition("=")
        if name == "--outputs-path":
            return (value if equals else following).rstrip("/")
    return ""


async def _left(environ: Mapping[str, str], outputs: str, error: NodeError) -> int:
    from flyte_bridge.backend.storage import Storage

    try:
        return await _fail(Storage(environ), outputs, error, again=False)
    except Exception:
        _log.exception("the failure cannot be written down")
        return 1


def _level(text: str) -> int:
    """A log level by number, as the Flyte 2 SDK sets it, or by name; INFO for anything else."""
    if text.isdigit():
        return int(text)
    known = logging.getLevelName(text.upper())
    return known if isinstance(known, int) else logging.INFO


async def _run(facts: DriverArguments, environ: Mapping[str, str]) -> int:
    from flyte_bridge.backend import connect
    from flyte_bridge.backend.storage import Storage
    from flyte_bridge.driver.drive import Drive
    from flyte_bridge.driver.patience import PATIENCE

    async with connect.inside(environ) as backend:
        storage = Storage(environ, patience=timedelta(seconds=PATIENCE))
        drive = Drive(facts, backend, storage)
        stopping: list[asyncio.Task[None]] = []  # held, because the event loop holds its tasks weakly
        working = asyncio.ensure_future(drive.run())
        with contextlib.suppress(NotImplementedError):
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, lambda: stopping.append(loop.create_task(drive.stop(working))))
        try:
            await working
        except asyncio.CancelledError:
            _log.warning("interrupted; the run goes on with the next attempt, unless it was aborted")
            return INTERRUPTED
        except NodeError as error:
            return await _fail(storage, facts.outputs, error, again=False)
        except Exception as error:
            # Flyte 2 or its storage is gone, or we have a defect; another attempt goes on where this one was
            _log.exception("the driver cannot go on")
            system = NodeError(f"{type(error).__name__}: {error}", code=STUCK, node="", kind="SYSTEM")
            return await _fail(storage, facts.outputs, system, again=True)
    return 0


async def _fail(storage: Storage, outputs: str, error: NodeError, *, again: bool) -> int:
    from flyte_bridge.driver import failure
    from flyte_bridge_translators.wire import error_document

    _log.error("%s: %s", error.code, failure.text(error))
    document = failure.document(error, again=again)
    try:
        await storage.write(f"{outputs}/{error_document.NAME}", document.SerializeToString())
    except BackendError:
        _log.exception("the failure cannot be written down")
        return 1
    return 0


if __name__ == "__main__":
    main()
