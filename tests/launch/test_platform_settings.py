"""What attributes do to executions: resources of tasks, the cluster pool, the queue; what they keep from starting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import execution_pb2, matchable_resource_pb2, project_domain_attributes_pb2, workflow_attributes_pb2
from flyteidl.core import identifier_pb2, literals_pb2, tasks_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2

from admin.control import DOMAIN, PROJECT, VERSION
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.registry.attributes import Attributes, AttributeScope
from flyte_bridge.registry.deployed import Deployed
from flyte_bridge.registry.documents import Documents
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from admin.control import Control

_Resources = tasks_pb2.Resources


@pytest.fixture(scope="module")
def project(admin: Any, make_project: Callable[[], str]) -> str:
    """A project whose development domain says something of all that executions follow."""
    name = make_project()
    for told in (
        {"task_resource_attributes": {"defaults": {"cpu": "250m", "memory": "64Mi"}, "limits": {"cpu": "300m"}}},
        {"cluster_assignment": {"cluster_pool_name": "pool"}},
        {"execution_queue_attributes": {"tags": ["fast", "slow"]}},
    ):
        attributes = {"project": name, "domain": DOMAIN, "matching_attributes": told}
        admin.UpdateProjectDomainAttributes(
            project_domain_attributes_pb2.ProjectDomainAttributesUpdateRequest(attributes=attributes)
        )
    return name


def _request(project: str, name: str, kind: int, **values: int) -> execution_pb2.ExecutionCreateRequest:
    target = identifier_pb2.Identifier(resource_type=kind, project=PROJECT, domain=DOMAIN, name=name, version=VERSION)
    inputs = literals_pb2.LiteralMap()
    for key, value in values.items():
        inputs.literals[key].scalar.primitive.integer = value
    spec = execution_pb2.ExecutionSpec(launch_plan=target)
    return execution_pb2.ExecutionCreateRequest(project=project, domain=DOMAIN, inputs=inputs, spec=spec)


def _actions(control: Control, project: str, execution: str) -> tuple[Any, dict[str, Any]]:
    """An execution's run, and what each of its actions ran, by its node."""

    async def ask() -> tuple[Any, dict[str, Any]]:
        async with BackendClient(control.caller()) as backend:
            run = v2_identifier_pb2.RunIdentifier(
                org="local", project=project, domain=DOMAIN, name=identifier.run_name(execution)
            )
            listed = (await backend.list_actions(run_id=run)).actions
            details = [await backend.get_action(action_id=one.id) for one in listed]
            return (await backend.get_run(run_id=run)).run_spec, {one.id.name: one for one in details}

    return asyncio.run(ask())


def _given(details: Any) -> dict[str, tuple[str, str]]:
    asked = details.task.task_template.container.resources
    limits = {entry.name: entry.value for entry in asked.limits}
    return {_Resources.ResourceName.Name(one.name): (one.value, limits[one.name]) for one in asked.requests}


GIVEN = {"CPU": ("250m", "250m"), "MEMORY": ("64Mi", "64Mi")}


def test_executions_do_what_attributes_say(control: Control, admin: Any, flows: Any, project: str) -> None:
    """Tasks get their resources, also in child executions; runs their pool and queue."""
    control.register(flows.everything)
    request = _request(project, "flows.everything", identifier_pb2.LAUNCH_PLAN, a=1)
    started = admin.CreateExecution(request).id
    execution = control.remote.fetch_execution(project=project, domain=DOMAIN, name=started.name)
    done = control.done(execution)
    assert done.error is None
    run_spec, actions = _actions(control, project, started.name)
    assert (run_spec.cluster_pool, run_spec.queue) == ("pool", "fast")
    tasks = [one for one in actions.values() if one.task.task_template.type == "python-task"]
    assert len(tasks) >= 4
    assert all(_given(one) == GIVEN for one in tasks)
    (child,) = (
        one.closure.workflow_node_metadata.execution_id
        for one in done.node_executions.values()
        if one.closure.workflow_node_metadata is not None
    )
    run_spec, actions = _actions(control, project, child.name)
    assert (run_spec.cluster_pool, run_spec.queue) == ("pool", "fast")
    assert [_given(one) for one in actions.values() if one.task.task_template.type == "python-task"] == [GIVEN]


def test_a_single_task_gets_its_resources(control: Control, admin: Any, flows: Any, project: str) -> None:
    """It runs with them; what is told of the execution is as without."""
    control.register(flows.child)
    started = admin.CreateExecution(_request(project, "flows.plus", identifier_pb2.TASK, a=1, b=1)).id
    done = control.done(control.remote.fetch_execution(project=project, domain=DOMAIN, name=started.name))
    assert done.outputs["o0"] == 2
    told = admin.GetExecution(execution_pb2.WorkflowExecutionGetRequest(id=started))
    assert told.closure.workflow_id.name == ".flytegen.flows.plus"
    assert done.spec.launch_plan.name == "flows.plus"
    assert list(done.node_executions) == ["start-node", "flowsplus", "end-node"]
    _, actions = _actions(control, project, started.name)
    assert [_given(one) for one in actions.values()] == [GIVEN]


def test_an_execution_has_no_other_pool(
    control: Control, admin: Any, flows: Any, project: str, refused: Callable[..., str]
) -> None:
    """Its own is refused where the domain has one, with flyteadmin's message; the same is none of another."""
    control.register(flows.child)
    request = _request(project, "flows.child", identifier_pb2.LAUNCH_PLAN, a=1)
    request.spec.cluster_assignment.cluster_pool_name = "mine"
    assert refused("INVALID_ARGUMENT", admin.CreateExecution, request) == (
        f'execution with project "{project}" and domain "{DOMAIN}" cannot run on cluster pool "mine", '
        'because its configured to run on pool "pool"'
    )
    request.spec.cluster_assignment.cluster_pool_name = "pool"
    admin.CreateExecution(request)


def test_a_workflows_own_go_before_its_domains(control: Control, admin: Any, flows: Any, project: str) -> None:
    """Whole: defaults of the domain do not fill in what the workflow's leave open, as on flyteadmin."""
    control.register(flows.child)
    own = matchable_resource_pb2.MatchingAttributes(task_resource_attributes={"defaults": {"memory": "32Mi"}})
    told = {"project": project, "domain": DOMAIN, "workflow": "flows.child", "matching_attributes": own}
    admin.UpdateWorkflowAttributes(workflow_attributes_pb2.WorkflowAttributesUpdateRequest(attributes=told))
    started = admin.CreateExecution(_request(project, "flows.child", identifier_pb2.LAUNCH_PLAN, a=1)).id
    control.done(control.remote.fetch_execution(project=project, domain=DOMAIN, name=started.name))
    _, actions = _actions(control, project, started.name)
    assert _given(actions["n0"]) == {"MEMORY": ("32Mi", "32Mi")}


def test_nothing_starts_under_attributes_that_nothing_could_follow(
    control: Control, admin: Any, flows: Any, make_project: Callable[[], str], refused: Callable[..., str]
) -> None:
    """Attributes that an earlier version has taken: the start is refused with their place and name, until they are deleted."""
    control.register(flows.child)
    project = make_project()

    async def put(told: dict[str, Any] | None) -> None:
        async with BackendClient(control.caller()) as backend:
            held = Attributes(backend, Documents(Deployed(backend)))
            matching = None if told is None else matchable_resource_pb2.MatchingAttributes(**told)
            await held.put(
                matchable_resource_pb2.MatchableResource.EXECUTION_CLUSTER_LABEL,
                AttributeScope(project, DOMAIN),
                matching,
            )

    asyncio.run(put({"execution_cluster_label": {"value": "east"}}))
    request = _request(project, "flows.child", identifier_pb2.LAUNCH_PLAN, a=1)
    message = refused("FAILED_PRECONDITION", admin.CreateExecution, request)
    assert message.startswith(f"attributes of {project}, {DOMAIN}: MatchingAttributes.execution_cluster_label: ")
    asyncio.run(put(None))
    admin.CreateExecution(request)
