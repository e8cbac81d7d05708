"""Runs a program that was written for Flyte 1 in this process, on top of Flyte 2."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import io
import re
import runpy
import shutil
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flyte_bridge.errors import ConfigError, UsageError
from flyte_bridge.remote import hook
from flyte_bridge.remote.registrations import RegistrationChannel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flyte_bridge.config import Settings
    from flyte_bridge.remote.registrations import Registration


_PATIENCE = 4.0
"""Seconds in which an endpoint must answer before anything else is done."""

_ASK_FLYTE = frozenset(
    {"--remote", "-r", "backfill", "execution", "fetch", "get", "launchplan", "metrics", "register", "remote-launchplan",
     "remote-task", "remote-workflow"}
)  # fmt: skip
"""Words of pyflyte's (1.16) that need Flyte; the others work without."""


def run_script(script: str, arguments: Sequence[str], settings: Settings) -> None:
    """Runs a script as `python script …` would.

    Args:
        script: A Python file, or the name of a Python program on the `PATH`, such as `flyte-cli`.
        arguments: What it finds in `sys.argv`.
        settings: Which Flyte 2 it talks to.

    Raises:
        UsageError: There is no such file, or it is no Python.
        SystemExit: The script ends so.
        BackendError: The embedded backend cannot be started.
    """
    path = _found(script)
    _reach(settings)
    hook.install(settings)
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.resolve().parent))
    with _own_traceback(str(path)):
        runpy.run_path(str(path), run_name="__main__")


def run_module(module: str, arguments: Sequence[str], settings: Settings) -> None:
    """Runs a module as `python -m module …` would; otherwise as `run_script`."""
    _reach(settings)
    hook.install(settings)
    sys.argv = [module, *arguments]
    sys.path.insert(0, str(Path.cwd()))
    spec = find_spec(module)
    with _own_traceback(spec.origin if spec is not None and spec.origin is not None else module):
        runpy.run_module(module, run_name="__main__", alter_sys=True)


@contextlib.contextmanager
def _own_traceback(path: str) -> Iterator[None]:
    """Shows an error of the user's program as Python would have shown it: from the program's own first line on."""
    try:
        yield
    except Exception as error:
        frames = error.__traceback__
        while frames is not None and not _is_file(frames.tb_frame.f_code.co_filename, path):
            frames = frames.tb_next
        if frames is None:  # not the program's: a file that is none, say
            raise
        sys.excepthook(type(error), error.with_traceback(frames), frames)
        raise SystemExit(1) from None


def _is_file(name: str, path: str) -> bool:
    return Path(name).resolve() == Path(path).resolve()


def run_pyflyte(arguments: Sequence[str], settings: Settings) -> None:
    """Runs flytekit's `pyflyte …`.

    Raises:
        SystemExit: As pyflyte ends.
        ConfigError: There is no flytekit.
        BackendError: The embedded backend cannot be started.
    """
    _need_flytekit()
    if _ASK_FLYTE.intersection(arguments):
        _reach(settings)
    _leave_out_warnings()
    hook.install(settings)
    sys.argv = ["pyflyte", *arguments]
    from flytekit.clis.sdk_in_container.pyflyte import main

    main(prog_name="pyflyte")


def register(arguments: Sequence[str], settings: Settings, tell: Callable[[Registration], None], dry_run: bool) -> None:
    """Registers source as `pyflyte register …` does, and tells of each entity; what pyflyte itself says is shown on standard
    error if it fails.

    Args:
        arguments: What stands behind `pyflyte register`.
        settings: Which Flyte 2.
        tell: Called for each entity.
        dry_run: Only tell.

    Raises:
        SystemExit: pyflyte ends so: something is refused, or the user's own code fails when it is imported.
        click.ClickException: An option is not there.
        UsageError: A module is not found that is in one of the directories.
        ConfigError: There is no flytekit.
        BackendError: The embedded backend cannot be started.
    """
    _need_flytekit()
    _reach(settings)
    _leave_out_warnings()
    hook.install(settings, channel=lambda home: RegistrationChannel(home, tell, dry_run=dry_run))
    sys.argv = ["pyflyte", "register", *arguments]
    from flytekit.clis.sdk_in_container.pyflyte import main

    _tell_plainly([Path(path) for path in arguments if Path(path).is_dir()])
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            main(prog_name="flyte-bridge", standalone_mode=False)
    except BaseException as error:
        if not isinstance(error, (UsageError, KeyboardInterrupt)):
            sys.stderr.write(said.getvalue())
        raise


def run_workflow(arguments: Sequence[str], settings: Settings, wait: bool) -> bool:
    """Runs a workflow or a task as `pyflyte run --remote …` does, and shows its nodes until it ends.

    Args:
        arguments: What stands behind `pyflyte run --remote`.
        settings: Which Flyte 2.
        wait: Whether to show the execution until it ends; otherwise it is only started.

    Returns:
        False if it was waited for and did not succeed.

    Raises:
        SystemExit: pyflyte ends so: what is run is refused, or the user's own code fails when it is imported.
        click.ClickException: An option is not there, or an input's value cannot be.
        UsageError: There is no such workflow or task in the file.
        ConfigError: There is no flytekit.
        BackendError: The embedded backend cannot be started.
    """
    _need_flytekit()
    _reach(settings)
    _leave_out_warnings()
    started: list[tuple[Any, Any]] = []
    hook.install(settings, started=lambda remote, execution: started.append((remote, execution)))
    sys.argv = ["pyflyte", "run", "--remote", *arguments]
    from flytekit.clis.sdk_in_container.pyflyte import main

    _tell_plainly()
    main(prog_name="flyte-bridge", standalone_mode=False)
    if not wait or not started:
        return True
    from flyte_bridge.remote.tree import follow

    return follow(*started[-1])


def _reach(settings: Settings) -> None:
    """Asks an endpoint anything, before flytekit does, which tries for minutes and ends with gRPC's traceback.

    Raises:
        Unavailable: Nobody answers.
    """
    if settings.endpoint is None:
        return
    from flyte_bridge.backend import connect
    from flyte_bridge.errors import DeadlineExceeded, StatusError, Unavailable

    async def ask() -> None:
        async with connect.connect(settings, patience=_PATIENCE) as client:
            await asyncio.wait_for(client.user_info(), 2 * _PATIENCE)

    try:
        asyncio.run(ask())
    except (asyncio.TimeoutError, DeadlineExceeded) as error:
        raise Unavailable(
            f"Flyte 2 at {settings.endpoint} does not answer within {2 * _PATIENCE:.0f} s; see whether it runs, and whether "
            "FLYTE_BRIDGE_ENDPOINT is right"
        ) from error
    except Unavailable:
        raise
    except StatusError:  # it answers; whether a login is missing is told by the call that needs one
        return


def _leave_out_warnings() -> None:
    """Leaves out what flytekit's command line warns of itself: it declares a flag of a boolean input twice (1.16)."""
    warnings.filterwarnings("ignore", message="The parameter .* is used more than once")


def _need_flytekit() -> None:
    if find_spec("flytekit") is None:
        raise ConfigError(
            f"there is no flytekit for this Python ({sys.version_info[0]}.{sys.version_info[1]}; it stops at 3.12): run "
            "flyte-bridge with one that has it, or call `flyte-bridge serve` from the Python that has it"
        )


def _tell_plainly(directories: Sequence[Path] = ()) -> None:
    """Makes errors of the command line a message, where pyflyte 1.16 shows its own traceback: a name that is not in the
    file, JSON that is not what an input's type needs, and a module that is beneath one of the directories. This process
    runs nothing but pyflyte."""
    import click
    from flytekit.clis.sdk_in_container import utils
    from flytekit.exceptions.user import FlyteEntityNotFoundException
    from flytekit.interaction.click_types import JsonParamType

    show, convert = utils.pretty_print_exception, JsonParamType.convert

    def shown(error: Exception, verbosity: int = 1) -> None:
        if isinstance(error, FlyteEntityNotFoundException):
            raise UsageError(f"{error}{_guess(str(error))}") from error
        if isinstance(error, ModuleNotFoundError) and (beneath := _beneath(error, directories)) is not None:
            raise UsageError(
                f"{error}; it is {beneath}: name that instead of {beneath.parent}, so that imports begin where yours do"
            ) from error
        show(error, verbosity)

    def converted(self: Any, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return convert(self, value, param, ctx)
        except click.ClickException:
            raise
        except Exception as error:
            wanted = getattr(self._python_type, "__name__", self._python_type)
            message = f"{value!r} cannot be read as {wanted}: {type(error).__name__}: {error}"
            raise click.BadParameter(message, ctx=ctx, param=param) from error

    utils.pretty_print_exception, JsonParamType.convert = shown, converted


def _beneath(error: ModuleNotFoundError, directories: Sequence[Path]) -> Path | None:
    """The package or module that was not found because its directory was given, and not itself (a `src/` layout)."""
    name = (error.name or "").partition(".")[0]
    places = [directory / each for directory in directories for each in (name, f"{name}.py", f"src/{name}")]
    return next((place for place in places if name and place.exists()), None)


def _guess(message: str) -> str:
    """Which entity may be meant by the name that flytekit has not found: `'nam' not found in module 'flow'`."""
    names = re.search(r"'(\w+)' not found in module '([\w.]+)'", message)
    module = sys.modules.get(names[2]) if names else None
    if names is None or module is None:
        return ""
    from flytekit import LaunchPlan
    from flytekit.core.base_task import Task
    from flytekit.core.workflow import WorkflowBase

    known = [name for name, value in vars(module).items() if isinstance(value, (LaunchPlan, Task, WorkflowBase))]
    close = difflib.get_close_matches(names[1], known, n=1)
    return f" Did you mean {close[0]!r}?" if close else f" There are {', '.join(known)}." if known else ""


def _found(script: str) -> Path:
    path = Path(script)
    if path.is_dir():
        raise UsageError(f"{script}: is a directory; name the script in it, or use -m PACKAGE")
    if path.is_file():
        return path
    program = shutil.which(script) if len(path.parts) == 1 else None
    if program is None:
        raise UsageError(f"{script}: there is no such file, and no program of that name on the PATH")
    with Path(program).open("rb") as file:
        first = file.readline(512)
    if not (first.startswith(b"#!") and b"python" in first):
        raise UsageError(
            f"{script}: {program} is no Python script; only Python runs in process, see flyte-bridge serve"
        )
    return Path(program)
