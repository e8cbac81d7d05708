"""Starting executions: what is refused and how, whose settings count, what a request sent twice means."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import (
    common_pb2,
    execution_pb2,
    launch_plan_pb2,
    matchable_resource_pb2,
    project_domain_attributes_pb2,
    project_pb2,
)
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2, security_pb2

from flyte_bridge.admin import launching
from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.service import Facade
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.errors import AlreadyExists, Unavailable
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from admin.control import Control
    from flyte_bridge import config

_Metadata = execution_pb2.ExecutionMetadata


def _plan(name: str = "flows.child", kind: int = identifier_pb2.LAUNCH_PLAN) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=kind, project="flytesnacks", domain="development", name=name, version="v1"
    )


def _integers(**values: int) -> literals_pb2.LiteralMap:
    result = literals_pb2.LiteralMap()
    for name, value in values.items():
        result.literals[name].scalar.primitive.integer = value
    return result


def _request(**fields: Any) -> execution_pb2.ExecutionCreateRequest:
    spec = execution_pb2.ExecutionSpec(launch_plan=_plan())
    spec.MergeFrom(fields.pop("spec", execution_pb2.ExecutionSpec()))
    told = {"project": "flytesnacks", "domain": "development", "inputs": _integers(a=1), "spec": spec}
    return execution_pb2.ExecutionCreateRequest(**{**told, **fields})


@pytest.fixture(scope="module", autouse=True)
def _registered(control: Control, flows: Any) -> None:
    control.register(flows.child)
    control.register(flows.FIXED)


def _text(value: str) -> literals_pb2.LiteralMap:
    result = literals_pb2.LiteralMap()
    result.literals["a"].scalar.primitive.string_value = value
    return result


_Spec = execution_pb2.ExecutionSpec
_FAILED = core_execution_pb2.WorkflowExecution.FAILED
_RUNNING = core_execution_pb2.WorkflowExecution.RUNNING


def _mail(*phases: Any, to: tuple[str, ...] = ("a@example.com",)) -> execution_pb2.ExecutionSpec:
    mail = common_pb2.EmailNotification(recipients_email=to)
    one = common_pb2.Notification(phases=phases, email=mail)
    return _Spec(notifications=execution_pb2.NotificationList(notifications=[one]))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"project": ""}, "INVALID_ARGUMENT", "missing project"),
        ({"domain": ""}, "INVALID_ARGUMENT", "missing domain"),
        (
            {"project": "nobody"},
            "INVALID_ARGUMENT",
            "failed to validate that project [nobody] and domain [development]",
        ),
        ({"domain": "nowhere"}, "INVALID_ARGUMENT", "domain [nowhere] is unrecognized by system"),
        ({"name": "1st"}, "INVALID_ARGUMENT", "invalid name format: 1st, does not match regex '^[a-z][a-z\\-0-9]*$'"),
        ({"name": "n" * 64}, "INVALID_ARGUMENT", "size of name exceeded length 63"),
        ({"spec": _Spec(launch_plan=_plan("nobody"))}, "NOT_FOUND", "missing entity of type LAUNCH_PLAN"),
        ({"spec": _Spec(launch_plan=_plan("nobody", identifier_pb2.TASK))}, "NOT_FOUND", "missing entity of type TASK"),
        (
            {"spec": _Spec(launch_plan=_plan(kind=identifier_pb2.WORKFLOW))},
            "INVALID_ARGUMENT",
            "Invalid reference entity resource type [WORKFLOW]",
        ),
        ({"inputs": _integers(a=1, z=2)}, "INVALID_ARGUMENT", "invalid input z"),
        ({"inputs": literals_pb2.LiteralMap()}, "INVALID_ARGUMENT", "expected_inputs a missing"),
        ({"inputs": _text("x")}, "INVALID_ARGUMENT", "invalid a input wrong type. Expected simple:INTEGER, but got"),
        (
            {"inputs": literals_pb2.LiteralMap(literals={"a": literals_pb2.Literal()})},
            "INVALID_ARGUMENT",
            "missing valid literal in inputs a",
        ),
        (
            {"spec": _Spec(labels=common_pb2.Labels(values={"a": "not a label"}))},
            "INVALID_ARGUMENT",
            "invalid label value [not a label]",
        ),
        (
            {"spec": _Spec(labels=common_pb2.Labels(values={f"k{n}": "v" for n in range(17)}))},
            "INVALID_ARGUMENT",
            "labels map cannot exceed 16 entries",
        ),
        ({"spec": _mail(_RUNNING)}, "INVALID_ARGUMENT", "invalid value for phase"),
        ({"spec": _mail(_FAILED, to=())}, "INVALID_ARGUMENT", "missing recipients"),
        ({"spec": _mail(_FAILED, to=("",))}, "INVALID_ARGUMENT", "missing recipient"),
        (
            {"spec": _Spec(quality_of_service=core_execution_pb2.QualityOfService(tier=1))},
            "UNIMPLEMENTED",
            "ExecutionSpec.quality_of_service: ",
        ),
        (
            {"spec": _Spec(execution_cluster_label=matchable_resource_pb2.ExecutionClusterLabel(value="gpu"))},
            "UNIMPLEMENTED",
            "ExecutionSpec.execution_cluster_label: ",
        ),
        (
            {
                "spec": _Spec(
                    metadata=_Metadata(
                        parent_node_execution=identifier_pb2.NodeExecutionIdentifier(
                            node_id="n0",
                            execution_id=identifier_pb2.WorkflowExecutionIdentifier(
                                project="flytesnacks", domain="development", name="nobody"
                            ),
                        )
                    )
                )
            },
            "NOT_FOUND",
            "missing entity of type node execution",
        ),
    ],
)
def test_what_cannot_be_started_is_refused(
    admin: Any, refused: Any, change: dict[str, Any], code: str, message: str
) -> None:
    """In flyteadmin's words; what no run can carry is UNIMPLEMENTED, by the field's name."""
    assert message in refused(code, admin.CreateExecution, _request(**change))


def test_a_request_without_a_spec_is_refused(admin: Any, refused: Any) -> None:
    """And one that names nothing to launch."""
    bare = execution_pb2.ExecutionCreateRequest(project="flytesnacks", domain="development")
    assert refused("INVALID_ARGUMENT", admin.CreateExecution, bare) == "missing spec"
    bare.spec.SetInParent()
    assert refused("INVALID_ARGUMENT", admin.CreateExecution, bare) == "missing id"
    bare.spec.launch_plan.CopyFrom(_plan())
    bare.spec.launch_plan.version = ""
    assert refused("INVALID_ARGUMENT", admin.CreateExecution, bare) == "missing version"


def test_inputs_may_still_be_in_the_spec(admin: Any, control: Control) -> None:
    """Where they were before flyteidl 0.15."""
    request = _request(inputs=literals_pb2.LiteralMap(), spec=_Spec(inputs=_integers(a=4, b=5)))
    name = admin.CreateExecution(request).id.name
    done = control.done(control.remote.fetch_execution(name=name))
    assert done.outputs["o0"] == 9
    assert not admin.GetExecution(
        execution_pb2.WorkflowExecutionGetRequest(id=done.id.to_flyte_idl())
    ).spec.inputs.literals


# -- whose settings count ---------------------------------------------------------------------------------------------


def _run_spec(settings: config.Settings, control: Control, name: str) -> Any:
    """What Flyte 2 was told."""
    from flyteidl2.common import identifier_pb2 as v2

    async def read() -> Any:
        async with BackendClient(control.caller()) as backend:
            run = v2.RunIdentifier(
                org="local", project="flytesnacks", domain="development", name=identifier.run_name(name)
            )
            return (await backend.get_run(run_id=run)).run_spec

    return asyncio.run(read())


def test_the_request_counts_before_the_launch_plan_before_attributes(
    admin: Any, control: Control, settings: config.Settings, fresh: str
) -> None:
    """Per setting; the project's labels fill in; the execution shows the request's own, and what became of it runs."""
    plan = launch_plan_pb2.LaunchPlanSpec(
        workflow_id=identifier_pb2.Identifier(
            resource_type=identifier_pb2.WORKFLOW,
            project="flytesnacks",
            domain="development",
            name="flows.child",
            version="v1",
        ),
        labels=common_pb2.Labels(values={"from": "plan"}),
        annotations=common_pb2.Annotations(values={"from": "plan"}),
        max_parallelism=3,
        entity_metadata=launch_plan_pb2.LaunchPlanMetadata(notifications=_mail(_FAILED).notifications.notifications),
        security_context=security_pb2.SecurityContext(run_as=security_pb2.Identity(k8s_service_account="plan")),
    )
    plan.interruptible.value = True
    plan.envs.values.add(key="FROM", value="plan")
    own = identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN,
        project="flytesnacks",
        domain="development",
        name="flows.settings",
        version=fresh,
    )
    admin.CreateLaunchPlan(launch_plan_pb2.LaunchPlanCreateRequest(id=own, spec=plan))
    domain = project_domain_attributes_pb2.ProjectDomainAttributes(project="flytesnacks", domain="development")
    told = domain.matching_attributes.workflow_execution_config
    told.max_parallelism = 99
    told.raw_output_data_config.output_location_prefix = "s3://from/attributes"
    admin.UpdateProjectDomainAttributes(
        project_domain_attributes_pb2.ProjectDomainAttributesUpdateRequest(attributes=domain)
    )
    labelled = project_pb2.Project(id="flytesnacks", name="flytesnacks")
    labelled.labels.values.update({"from": "project", "cost": "project"})
    admin.UpdateProject(labelled)
    try:
        asked = _Spec(launch_plan=own, labels=common_pb2.Labels(values={"from": "request"}), tags=["t"])
        asked.interruptible.value = False
        name = admin.CreateExecution(_request(spec=asked, inputs=_integers(a=1, b=2))).id.name
        second = admin.CreateExecution(_request(spec=_Spec(launch_plan=_plan()))).id.name
    finally:
        admin.DeleteProjectDomainAttributes(
            project_domain_attributes_pb2.ProjectDomainAttributesDeleteRequest(
                project="flytesnacks",
                domain="development",
                resource_type=matchable_resource_pb2.WORKFLOW_EXECUTION_CONFIG,
            )
        )
        admin.UpdateProject(project_pb2.Project(id="flytesnacks", name="flytesnacks"))
    run = _run_spec(settings, control, name)
    assert dict(run.labels.values) == {"from": "request", "cost": "project"}
    assert run.annotations.values["from"] == "plan"
    (rule,) = run.notification_rules.rules
    assert [to.address for to in rule.delivery_template.email.to] == ["a@example.com"]
    asked_for = execution_pb2.WorkflowExecutionGetRequest(id=identifier_of(name).to_flyte_idl())
    (told_of,) = admin.GetExecution(asked_for).closure.notifications
    assert list(told_of.phases) == [_FAILED]
    assert {pair.key: pair.value for pair in run.envs.values} == {"FROM": "plan"}
    assert run.HasField("interruptible")
    assert not run.interruptible.value
    assert run.raw_data_storage.raw_data_prefix == "s3://from/attributes"
    assert run.security_context.run_as.k8s_service_account == "plan"
    spec = control.client.get_execution(identifier_of(name)).spec.to_flyte_idl()
    assert dict(spec.labels.values) == {"from": "request", "cost": "project"}
    assert (spec.max_parallelism, list(spec.tags)) == (3, ["t"])
    assert spec.security_context.run_as.k8s_service_account == "plan"
    assert control.client.get_execution(identifier_of(second)).spec.max_parallelism == 99


def identifier_of(name: str) -> Any:
    """An execution's identifier as flytekit has it."""
    from flytekit.models.core.identifier import WorkflowExecutionIdentifier

    return WorkflowExecutionIdentifier("flytesnacks", "development", name)


# -- sent twice -------------------------------------------------------------------------------------------------------


@pytest.fixture
def launch(control: Control, settings: config.Settings) -> Callable[..., Any]:
    """Calls a façade whose backend fails as it is told to."""

    def run(act: Any) -> Any:
        async def main() -> Any:
            async with BackendClient(control.caller()) as backend:
                facade = Facade(backend, settings)

                async def create(request: Any) -> Any:
                    return await facade.call("/flyteidl.service.AdminService/CreateExecution", request, CallContext())

                return await act(backend, create)

        return asyncio.run(main())

    return run


def test_a_retried_request_starts_one_execution(launch: Any) -> None:
    """Whether the first try failed before or after the run was made; a third request means another execution."""
    for after in (False, True):

        async def act(backend: Any, create: Any, *, after: bool = after) -> tuple[list[str], list[str]]:
            real, made = backend.create_run, []

            async def failing(**wanted: Any) -> Any:
                made.append(wanted["run_id"].name)
                if len(made) == 1:
                    if after:
                        await real(**wanted)
                    raise Unavailable("the connection broke")
                return await real(**wanted)

            backend.create_run = failing
            inputs = _integers(a=7, b=8 + after)
            with pytest.raises(Unavailable):
                await create(_request(inputs=inputs))
            second = (await create(_request(inputs=inputs))).id.name
            third = (await create(_request(inputs=inputs))).id.name
            return made, [second, third]

        made, names = launch(act)
        assert names[0] == made[0]
        assert names[1] != names[0]


def test_the_same_name_twice_is_refused(launch: Any, fresh: str) -> None:
    """Whatever the requests have in common."""

    async def act(_backend: Any, create: Any) -> None:
        await create(_request(name=fresh))
        with pytest.raises(AlreadyExists, match="value with matching already exists"):
            await create(_request(name=fresh))

    launch(act)


def test_names_are_flyteadmins() -> None:
    """`a` and 19 characters that spell no words."""
    name = launching._random_name()
    assert len(name) == 20
    assert name[0] == "a"
    assert identifier.run_name(name) == name


# -- a task alone -----------------------------------------------------------------------------------------------------


def test_what_is_made_around_a_task_can_be_read(admin: Any) -> None:
    """Its workflow and launch plan, though nobody has registered them."""
    plan = admin.GetLaunchPlan(common_pb2.ObjectGetRequest(id=_plan(".flytegen.flows.plus")))
    assert plan.spec.workflow_id.name == ".flytegen.flows.plus"
    assert set(plan.closure.expected_inputs.parameters) == {"a", "b"}
    workflow = admin.GetWorkflow(common_pb2.ObjectGetRequest(id=plan.spec.workflow_id))
    template = workflow.closure.compiled_workflow.primary.template
    assert [node.id for node in template.nodes] == ["start-node", "end-node", "flowsplus"]


def test_nothing_is_made_around_a_task_that_is_not_there(admin: Any, refused: Any) -> None:
    """NOT_FOUND, of the workflow that was asked for."""
    asked = common_pb2.ObjectGetRequest(id=_plan(".flytegen.nobody", identifier_pb2.WORKFLOW))
    assert ".flytegen.nobody" in refused("NOT_FOUND", admin.GetWorkflow, asked)


def test_a_launch_plan_may_limit_how_many_run(
    admin: Any, control: Control, flows: Any, refused: Any, fresh: str
) -> None:
    """Over its limit, a launch plan that skips refuses with ALREADY_EXISTS, until one has ended."""
    control.register(flows.slow)
    own = _plan("flows.limited")
    own.version = fresh
    plan = launch_plan_pb2.LaunchPlanSpec(workflow_id=_plan("flows.slow", identifier_pb2.WORKFLOW))
    plan.concurrency_policy.max = 1
    plan.concurrency_policy.behavior = launch_plan_pb2.CONCURRENCY_LIMIT_BEHAVIOR_SKIP
    admin.CreateLaunchPlan(launch_plan_pb2.LaunchPlanCreateRequest(id=own, spec=plan))
    request = _request(spec=_Spec(launch_plan=own), inputs=_integers(seconds=600))
    first = admin.CreateExecution(request).id
    assert "concurrency limit (1) reached for launch plan flows.limited" in refused(
        "ALREADY_EXISTS", admin.CreateExecution, request
    )
    admin.TerminateExecution(execution_pb2.ExecutionTerminateRequest(id=first, cause="room"))
    second = admin.CreateExecution(request).id
    admin.TerminateExecution(execution_pb2.ExecutionTerminateRequest(id=second, cause="enough"))
