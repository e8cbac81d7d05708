"""The example project, unchanged: the same outputs as flytekit's own local execution."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flytekit.types.file import FlyteFile

from flyte_bridge.backend.storage import Storage

if TYPE_CHECKING:
    from driver.bed import Bed


# serializing an ImageSpec asks for Docker, and flytekit's client of it leaves its socket open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("module", "name", "inputs"),
    [("survey", "survey", {}), ("winery.data", "ingest", {"max_proline": 900.0})],
)
def test_an_example_gives_what_flytekit_gives(bed: Bed, module: str, name: str, inputs: dict[str, Any]) -> None:
    """Map tasks, conditionals, optional inputs, dataclasses, frames and files: whatever passes through is what it was."""
    workflow = getattr(importlib.import_module(module), name)
    done = bed.run(workflow, **inputs)
    assert done.phase == "SUCCEEDED", done.error
    local = workflow(**inputs)
    expected = dict(zip(done.outputs, local if isinstance(local, tuple) else (local,), strict=True))
    for output, value in expected.items():
        if isinstance(value, FlyteFile):
            assert _object(bed, done.literals.literals[output].scalar.blob.uri) == Path(value.path).read_bytes()
        else:
            assert done.outputs[output] == value


def _object(bed: Bed, uri: str) -> bytes:
    return asyncio.run(Storage(bed.storage_environment()).read(uri))
