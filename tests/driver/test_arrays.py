"""Map tasks and array nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import arrays
import pytest

from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed, Done


def elements(done: Done, node: str) -> dict[str, str]:
    """The phases of an array's elements, by index."""
    phases = done.phases()
    names = {str(index): identifier.action_name(identifier.element_id(node, index)) for index in range(2000)}
    return {index: phases[name] for index, name in names.items() if name in phases}


def test_several_inputs(bed: Bed) -> None:
    """Elements get their items of every mapped input and all of what is bound, know their place, and keep to the bound."""
    done = bed.run(arrays.several, xs=[1, 2, 3, 4], ys=[10, 20, 30, 40])
    first, second = done.outputs.values()
    assert first == ["110 at 0", "220 at 1", "330 at 2", "440 at 3"]
    assert second == ["4 at 0", "6 at 1", "8 at 2", "10 at 3"]
    assert elements(done, "n0") == dict.fromkeys("0123", "SUCCEEDED")
    assert done.phases()["n0"] == "SUCCEEDED"  # what the array put out as a whole is recorded
    assert {done.actions[name].metadata.group for name in done.phases() if name not in {"n0", "n1"}} == {"n0", "n1"}


@pytest.mark.parametrize("size", [10, 100_000])
def test_shared_inputs(bed: Bed, size: int) -> None:
    """What all elements share reaches each, whether it is small or too large to be stored with each."""
    done = bed.run(arrays.shared, n=3, size=size)
    assert done.value == [size + 1, size + 2, size + 3]


def test_files_and_no_outputs(bed: Bed) -> None:
    """Files pass through an array; an array of tasks without outputs is waited for; an empty one gives empty lists."""
    done = bed.run(arrays.files, n=3)
    assert done.value == "0 1 2"
    assert bed.run(arrays.files, n=0).value == ""


def test_some_may_fail(bed: Bed) -> None:
    """With a ratio, failed elements are none; what comes after gets them so."""
    done = bed.run(arrays.half, n=4)
    assert tuple(done.outputs.values()) == ([None, 1, None, 3], 2)
    assert elements(done, "n1") == {"0": "FAILED", "1": "SUCCEEDED", "2": "FAILED", "3": "SUCCEEDED"}
    assert done.phases()["n1"] == "SUCCEEDED"


def test_too_many_fail(bed: Bed) -> None:
    """The first failure of an array that needs all ends it: the error names the element, the rest never begins."""
    done = bed.run(arrays.all_odd, n=6)
    assert done.phase == "FAILED"
    code, message = done.error
    assert code == "USER:RuntimeError"
    assert message.startswith("[0]: ")
    assert "0 is even" in message
    assert elements(done, "n1") == {"0": "FAILED"}
    assert done.phases()["n1"] == "FAILED"


def test_cache_per_element(bed: Bed, tmp_path: Path) -> None:
    """An element that ran before is not run again, in whatever list and at whatever place it is."""
    assert bed.run(arrays.cached, xs=[1, 2, 3], place=str(tmp_path)).value == [10, 20, 30]
    assert bed.run(arrays.cached, xs=[4, 3, 1], place=str(tmp_path)).value == [40, 30, 10]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys("1234", "x")


def test_launch_plans(bed: Bed) -> None:
    """Each element of a mapped launch plan is a run of its own, with the plan's fixed inputs."""
    done = bed.run(arrays.plans, name="mapped-plans", xs=[1, 2, 3])
    assert done.value == ["8 at ?", "9 at ?", "10 at ?"]
    child = identifier.child_execution_name("mapped-plans", identifier.element_id("n0", 2))
    assert bed.done(arrays.fixed, identifier.run_name(child)).value == "10 at ?"


def test_uneven_lists(bed: Bed) -> None:
    """Lists of different lengths fail the node with Flyte 1's code."""
    done = bed.run(arrays.uneven, xs=[1, 2], ys=[1])
    assert done.phase == "FAILED"
    assert done.error[0] == "InvalidArrayLength"
    assert "input arrays have different lengths: factor has 2, x has 2, y has 1" in done.error[1]
