"""A driver that cannot go on: what runs is left alone, and the next attempt finds it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import settings
from flyteidl.admin import workflow_pb2
from flyteidl.core import literals_pb2
from flyteidl2.common import identifier_pb2
from flyteidl2.core import interface_pb2, types_pb2
from flyteidl2.task import common_pb2

from driver.bed import all_actions, phase, run_identifier
from flyte_bridge import config
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.credentials import Fixed
from flyte_bridge.backend.grpc import GrpcCaller
from flyte_bridge.backend.storage import Storage
from flyte_bridge.driver.drive import Drive
from flyte_bridge.driver.main import DriverArguments
from flyte_bridge.errors import PermissionDenied
from flyte_bridge.registry import specs
from flyte_bridge_translators.wire.phase import TERMINAL
from wire.serialized import serialize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

    from driver.bed import Bed


class Denying(GrpcCaller):
    """Real calls, but for one action, whose enqueue is denied."""

    denied = ""

    async def unary(self, method: str, request: Message, reply: type[Any], *, timeout: float | None = None) -> Any:
        """See `Caller`."""
        if method.endswith("/Enqueue") and request.action.action_id.name == self.denied:  # type: ignore[attr-defined]
            raise PermissionDenied("not today")
        return await super().unary(method, request, reply, timeout=timeout)


class Forgetting(BackendClient):
    """A backend whose watches tell of nothing that has ended, as a real one does of what it has collected."""

    async def watch_children(self, **more: Any) -> AsyncIterator[Any]:
        """See `ChildVerbs`."""
        told = False
        async for update in super().watch_children(**more):
            if update is None or told or update.phase not in TERMINAL:
                told = told or update is None
                yield update


def _root(bed: Bed, workflow: Any, name: str) -> identifier_pb2.ActionIdentifier:
    """A root that only sleeps and carries the workflow, so that this process can drive it."""
    made = serialize(workflow)
    own = workflow_pb2.Workflow(id=made.workflows[workflow.name].template.id)
    own.closure.compiled_workflow.CopyFrom(made.compiled(workflow.name))
    spec, _ = specs.of_workflow(own, None, specs.DriverPod.of(config.load()))
    template = spec.task_template
    template.type = "core-sleep"
    template.ClearField("container")
    variable = interface_pb2.Variable(type=types_pb2.LiteralType(simple=types_pb2.DURATION))
    del template.interface.inputs.variables[:]
    template.interface.inputs.variables.add(key="duration", value=variable)
    inputs = common_pb2.Inputs()
    inputs.literals.add(name="duration").value.scalar.primitive.duration.FromSeconds(600)
    run = run_identifier(name)
    bed.do(lambda backend: backend.create_run(run_id=run, task_spec=spec, inputs=inputs))
    return identifier_pb2.ActionIdentifier(run=run, name="a0")


def test_what_runs_goes_on_and_is_found_again(bed: Bed) -> None:
    """An error of the backend ends the driver and nothing else; nodes are not aborted, and not run again."""
    root = _root(bed, settings.part, "stuck")
    base = "s3://flyte/test-stuck"
    inputs = literals_pb2.LiteralMap()
    inputs.literals["x"].scalar.primitive.integer = 7

    async def drive(denied: str, kind: type[BackendClient] = BackendClient) -> dict[str, Any]:
        caller = Denying(bed.endpoint, insecure=True, credentials=Fixed(bed.access.token))
        caller.denied = denied
        async with kind(caller) as backend:
            storage = Storage(bed.storage_environment())
            await storage.write(f"{base}/inputs.pb", inputs.SerializeToString())
            await Drive(DriverArguments(root, f"{base}/inputs.pb", f"{base}/out", base), backend, storage).run()
            outputs = literals_pb2.LiteralMap.FromString(await storage.read(f"{base}/out/outputs.pb"))
            assert outputs.literals["o0"].scalar.primitive.integer == 7
            return await all_actions(backend, root.run)

    with pytest.raises(PermissionDenied):
        asyncio.run(drive("n1"))
    asyncio.run(drive(""))
    actions = asyncio.run(drive("", Forgetting))  # and what is collected meanwhile is not run again, either
    children = {name: one for name, one in actions.items() if name != "a0"}
    assert {name: phase(one) for name, one in children.items()} == dict.fromkeys(("n0", "n1", "n2"), "SUCCEEDED")
    assert {one.status.attempts for one in children.values()} == {1}
    bed.do(lambda backend: backend.abort_run(run_id=root.run, reason="tested"))
