"""Tasks, workflows and launch plans in Flyte 2: what goes in comes out, once."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge.errors import AlreadyExists, FailedPrecondition, InvalidRequest, NotFound
from flyte_bridge_translators.wire import envelope, identifier

from .entities import SQUARE, area_plan, area_workflow, square_request

if TYPE_CHECKING:
    from flyte_bridge.registry import Registry

    from .conftest import Use


def fresh() -> str:
    """A version nobody else uses."""
    return f"v{uuid.uuid4().hex[:10]}"


def deployed(v1_id: identifier_pb2.Identifier) -> task_definition_pb2.TaskIdentifier:
    return identifier.deployed(v1_id, org="local")


def test_a_task_comes_back_as_it_was_registered(use: Use) -> None:
    """Template, description and time; and Flyte 2 has it under the reserved environment, ready to run."""
    request = square_request(fresh())

    async def act(registry: Registry) -> tuple[task_pb2.Task, Any]:
        await registry.put_task(request)
        details = await registry.backend.get_task(task_id=deployed(request.id))
        return await registry.get_task(request.id), details

    task, details = use(act)
    assert task.id == request.id
    assert task.closure.compiled_task.template == request.spec.template
    assert task.closure.created_at.seconds > 1_700_000_000
    assert task.short_description == "Squares a number."
    assert details.task_id.name == f"flyte1.task.{SQUARE}"
    assert details.metadata.environment_name == "flyte1.task"
    assert details.metadata.short_description == "Squares a number."
    assert list(details.spec.task_template.container.args) == list(request.spec.template.container.args)


def test_a_workflow_comes_back_with_its_closure(use: Use) -> None:
    """And Flyte 2 has a task of the driver's, with the workflow's interface."""
    workflow = area_workflow(fresh())

    async def act(registry: Registry) -> tuple[workflow_pb2.Workflow, Any]:
        await registry.put_workflow(workflow)
        details = await registry.backend.get_task(task_id=deployed(workflow.id))
        return await registry.get_workflow(workflow.id), details

    found, details = use(act)
    assert found.id == workflow.id
    assert found.closure.compiled_workflow == workflow.closure.compiled_workflow
    template = details.spec.task_template
    assert template.type == envelope.TASK_TYPE
    assert [entry.key for entry in template.interface.inputs.variables] == ["side", "unit", "when"]
    assert template.container.args[0] == "flyte-bridge-driver"


def test_a_launch_plan_comes_back_inactive(use: Use) -> None:
    """Flyte 2 has the workflow's task less the fixed inputs, with the defaults; its envelope holds both."""
    version = fresh()
    workflow, plan = area_workflow(version), area_plan(version)

    async def act(registry: Registry) -> tuple[launch_plan_pb2.LaunchPlan, Any, envelope.Envelope]:
        await registry.put_workflow(workflow)
        await registry.put_launch_plan(plan)
        details = await registry.backend.get_task(task_id=deployed(plan.id))
        return await registry.get_launch_plan(plan.id), details, await registry.unpack(details)

    found, details, packed = use(act)
    assert (found.id, found.spec) == (plan.id, plan.spec)
    assert found.closure.state == launch_plan_pb2.INACTIVE
    assert found.closure.expected_inputs == plan.closure.expected_inputs
    assert [entry.key for entry in details.spec.task_template.interface.inputs.variables] == ["unit", "when"]
    assert [named.name for named in details.spec.default_inputs] == ["unit"]
    assert packed.launch_plan is not None
    assert packed.launch_plan.spec.fixed_inputs.literals["side"].scalar.primitive.integer == 3
    assert packed.closure == workflow.closure.compiled_workflow


def test_the_state_of_a_launch_plan_is_never_old(use: Use) -> None:
    """Another process's change is seen at once, though the launch plan itself is read once; versions called `1`, too."""

    async def act(registry: Registry) -> list[tuple[str, ...]]:
        other = type(registry)(registry.backend, registry.settings)
        name = f"stated-{uuid.uuid4().hex}"
        workflow = area_workflow(fresh())
        await registry.put_workflow(workflow)
        plans = {}
        for version in ("0", "1", "2"):
            plan = plans[version] = area_plan(workflow.id.version)
            plan.id.name, plan.id.version = name, version
            await registry.put_launch_plan(plan)

        async def told() -> tuple[str, ...]:
            found = [await registry.get_launch_plan(plan.id) for plan in plans.values()]
            assert [one.id for one in found] == [plan.id for plan in plans.values()]
            for one in found:
                one.spec.Clear()  # what somebody makes of an answer is no part of the next
            return tuple(launch_plan_pb2.LaunchPlanState.Name(one.closure.state) for one in found)

        seen = [await told(), await told()]
        for version in ("0", "1", "2"):
            await other.plans.activate(plans[version])
            seen.append(await told())
        await other.plans.deactivate(plans["2"])
        again = await registry.get_launch_plan(plans["2"].id)
        assert again.spec == (await other.get_launch_plan(plans["2"].id)).spec
        assert again.spec.workflow_id.name
        return [*seen, await told()]

    on, off = "ACTIVE", "INACTIVE"
    none = (off, off, off)
    assert use(act) == [none, none, (on, off, off), (off, on, off), (off, off, on), none]


def test_what_is_registered_stays_as_it_is(use: Use) -> None:
    """The same again is ALREADY_EXISTS; another under the identifier is INVALID_ARGUMENT and tells the difference."""
    version = fresh()
    workflow, plan = area_workflow(version), area_plan(version)

    async def act(registry: Registry) -> list[Exception]:
        await registry.put_task(square_request(version))
        await registry.put_workflow(workflow)
        await registry.put_launch_plan(plan)
        other_task, other_workflow, other_plan = square_request(version), area_workflow(version), area_plan(version)
        other_task.spec.template.metadata.discovery_version = "8"
        other_workflow.closure.compiled_workflow.primary.template.nodes[2].metadata.name = "renamed"
        other_plan.spec.max_parallelism = 3
        return await asyncio.gather(  # type: ignore[no-any-return]
            registry.put_task(square_request(version)),
            registry.put_workflow(workflow),
            registry.put_launch_plan(plan),
            registry.put_task(other_task),
            registry.put_workflow(other_workflow),
            registry.put_launch_plan(other_plan),
            return_exceptions=True,
        )

    refusals = use(act)
    for what, same in zip(("task", "workflow", "launch plan"), refusals[:3], strict=True):
        assert isinstance(same, AlreadyExists)
        assert str(same) == f"{what} with identical structure already exists"
    for what, other in zip(("task", "workflow", "launch plan"), refusals[3:], strict=True):
        assert isinstance(other, InvalidRequest)
        assert f"{what} with different structure already exists. (Please register a new version" in str(other)
    assert "/template/metadata/discovery_version:\n\t- 7 \n\t+ 8" in str(refusals[3])
    assert refusals[1].details[0].exists_identical_structure.id == workflow.id
    assert refusals[4].details[0].exists_different_structure.id == workflow.id


def test_registering_at_once_registers_once(use: Use) -> None:
    """Of many equal registrations in one process one succeeds, and of different ones too."""
    version = fresh()

    def request(number: int) -> task_pb2.TaskCreateRequest:
        made = square_request(version)
        made.spec.template.metadata.discovery_version = str(number % 2)
        return made

    async def act(registry: Registry) -> list[Any]:
        return await asyncio.gather(*(registry.put_task(request(n)) for n in range(8)), return_exceptions=True)

    outcomes = [type(outcome).__name__ for outcome in use(act)]
    assert sorted(outcomes) == ["AlreadyExists"] * 3 + ["InvalidRequest"] * 4 + ["NoneType"]


def test_what_is_not_registered_is_told_in_flyteadmins_words(use: Use) -> None:
    """Each kind has its own message; an identifier without a version is never the latest one's."""
    version = fresh()

    async def act(registry: Registry) -> list[Any]:
        await registry.put_task(square_request(version))
        asked = square_request("never").id
        unversioned = square_request("").id
        return await asyncio.gather(
            registry.get_task(asked),
            registry.get_workflow(asked),
            registry.get_launch_plan(asked),
            registry.get_task(unversioned),
            registry.put_launch_plan(area_plan("never")),
            return_exceptions=True,
        )

    refusals = use(act)
    where = f'project:"flytesnacks" domain:"development" name:"{SQUARE}" version:"never"'
    for kind, refusal in zip(("TASK", "WORKFLOW", "LAUNCH_PLAN"), refusals, strict=False):
        assert isinstance(refusal, NotFound)
        assert str(refusal) == f"missing entity of type {kind} with identifier {where}"
    assert all(isinstance(refusal, NotFound) for refusal in refusals)


def test_a_large_workflow_is_split_over_documents(use: Use) -> None:
    """Above 256 KiB of packed closure the deployed task names documents, which any reader puts together."""
    workflow = area_workflow(fresh())
    noise = random.Random(4)
    nodes = workflow.closure.compiled_workflow.primary.template.nodes
    for number in range(60):
        node = nodes.add()
        node.CopyFrom(nodes[2])
        node.id = f"n{number + 1}"
        node.metadata.name = noise.randbytes(6000).hex()

    async def act(registry: Registry) -> tuple[workflow_pb2.Workflow, Any]:
        await registry.put_workflow(workflow)
        details = await registry.backend.get_task(task_id=deployed(workflow.id))
        return await registry.get_workflow(workflow.id), details

    found, details = use(act)
    assert len(envelope.documents(details.spec.task_template.custom)) >= 2
    assert details.ByteSize() < 16 * 1024
    assert found.closure.compiled_workflow == workflow.closure.compiled_workflow


def test_versions_of_any_length_and_spelling_are_kept(use: Use) -> None:
    """Backfills' versions end in `==`; a long one is hashed in Flyte 2 and whole in Flyte 1."""
    for version in (f"{fresh()}==", f"{fresh()}{'x' * 200}", f"{fresh()} é/+%"):
        request = square_request(version)

        async def act(registry: Registry, request: task_pb2.TaskCreateRequest = request) -> task_pb2.Task:
            await registry.put_task(request)
            return await registry.get_task(request.id)

        assert use(act).id.version == version


def test_long_descriptions_are_cut_for_flyte_2_and_whole_in_flyte_1(use: Use) -> None:
    """Within what it keeps, and between characters."""
    request = square_request(fresh())
    request.spec.description.short_description = "é" * 400
    request.spec.description.long_description.value = "日" * 3000

    async def act(registry: Registry) -> tuple[Any, Any]:
        await registry.put_task(request)
        details = await registry.backend.get_task(task_id=deployed(request.id))
        return await registry.get_description(request.id), details

    description, details = use(act)
    assert description.short_description == "é" * 400
    assert description.long_description.value == "日" * 3000
    assert details.spec.documentation.short_description == "é" * 127
    assert details.spec.documentation.long_description == "日" * 682


def test_a_name_too_long_for_flyte_2_is_refused(use: Use) -> None:
    """The message tells how long it may be."""

    async def act(registry: Registry) -> None:
        await registry.put_task(square_request("v1", "x" * 250))

    with pytest.raises(InvalidRequest, match="has 250 characters, and Flyte 2 has room for 243"):
        use(act)


def test_elsewhere_than_on_the_embedded_backend_the_driver_needs_an_image(use: Use, endpoint: str) -> None:
    """Unset, registration is refused and says what to set; set, workflows run in it."""
    workflow = area_workflow(fresh())

    async def act(registry: Registry) -> Any:
        await registry.put_workflow(workflow)
        return await registry.backend.get_task(task_id=deployed(workflow.id))

    with pytest.raises(FailedPrecondition, match="FLYTE_BRIDGE_DRIVER_IMAGE"):
        use(act, endpoint=endpoint, insecure=True)
    details = use(act, endpoint=endpoint, insecure=True, driver_image="registry.example/driver:1")
    assert details.spec.task_template.container.image == "registry.example/driver:1"
