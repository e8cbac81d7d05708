"""Signals: gates that wait for somebody, seen and answered by flytekit's own client."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

import fsspec
from flytekit.exceptions.system import FlyteSystemException
from flytekit.exceptions.user import FlyteInvalidInputException
from flytekit.models.core.execution import NodeExecutionPhase, WorkflowExecutionPhase
from flytekit.remote.remote_fs import get_flyte_fs

if TYPE_CHECKING:
    from pathlib import Path

    from admin.control import Control


def _signals(control: Control, execution: Any) -> dict[str, Any]:
    return {one.id.signal_id: one for one in control.remote.list_signals(execution.id.name)}


@pytest.fixture
def waiting(control: Control, flows: Any) -> Any:
    """An execution whose three gates were reached."""
    execution = control.start(flows.waits, {"a": 1})
    return control.until(execution, lambda one: len(_signals(control, one)) == 3)


def test_signals_are_listed_and_answered(control: Control, waiting: Any) -> None:
    """Of every type; the answers are the gates' outputs, and are told afterwards."""
    signals = _signals(control, waiting)
    assert {name: one.type.simple for name, one in signals.items()} == {"go": 4, "number": 1, "day": 5}
    assert not any(one.HasField("value") for one in signals.values())
    nodes = control.remote.sync(waiting, sync_nodes=True).node_executions
    assert nodes["n1"].closure.phase == NodeExecutionPhase.RUNNING
    control.remote.approve("go", waiting.id.name)
    control.remote.set_input("number", waiting.id.name, 3)
    control.remote.set_input("number", waiting.id.name, 3)  # the same again is no error
    control.remote.set_input("day", waiting.id.name, datetime.datetime(2030, 1, 1))
    done = control.done(waiting)
    assert done.outputs["o0"] == 2035
    assert {node.closure.phase for node in done.node_executions.values()} == {NodeExecutionPhase.SUCCEEDED}
    data = control.client.get_node_execution_data(done.node_executions["n3"].id).full_outputs
    assert data.literals["o0"].scalar.primitive.datetime.year == 2030
    assert _signals(control, done)["number"].value.scalar.primitive.integer == 3
    with pytest.raises(FlyteSystemException, match="answered already"):
        control.remote.set_input("number", waiting.id.name, 4)


def test_any_type_can_be_waited_for(control: Control, flows: Any, tmp_path: Path) -> None:
    """Lists, maps, dataclasses, files, enums, optional values and unions in a list, told beneath a dynamic task; no input
    of another type is taken for them."""
    from flytekit.types.file import FlyteFile

    execution = control.start(flows.asking, {"a": 1})
    control.until(execution, lambda one: len(_signals(control, one)) == 10)
    file = tmp_path / "told.txt"
    file.write_text("told")
    answers: dict[str, tuple[Any, Any]] = {
        "numbers": ([], list[int]),
        "words": ({"a": "b"}, dict[str, str]),
        "deep": (flows.Deep(1, ["q"]), flows.Deep),
        "span": (datetime.timedelta(hours=2), datetime.timedelta),
        "file": (FlyteFile(str(file)), FlyteFile),
        "colour": (flows.Colour.RED, flows.Colour),
        "weight": (1.5, float),
        "maybe": (None, int | None),
        "either": ([1, 2], list[int | str]),
    }
    for name in ("maybe", "numbers", "either", "deep"):
        with pytest.raises(FlyteInvalidInputException, match="is not castable to existing signal type"):
            control.remote.set_input(name, execution.id.name, 1.5, python_type=float)
    fsspec.register_implementation(
        "flyte", get_flyte_fs(remote=control.remote), clobber=True
    )  # the newest remote's is it
    with control.remote.remote_context():
        for name, (value, kind) in answers.items():
            control.remote.set_input(name, execution.id.name, value, python_type=kind)
    control.remote.approve("fine", execution.id.name)
    done = control.done(execution)
    assert done.outputs["o0"] == "[] {'a': 'b'} Deep(n=1, names=['q']) 2:00:00 told red 1.5 None [1, 2]"


def test_a_rejected_approval_fails_its_node(control: Control, waiting: Any) -> None:
    """And with it the execution, in propeller's words."""
    control.remote.reject("go", waiting.id.name)
    done = control.done(waiting)
    assert done.closure.phase == WorkflowExecutionPhase.FAILED
    assert "ReceivedRejectSignal" in done.error.code
    assert done.node_executions["n1"].closure.phase == NodeExecutionPhase.FAILED


def test_what_cannot_be_answered_is_refused(control: Control, waiting: Any) -> None:
    """An unknown signal, or one whose gate was not reached; a value of another type."""
    with pytest.raises(FlyteInvalidInputException, match="failed to validate that signal"):
        control.remote.set_input("nobody", waiting.id.name, 3)
    with pytest.raises(FlyteInvalidInputException, match="is not castable to existing signal type"):
        control.remote.set_input("number", waiting.id.name, "three")
    control.remote.terminate(waiting, "no more")
