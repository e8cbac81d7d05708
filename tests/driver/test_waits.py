"""Gates."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
import waits
from flyteidl.core import literals_pb2, types_pb2
from flyteidl2.common import identifier_pb2, phase_pb2

from driver.bed import run_identifier
from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.wire import signal

if TYPE_CHECKING:
    from driver.bed import Bed

LIST = types_pb2.LiteralType(collection_type=types_pb2.LiteralType(simple=types_pb2.INTEGER))
DATETIME = types_pb2.LiteralType(simple=types_pb2.DATETIME)
STRING = types_pb2.LiteralType(simple=types_pb2.STRING)


def _primitive(**value: object) -> literals_pb2.Literal:
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(**value)))


def _answers() -> dict[str, tuple[literals_pb2.Literal, types_pb2.LiteralType]]:
    when = _primitive()
    when.scalar.primitive.datetime.FromDatetime(datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc))
    numbers = literals_pb2.Literal()
    numbers.collection.literals.extend([_primitive(integer=1), _primitive(integer=2)])
    return {
        "numbers": (numbers, LIST),
        "when": (when, DATETIME),
        "title": (_primitive(string_value="mine"), STRING),
    }


@pytest.mark.parametrize("approved", [True, False])
def test_signals_of_any_type(bed: Bed, approved: bool) -> None:
    """Conditions carry booleans and text as they are, anything else as JSON; a rejection fails the node."""
    run = bed.start(waits.signals)
    answers = {**_answers(), "go-on": (_primitive(boolean=approved), read.APPROVAL)}

    async def answer(backend: object) -> bool:
        page = await backend.list_actions(run_id=run_identifier(run))  # type: ignore[attr-defined]
        for one in page.actions:
            action_id = identifier_pb2.ActionIdentifier(run=run_identifier(run), name=one.id.name)
            details = await backend.get_action(action_id=action_id)  # type: ignore[attr-defined]
            name = details.condition.name
            if details.status.phase == phase_pb2.ACTION_PHASE_PAUSED and name in answers:
                value, wanted = answers.pop(name)
                payload = signal.payload(value, wanted)
                told = getattr(payload, payload.WhichOneof("value"))
                await backend.signal_event(action_id=action_id, value=told)  # type: ignore[attr-defined]
        return not answers

    bed.until(answer)
    done = bed.done(waits.signals, run)
    if approved:
        assert list(done.outputs.values()) == ["mine: [1, 2] 2024-05-06T00:00:00+00:00", 5]
    else:
        assert done.error[0] == "ReceivedRejectSignal"


def test_a_sleep_needs_no_process(bed: Bed) -> None:
    """It is an action that ends when the time has passed, and what follows waits for it."""
    done = bed.run(waits.naps)
    assert done.value == 5
    first, then = done.actions["n0"].status, done.actions["n1"].status
    assert first.end_time.ToNanoseconds() - first.start_time.ToNanoseconds() >= 1_000_000_000
    assert then.start_time.ToNanoseconds() >= first.end_time.ToNanoseconds()


@pytest.mark.go_like
def test_a_gate_nobody_answers_times_out(bed: Bed) -> None:
    """Its node fails with Flyte 1's code."""
    done = bed.run(waits.impatient)
    assert done.phase == "FAILED"
    assert "TimeoutExpired" in done.error[0]
