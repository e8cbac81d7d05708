"""Workflows and launch plans in the `custom` of a deployed task."""

from __future__ import annotations

import random

import pytest
from flyteidl.admin import launch_plan_pb2, workflow_pb2
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from flyte_bridge_translators.wire import envelope


def _workflow(nodes: int) -> workflow_pb2.Workflow:
    chance = random.Random(7)
    workflow = workflow_pb2.Workflow()
    workflow.id.name = "app.flows.train"
    template = workflow.closure.compiled_workflow.primary.template
    for n in range(nodes):
        template.nodes.add(id=f"n{n}").metadata.name = f"{chance.getrandbits(512):x}"  # nothing deflate could shrink
    return workflow


def test_what_was_packed_is_unpacked() -> None:
    """A workflow alone, and a launch plan with its workflow; through the JSON that a struct travels as."""
    plan = launch_plan_pb2.LaunchPlan()
    plan.id.name = "nightly"
    for packed in (envelope.Envelope(_workflow(3)), envelope.Envelope(_workflow(3), plan)):
        custom, documents = envelope.pack(packed)
        assert not documents
        again = json_format.Parse(json_format.MessageToJson(custom), Struct())
        assert envelope.unpack(again) == packed


def test_a_large_one_is_split_over_documents() -> None:
    """No piece above the limit; the task names them in order."""
    packed = envelope.Envelope(_workflow(8000))
    custom, documents = envelope.pack(packed)
    assert len(documents) > 1
    assert max(map(len, documents.values())) <= envelope.MOST
    assert envelope.documents(custom) == list(documents)
    assert envelope.unpack(custom, documents.__getitem__) == packed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda custom: custom.Clear(), "not one that flyte-bridge has deployed"),
        (lambda custom: custom.update({"format": 99}), "another flyte-bridge"),
        (lambda custom: custom.update({"data": "%%%"}), "cannot be read"),
        (lambda custom: custom.update({"data": "AAAA"}), "cannot be read"),
        (lambda custom: custom.update({"sizes": [1]}), "register the workflow again"),
        (lambda custom: custom.fields.pop("data"), "incomplete"),
    ],
)
def test_what_is_no_envelope_is_said(change: object, says: str) -> None:
    """Foreign, newer and broken ones."""
    custom, _ = envelope.pack(envelope.Envelope(_workflow(1)))
    change(custom)  # type: ignore[operator]
    with pytest.raises(envelope.BadEnvelope, match=says):
        envelope.unpack(custom)
