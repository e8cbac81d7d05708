"""One embedded backend per worker, for workflows of `code/` and the examples."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.embedded_client import instance
from modes import both_ways

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driver.bed import Bed

# what the driver runs is made with flytekit, which stops at Python 3.12
collect_ignore_glob = [] if find_spec("flytekit") else ["test_*.py"]

CODE = Path(__file__).with_name("code")
EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path[:0] = [
    str(CODE),
    str(EXAMPLES),
]  # the workflows are imported here, to be serialized, and by the tasks' processes


def start(data_dir: Path, port: int | None = None, like: str = "own", forgets: float = 3600) -> instance.Instance:
    """A backend whose tasks can import the modules of `code/`.

    Args:
        data_dir: Its directory.
        port: Its port.
        like: `own`, or `go` for one that behaves as the Go backend.
        forgets: Seconds after which that one forgets what has ended.
    """
    path = os.pathsep.join([str(CODE), str(EXAMPLES), *filter(None, [os.environ.get("PYTHONPATH")])])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path)
        if like != "own":
            patch.setenv("FLYTE_BRIDGE_EMBEDDED_LIKE", like)
            patch.setenv("FLYTE_BRIDGE_EMBEDDED_FORGETS", str(forgets))
        return instance.start(data_dir, port)


@pytest.fixture(scope="session", params=both_ways())
def bed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """What workflows are deployed to and run on: the embedded backend, its own way and as the Go one."""
    from driver.bed import Bed

    data_dir = tmp_path_factory.mktemp("driver") / "data"
    yield Bed(start(data_dir, like=request.param).endpoint, data_dir, like=request.param)
    instance.stop(data_dir)
