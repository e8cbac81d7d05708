"""The real, unmodified `flyte` SDK and CLI, each call a process of its own, against one embedded backend per worker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
import urllib.request
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import admitted
from flyte_bridge.embedded_client import instance, snippets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRELUDE = """\
import json

import flyte
import flyte.models
import flyte.remote


def tell(**facts):
    print("TOLD", json.dumps(facts, default=str))
"""

EPILOGUE = """
if __name__ == "__main__":  # tasks import the script, too
    import atexit
    import os
    import sys
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
"""
"""Ends a script before the interpreter's last steps.

pyqwest (0.12, the transport of flyte 2.12.1) tells of each response from a thread of its own. One that asks for the GIL
while the interpreter ends is unwound by `pthread_exit` (up to CPython 3.13), which Rust answers with an abort: SIGABRT
instead of the exit code, everything else done (2 of 100 calls of `flyte create secret` on a busy machine).
"""

FLYTE = """\
import atexit
import os
import sys

from flyte.cli.main import main

sys.argv[0] = "flyte"
try:
    sys.exit(main())
except SystemExit as end:
    code = end.code
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
atexit._run_exitfuncs()
sys.stdout.flush()
sys.stderr.flush()
os._exit(code or 0)
"""
"""The console script `flyte`, word for word but for its end; see `EPILOGUE`."""

_ANSI = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\\\")

_OPEN = {"queued", "waiting_for_resources", "initializing", "running", "paused"}

_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
"""All that clients get of this process's environment; no configuration of the developer's own."""


@dataclass
class Client:
    """A user at a machine of their own: a home, a working directory, and `flyte` configured as `flyte-bridge up` says.

    Attributes:
        where: The working directory.
    """

    running: instance.Instance
    where: Path
    env: dict[str, str]

    def __post_init__(self) -> None:
        self._scripts = count(1)

    def write(self, name: str, source: str) -> Path:
        """A file in the working directory."""
        path = self.where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return path

    def try_flyte(self, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """`flyte …`, whatever comes of it."""
        return self._run([sys.executable, "-c", FLYTE, *words], **more)

    def flyte(self, *words: str, **more: Any) -> str:
        """`flyte …`, which must succeed; what it prints on standard output."""
        done = self.try_flyte(*words, **more)
        assert done.returncode == 0, f"flyte {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        """`flyte --output-format json-raw …`, parsed; the CLI breaks lines at the terminal's width."""
        return json.loads(self.flyte("--output-format", "json-raw", *words, env={"COLUMNS": "1000000"}))

    def run(self, *words: str, follow: bool = True, phase: str | None = "succeeded") -> str:
        """`flyte run …`; the run's name. Waits for its end and holds that it ended in `phase`."""
        said = self.flyte("run", *(["--follow"] if follow else []), *words)
        run = run_in(said)
        if follow and phase:
            # `--follow` ends with the first attempt's log; others may come after it
            deadline = time.monotonic() + 120
            while (found := self.phase_of(run)) in _OPEN and time.monotonic() < deadline:
                time.sleep(0.05)
            assert found == phase, f"{found}\n{said}"
        return run

    def rpc(self, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the backend itself says, without a client's start-up time: for waiting, and for checks on the side."""
        request = urllib.request.Request(
            f"{self.running.url}/flyteidl2.workflow.RunService/{method}",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json", **admitted.headers(self.running.access)},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            told: dict[str, Any] = json.load(response)
        return told

    def phase_of(self, run: str, domain: str = "development") -> str:
        """A run's phase, in the SDK's words."""
        run_id = {"project": "flytesnacks", "domain": domain, "name": run}
        details = self.rpc("GetRunDetails", {"runId": run_id})["details"]
        return str(details["action"]["status"]["phase"]).removeprefix("ACTION_PHASE_").lower()

    def actions_of(self, run: str) -> list[dict[str, Any]]:
        """A run's actions, as the backend lists them."""
        run_id = {"project": "flytesnacks", "domain": "development", "name": run}
        actions: list[dict[str, Any]] = self.rpc("ListActions", {"runId": run_id, "request": {"limit": 200}})["actions"]
        return actions

    def python(self, source: str, **more: Any) -> dict[str, Any]:
        """A script that uses the SDK and must succeed; what it `tell`s, merged."""
        path = self.write(f"script_{next(self._scripts)}.py", "")
        path.write_text(PRELUDE + textwrap.dedent(source) + EPILOGUE)
        done = self._run([sys.executable, str(path)], **more)
        assert done.returncode == 0, f"{source}\n{done.stdout}\n{done.stderr}"
        told: dict[str, Any] = {}
        for line in done.stdout.splitlines():
            if line.startswith("TOLD "):
                told |= json.loads(line.removeprefix("TOLD "))
        return told

    def _run(self, command: list[str], timeout: float = 240, **more: Any) -> subprocess.CompletedProcess[str]:
        env = {**self.env, **more.pop("env", {})}
        done = subprocess.run(
            command, cwd=self.where, env=env, capture_output=True, text=True, timeout=timeout, check=False, **more
        )
        done.stdout, done.stderr = _ANSI.sub("", done.stdout), _ANSI.sub("", done.stderr)
        return done


def run_in(said: str) -> str:
    """The name of the run whose URL the CLI printed."""
    found = re.search(r"/runs/([a-z0-9-]+)", said)
    assert found, said
    return found[1]


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[instance.Instance]:
    """One embedded backend per test process."""
    data_dir = tmp_path_factory.mktemp("backend") / "data"
    running = instance.start(data_dir)
    yield running
    instance.stop(data_dir)


@pytest.fixture(scope="session")
def session_client(backend: instance.Instance, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A client that tests of one module may share what it ran with."""
    return make_client(backend, tmp_path_factory.mktemp("client"))


@pytest.fixture
def client(backend: instance.Instance, tmp_path: Path) -> Client:
    """A client with an empty home and working directory."""
    return make_client(backend, tmp_path)


def make_client(running: instance.Instance, place: Path) -> Client:
    """An empty home, a working directory, and the variables that `flyte-bridge up` prints."""
    home, where = place / "home", place / "work"
    home.mkdir(parents=True)
    where.mkdir()
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    env |= snippets.flyte_environment(running)
    env |= {"HOME": str(home), "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    return Client(running, where, env)


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Ask again until the answer is true; for what happens by itself."""

    def ask(question: Callable[[], Any], timeout: float = 60) -> Any:
        deadline = time.monotonic() + timeout
        while True:
            answer = question()
            if answer:
                return answer
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.1)

    return ask
