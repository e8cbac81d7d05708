"""An embedded backend per test process, the ways in over it, and users at machines of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from flyte_bridge import config
from flyte_bridge.embedded_client import instance
from flyte_bridge.remote.in_process import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flyte_bridge.remote.in_process import Home

_OF_FLYTEKIT = ("maps", "older_flytekit", "register", "run", "script", "seed_004", "values", "wire_clients")
collect_ignore = [] if find_spec("flytekit") else [f"test_{name}.py" for name in _OF_FLYTEKIT]
"""What drives flytekit, which stops at Python 3.12."""

_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
"""All that a user's programs get of this process's environment; no configuration of the developer's own."""


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[instance.Instance]:
    """One embedded backend per test process."""
    data_dir = tmp_path_factory.mktemp("backend") / "data"
    running = instance.start(data_dir)
    yield running
    instance.stop(data_dir)


@pytest.fixture(scope="session")
def settings(backend: instance.Instance) -> config.Settings:
    """Settings that mean it."""
    return config.load(data_dir=backend.data_dir)


@pytest.fixture(scope="session")
def real_home(settings: config.Settings) -> Iterator[Home]:
    """The façade over it, in this process."""
    home = home_of(settings)
    yield home
    home.close()


@dataclass
class User:
    """A user with an empty home and working directory, whose bridge is set to a backend's data directory.

    Attributes:
        where: The working directory.
        env: The environment of what they run.
    """

    where: Path
    env: dict[str, str]

    def write(self, name: str, source: str) -> Path:
        """A file in the working directory."""
        path = self.where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return path

    def try_bridge(self, *words: str | Path, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
        """`flyte-bridge …`, whatever comes of it."""
        return subprocess.run(
            [sys.executable, "-m", "flyte_bridge_cli.main", *map(str, words)],
            cwd=self.where,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def bridge(self, *words: str | Path, **more: Any) -> str:
        """`flyte-bridge …`, which must succeed; what it prints on standard output."""
        done = self.try_bridge(*words, **more)
        assert done.returncode == 0, f"flyte-bridge {words}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def user(backend: instance.Instance, tmp_path: Path) -> User:
    """A user of the embedded backend."""
    home, where = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    where.mkdir()
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    env |= {"HOME": str(home), "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    return User(where, {**env, "FLYTE_BRIDGE_DATA_DIR": backend.data_dir})
