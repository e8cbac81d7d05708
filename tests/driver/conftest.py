"""One embedded backend per worker, for workflows of `code/` and the examples."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.embedded import instance

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


def start(data_dir: Path, port: int | None = None) -> instance.Instance:
    """A backend whose tasks can import the modules of `code/`."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(CODE), str(EXAMPLES), *filter(None, [before])])
    try:
        return instance.start(data_dir, port)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """What workflows are deployed to and run on."""
    from driver.bed import Bed

    data_dir = tmp_path_factory.mktemp("driver") / "data"
    yield Bed(start(data_dir).endpoint, data_dir)
    instance.stop(data_dir)
