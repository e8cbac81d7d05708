"""What goes wrong outside the user's functions: Flyte 1's codes, the node named."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import bad
import pytest
from flyteidl.admin import workflow_pb2
from flyteidl.core import literals_pb2
from flyteidl2.task import common_pb2
from google.protobuf.struct_pb2 import Struct

from driver.bed import run_identifier
from flyte_bridge import config
from flyte_bridge.backend.storage import Storage
from flyte_bridge.driver import child_actions
from flyte_bridge.errors import InvalidRequest, NodeError
from flyte_bridge.registry import specs
from flyte_bridge_translators.wire import envelope
from wire.serialized import serialize

if TYPE_CHECKING:
    from collections.abc import Callable

    from driver.bed import Bed, Done


def _drive(bed: Bed, change: Callable[[Any], None], *, x: int | None = 1, name: str) -> Done:
    """Run `simple` with its deployed task changed."""
    made = serialize(bad.simple)
    workflow = workflow_pb2.Workflow(id=made.workflows["bad.simple"].template.id)
    workflow.closure.compiled_workflow.CopyFrom(made.compiled("bad.simple"))
    spec, _ = specs.of_workflow(workflow, None, specs.DriverPod.of(config.load()))
    change(spec)
    inputs = common_pb2.Inputs()
    if x is not None:
        inputs.literals.add(name="x").value.scalar.primitive.integer = x
    bed.do(lambda backend: backend.create_run(run_id=run_identifier(name), task_spec=spec, inputs=inputs))
    return bed.done(bad.simple, name)


def _closure(change: Callable[[Any], None]) -> Callable[[Any], None]:
    """A change of the closure rather than of the task."""

    def apply(spec: Any) -> None:
        packed = envelope.unpack(spec.task_template.custom)
        change(packed.closure)
        spec.task_template.custom.CopyFrom(envelope.pack(packed)[0])

    return apply


def test_missing_inputs_are_refused_or_named(bed: Bed) -> None:
    """The backend refuses them; one that does not leaves it to the driver, which names the input's node."""
    bed.register(bad.simple)
    with pytest.raises(InvalidRequest, match="needs input x"):
        bed.start(bad.simple)

    def no_interface(spec: Any) -> None:
        del spec.task_template.interface.inputs.variables[:]

    done = _drive(bed, no_interface, x=None, name="missing-inputs")
    assert done.error[0] == "BindingResolutionFailure"
    assert "Node[n0]" in done.error[1]
    assert "[start-node].[x]" in done.error[1]


def test_a_closure_without_one_of_its_tasks(bed: Bed) -> None:
    """The node and the task are named."""

    def forget(closure: Any) -> None:
        del closure.tasks[:]

    done = _drive(bed, _closure(forget), name="no-tasks")
    assert done.error[0] == "TaskReferenceNotFound"
    assert "Node[n0]" in done.error[1]
    assert "bad.one:v1" in done.error[1]


def test_a_closure_with_a_node_of_no_kind(bed: Bed) -> None:
    """A closure of another version, with nodes nobody knows here: the node is named."""

    def forget(closure: Any) -> None:
        next(node for node in closure.primary.template.nodes if node.id == "n1").ClearField("target")

    done = _drive(bed, _closure(forget), name="no-target")
    assert done.error[0] == "BadSpecificationError"
    assert "Node[n1]" in done.error[1]
    assert done.phases() == {"n0": "SUCCEEDED", "n1": "FAILED"}


def test_a_closure_whose_nodes_wait_for_each_other(bed: Bed) -> None:
    """The circle is told, and nothing runs."""

    def tie(closure: Any) -> None:
        next(node for node in closure.primary.template.nodes if node.id == "n0").upstream_node_ids.append("n1")

    done = _drive(bed, _closure(tie), name="circle")
    assert done.error[0] == "BadSpecificationError"
    assert "n0 -> n1 -> n0" in done.error[1] or "n1 -> n0 -> n1" in done.error[1]
    assert done.phases() == {}


@pytest.mark.parametrize(
    ("custom", "said"),
    [
        ({}, "is not one that flyte-bridge has deployed"),
        ({"format": 99, "sizes": [1], "data": ""}, "by another flyte-bridge"),
        ({"format": 1, "sizes": [1], "data": "!"}, "cannot be read"),
        ({"format": 1, "sizes": [1], "documents": ["gone"]}, "document gone"),
    ],
)
def test_an_envelope_that_cannot_be_read(bed: Bed, custom: dict[str, Any], said: str) -> None:
    """It is the workflow's failure, with what to do, and not tried again."""

    def replace(spec: Any) -> None:
        struct = Struct()
        struct.update(custom)
        spec.task_template.custom.CopyFrom(struct)

    done = _drive(bed, replace, name=f"envelope-{len(said)}")
    assert done.error[0] == "BadSpecificationError"
    assert said in done.error[1]
    assert done.details.status.attempts == 1


def test_a_task_without_outputs(bed: Bed) -> None:
    """A command that ends well and leaves nothing fails its node, after the system's retries."""
    done = bed.run(bad.without_outputs, x=1)
    assert done.phase == "FAILED"
    assert "OutputsNotFound" in done.error[0]


def test_futures_that_do_not_parse(bed: Bed) -> None:
    """What a dynamic task left is no job specification: Flyte 1's code, and the node."""
    code = (
        "import asyncio, sys; from flyte_bridge.backend.storage import Storage; "
        "asyncio.run(Storage().write(sys.argv[1] + '/futures.pb', b'\\xff'))"
    )

    def other(closure: Any) -> None:
        closure.tasks[0].template.container.args[:] = ["python", "-c", code, "{{.outputPrefix}}"]

    done = _drive(bed, _closure(other), name="bad-futures")
    assert done.error[0] == "DynamicWorkflowBuildFailed"
    assert "Node[n0]" in done.error[1]
    assert done.phases() == {"n0": "SUCCEEDED", "n0-closure": "FAILED"}


def test_an_image_without_flytekit(bed: Bed) -> None:
    """The command is not found: the node fails with what the backend says of it."""

    def other(closure: Any) -> None:
        closure.tasks[0].template.container.args[0] = "pyflyte-execute-of-another-image"

    done = _drive(bed, _closure(other), name="no-flytekit")
    assert done.phase == "FAILED"
    assert "pyflyte-execute-of-another-image" in done.error[1]


def test_a_launch_plan_that_is_not_registered(bed: Bed) -> None:
    """Its node fails with Flyte 1's code and the launch plan's name."""
    bed.start_only(bad.launches, "unregistered-plan", x=1)
    done = bed.done(bad.launches, "unregistered-plan")
    assert done.error[0] == "RuntimeExecutionError"
    assert "bad.plan:v1" in done.error[1]


def test_storage_that_is_gone() -> None:
    """Inputs that cannot be stored, and outputs that cannot be read, fail the node with Flyte 1's code for storage."""
    nowhere = {
        "FLYTE_AWS_ENDPOINT": "http://127.0.0.1:9",
        "FLYTE_AWS_ACCESS_KEY_ID": "a",
        "FLYTE_AWS_SECRET_ACCESS_KEY": "b",
    }
    execution = SimpleNamespace(storage=Storage(nowhere, patience=timedelta(seconds=1)))
    with pytest.raises(NodeError) as told:
        asyncio.run(child_actions.write(execution, "s3://b/inputs.pb", literals_pb2.LiteralMap(), "n3"))
    assert (told.value.code, told.value.kind, told.value.node) == ("StorageError", "SYSTEM", "n3")
    with pytest.raises(NodeError) as told:
        asyncio.run(child_actions.read(execution, "s3://b/outputs.pb", "n3"))
    assert (told.value.code, told.value.kind, told.value.node) == ("StorageError", "SYSTEM", "n3")
