"""Two embedded backends: one behind its Flyte 1 port stands for Flyte 1, the other is Flyte 2."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flyte_bridge import config
from flyte_bridge.embedded_client import instance, snippets
from flyte_bridge.remote.flyte_remote import FlyteRemote
from flyte_bridge.side_by_side.sides import Sides
from modes import FULL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from flyte_bridge.side_by_side.control_plane import ControlPlane

collect_ignore = (
    []
    if find_spec("flytekit")
    else [
        "test_compare.py",
        "test_backfill.py",
        "test_shadow.py",
        "test_import.py",
        "test_import_history.py",
        "test_cutover_wire.py",
        "test_following.py",
        "test_following_wire.py",
        "test_killed.py",
    ]
)
"""What runs workflows of flytekit, which stops at Python 3.12."""

CODE = Path(__file__).with_name("code")
PROJECT, DOMAIN = "flytesnacks", "development"


def _start(data_dir: Path, side: str, ahead: float = 0.0) -> instance.Instance:
    with pytest.MonkeyPatch.context() as patch:
        if ahead:
            patch.setenv("FLYTE_BRIDGE_EMBEDDED_CLOCK", str(ahead))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])]))
        patch.setenv("FLYTE_BRIDGE_TASK_ENV", "SIDE_BY_SIDE")
        patch.setenv("SIDE_BY_SIDE", side)
        return instance.start(data_dir)


@dataclass(frozen=True)
class TwoSides:
    """Both backends.

    Attributes:
        v1: Stands for Flyte 1.
        v2: Is Flyte 2.
        settings: Mean both.
        proxy_port: A port by which Flyte 1 may be called, too: a test's proxy listens there.
    """

    v1: instance.Instance
    v2: instance.Instance
    settings: config.Settings
    proxy_port: int = 0

    @property
    def env(self) -> dict[str, str]:
        """The variables that mean both, for a process."""
        store = snippets.flyte_environment(self.v1)
        return {
            "FLYTE_BRIDGE_V1_ENDPOINT": self.v1.endpoint,
            "FLYTE_BRIDGE_V1_TOKEN": self.v1.access.token,
            "FLYTE_BRIDGE_V1_INSECURE": "true",
            "FLYTE_BRIDGE_DATA_DIR": self.v2.data_dir,
            **{
                f"FLYTE_BRIDGE_V1_{name.removeprefix('FLYTE_')}": value
                for name, value in store.items()
                if "AWS" in name
            },
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }

    def remote(self, side: str) -> FlyteRemote:
        """flytekit's remote of a side."""
        data_dir = Path((self.v1 if side == "v1" else self.v2).data_dir)
        return FlyteRemote(settings=config.load(data_dir=data_dir), default_project=PROJECT, default_domain=DOMAIN)

    def bridge(self, *words: str | Path, timeout: float = 300, **env: str) -> subprocess.CompletedProcess[str]:
        """`flyte-bridge …` of both sides, whatever comes of it."""
        return subprocess.run(
            [sys.executable, "-m", "flyte_bridge_cli.main", *map(str, words)],
            env={**os.environ, **self.env, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def run(self, work: Callable[[ControlPlane, ControlPlane], Awaitable[Any]]) -> Any:
        """Does something with both control planes."""

        async def within() -> Any:
            sides = Sides(self.settings)
            try:
                return await work(await sides.of("v1"), await sides.of("v2"))
            finally:
                await sides.close()

        return asyncio.run(within())


@contextmanager
def two_backends(place: Path, proxy_port: int = 0, apart: float = 0.0) -> Iterator[TwoSides]:
    """Both backends in a directory, with nothing registered; stopped at the end.

    Args:
        place: The directory.
        proxy_port: A port by which Flyte 1 may be called, too.
        apart: Seconds by which Flyte 1's clock is behind, and Flyte 2's ahead.
    """
    try:
        with pytest.MonkeyPatch.context() as patch:
            if proxy_port:
                patch.setenv("FLYTE_BRIDGE_HOSTS", f"127.0.0.1:{proxy_port}")
            v1 = _start(place / "v1", "1", -apart)
        v2 = _start(place / "v2", "2", apart)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in snippets.flyte_environment(v1).items():
                if name.startswith("FLYTE_AWS"):
                    patch.setenv(f"FLYTE_BRIDGE_V1_{name.removeprefix('FLYTE_')}", value)
            assert v1.access is not None
            settings = config.load(
                v1_endpoint=v1.endpoint, v1_insecure=True, v1_token=v1.access.token, data_dir=Path(v2.data_dir)
            )
            yield TwoSides(v1, v2, settings, proxy_port)
    finally:
        for side in ("v1", "v2"):
            instance.stop(place / side)


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoSides]:
    """Both backends, with the pipeline registered on both."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        proxy_port = taken.getsockname()[1]
    with two_backends(tmp_path_factory.mktemp("two"), proxy_port) as sides:
        _register(sides)
        yield sides


KILLS = 200 if FULL else 6


def killed_work(two: TwoSides, kind: str, place: Path) -> dict[str, int]:
    """What became of a backfill, shadow or import that was killed so often (`kill_work`)."""
    script = Path(__file__).with_name("kill_work.py")
    done = subprocess.run(
        [sys.executable, str(script), kind, str(place), str(KILLS), "7"],
        env={**os.environ, **two.env},
        capture_output=True,
        text=True,
        timeout=1800 if FULL else 240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, int] = json.loads(done.stdout)
    print(f"{kind} killed {told['kills']} times: {told}")
    assert told["kills"] >= KILLS
    return told


VERSION = "v1"


def _register(two: TwoSides) -> None:
    from flytekit.configuration import Image, ImageConfig, SerializationSettings

    sys.path.insert(0, str(CODE))
    import pipeline  # type: ignore[import-not-found]

    image = Image("default", "local/flytekit", "1")
    for side in ("v1", "v2"):
        remote = two.remote(side)
        settings = SerializationSettings(ImageConfig(image), project=PROJECT, domain=DOMAIN, version=VERSION)
        for workflow in (
            pipeline.whole,
            pipeline.sided,
            pipeline.starting,
            pipeline.noisy,
            pipeline.failing,
            pipeline.daily,
            pipeline.steady,
        ):
            remote.register_workflow(workflow, settings, version=VERSION)
        plans = (pipeline.every_day, pipeline.every_hour, pipeline.by_hand, pipeline.every_minute, pipeline.steadily)
        for plan in plans:
            remote.register_launch_plan(plan, VERSION, PROJECT, DOMAIN, serialization_settings=settings)


@pytest.fixture(scope="session")
def start(two: TwoSides) -> Callable[..., str]:
    """Runs a workflow on one side until it has ended; its name."""

    done: set[tuple[str, str]] = set()

    def run(side: str, workflow: str, name: str, **inputs: Any) -> str:
        remote = two.remote(side)
        entity = remote.fetch_workflow(PROJECT, DOMAIN, f"pipeline.{workflow}", VERSION)
        if (side, name) in done:
            return name
        done.add((side, name))
        remote.wait(remote.execute(entity, inputs, execution_name=name), poll_interval=_POLL)
        return name

    return run


_POLL = timedelta(seconds=0.3)
