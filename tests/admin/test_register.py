"""Registration: what flyteadmin takes, what it refuses and how it says so, asked with bare stubs and flytekit's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import common_pb2, launch_plan_pb2, schedule_pb2, task_pb2, workflow_pb2
from flyteidl.core import execution_pb2, identifier_pb2, tasks_pb2
from flyteidl.service import admin_pb2_grpc
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.exceptions.user import FlyteEntityAlreadyExistsException, FlyteInvalidInputException
from google.protobuf import text_format

from flyte_bridge import config
from flyte_bridge.remote.channel import Channel
from flyte_bridge.remote.in_process import home_of
from registry import entities
from registry.entities import AREA, PLAN, SERIALIZED, SQUARE, at, square_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.remote.flyte_remote import FlyteRemote


def workflow_request(version: str) -> workflow_pb2.WorkflowCreateRequest:
    """The workflow's registration; its task has the same version."""
    spec = workflow_pb2.WorkflowSpec.FromString(SERIALIZED.workflows[AREA].SerializeToString())
    spec.template.nodes[0].task_node.reference_id.version = version
    return workflow_pb2.WorkflowCreateRequest(id=at(spec.template.id, version), spec=spec)


def plan_request(version: str) -> launch_plan_pb2.LaunchPlanCreateRequest:
    """The launch plan's registration; its workflow has the same version."""
    plan = SERIALIZED.launch_plans[PLAN]
    spec = launch_plan_pb2.LaunchPlanSpec.FromString(plan.spec.SerializeToString())
    spec.workflow_id.version = version
    return launch_plan_pb2.LaunchPlanCreateRequest(id=at(plan.id, version), spec=spec)


def register(admin: Any, version: str) -> None:
    """All three."""
    admin.CreateTask(square_request(version))
    admin.CreateWorkflow(workflow_request(version))
    admin.CreateLaunchPlan(plan_request(version))


def get(id_: identifier_pb2.Identifier) -> common_pb2.ObjectGetRequest:
    return common_pb2.ObjectGetRequest(id=id_)


# -- what works -------------------------------------------------------------------------------------------------------


def test_flytekit_registers_and_fetches(remote: FlyteRemote, fresh: str) -> None:
    """A workflow with its task, a launch plan with a schedule; twice, as scripts that run again do."""
    settings = SerializationSettings(
        image_config=ImageConfig(Image("default", "registry.example/app", "1")),
        project="flytesnacks",
        domain="development",
        version=fresh,
    )
    for _ in range(2):
        workflow = remote.register_workflow(entities.area, settings, version=fresh)
        plan = remote.register_launch_plan(entities.scheduled, version=fresh, serialization_settings=settings)
    assert [node.id for node in workflow.flyte_nodes] == ["n0"]
    assert workflow.flyte_tasks[0].id.name == SQUARE
    assert plan.is_scheduled
    fetched = remote.fetch_launch_plan(name="area_daily", version=fresh)
    assert sorted(fetched.default_inputs.parameters) == ["unit", "when"]
    assert remote.fetch_task(name=SQUARE).id.version == fresh
    assert remote.fetch_workflow(name=AREA).id.version == fresh
    assert [str(task.id.name) for task in remote.list_tasks_by_version(fresh)] == [SQUARE]


def test_the_stored_workflow_is_compiled(admin: Any, fresh: str) -> None:
    """GetWorkflow has start and end node, connections and the tasks; the launch plan expects what is bound nowhere."""
    register(admin, fresh)
    closure = admin.GetWorkflow(get(workflow_request(fresh).id)).closure
    assert [node.id for node in closure.compiled_workflow.primary.template.nodes] == ["start-node", "end-node", "n0"]
    assert [task.template.id.name for task in closure.compiled_workflow.tasks] == [SQUARE]
    assert closure.created_at.seconds > 1_700_000_000
    plan = admin.GetLaunchPlan(get(plan_request(fresh).id))
    assert sorted(plan.spec.default_inputs.parameters) == ["unit", "when"]
    assert plan.spec.default_inputs.parameters["when"].required
    assert plan.closure.expected_inputs == plan.spec.default_inputs
    assert sorted(plan.closure.expected_outputs.variables) == ["o0"]


def test_registering_again_tells_what_differs(admin: Any, fresh: str, refused: Callable[..., str]) -> None:
    """The same is ALREADY_EXISTS, another is INVALID_ARGUMENT with the difference."""
    register(admin, fresh)
    requests = (square_request(fresh), workflow_request(fresh), plan_request(fresh))
    methods = (admin.CreateTask, admin.CreateWorkflow, admin.CreateLaunchPlan)
    for what, method, request in zip(("task", "workflow", "launch plan"), methods, requests, strict=True):
        assert refused("ALREADY_EXISTS", method, request) == f"{what} with identical structure already exists"
    task, workflow, plan = requests
    task.spec.template.container.image = "registry.example/app:2"
    workflow.spec.template.nodes[0].metadata.name = "other"
    plan.spec.max_parallelism = 7
    for what, method, request in zip(("task", "workflow", "launch plan"), methods, requests, strict=True):
        message = refused("INVALID_ARGUMENT", method, request)
        assert f"{what} with different structure already exists" in message
    assert "- registry.example/app:1 \n\t+ registry.example/app:2" in refused("INVALID_ARGUMENT", methods[0], task)


def test_flytekit_takes_the_same_for_done(remote: FlyteRemote, fresh: str) -> None:
    """Its exceptions: FlyteEntityAlreadyExistsException for the same, FlyteInvalidInputException for another."""
    from flytekit.models.core.identifier import Identifier
    from flytekit.models.task import TaskSpec

    request = square_request(fresh)
    identifier, spec = Identifier.from_flyte_idl(request.id), TaskSpec.from_flyte_idl(request.spec)
    remote.client.create_task(identifier, spec)
    with pytest.raises(FlyteEntityAlreadyExistsException):
        remote.client.create_task(identifier, spec)
    request.spec.template.metadata.discovery_version = "8"
    with pytest.raises(FlyteInvalidInputException, match="different structure"):
        remote.client.create_task(identifier, TaskSpec.from_flyte_idl(request.spec))


def test_descriptions_are_kept(admin: Any, fresh: str, refused: Callable[..., str]) -> None:
    """Docstrings of tasks and workflows come back, of one version and of all."""
    register(admin, fresh)
    found = admin.GetDescriptionEntity(get(square_request(fresh).id))
    assert found.short_description == "Squares a number."
    assert "At length" in found.long_description.value
    assert admin.GetWorkflow(get(workflow_request(fresh).id)).short_description == "The area of a square."
    from flyteidl.admin import description_entity_pb2

    request = description_entity_pb2.DescriptionEntityListRequest(
        resource_type=identifier_pb2.TASK,
        id=common_pb2.NamedEntityIdentifier(project="flytesnacks", domain="development", name=SQUARE),
        limit=1000,
    )
    assert fresh in {one.id.version for one in admin.ListDescriptionEntities(request).descriptionEntities}
    nothing = square_request("nothing").id
    assert refused("NOT_FOUND", admin.GetDescriptionEntity, get(nothing)) == "entry not found"
    nothing.resource_type = identifier_pb2.UNSPECIFIED
    assert refused("INVALID_ARGUMENT", admin.GetDescriptionEntity, get(nothing)) == "invalid value for resource_type"


# -- tasks that cannot be ---------------------------------------------------------------------------------------------

ENTRY = tasks_pb2.Resources.ResourceEntry
CPU, GPU, MEMORY = tasks_pb2.Resources.CPU, tasks_pb2.Resources.GPU, tasks_pb2.Resources.MEMORY


def resources(request: Any, requests: list[tuple[int, str]], limits: list[tuple[int, str]] = []) -> None:  # noqa: B006
    """Puts resources into a task."""
    asked = request.spec.template.container.resources
    asked.requests.extend(ENTRY(name=name, value=value) for name, value in requests)
    asked.limits.extend(ENTRY(name=name, value=value) for name, value in limits)


def clear(path: str) -> Callable[[Any], None]:
    """Clears a field, named by its path."""

    def act(request: Any) -> None:
        *way, last = path.split(".")
        for step in way:
            request = getattr(request, step)
        request.ClearField(last)

    return act


def pod(request: Any) -> None:
    request.spec.template.ClearField("container")
    request.spec.template.k8s_pod.SetInParent()


def typed(request: Any) -> None:
    request.id.resource_type = identifier_pb2.WORKFLOW


TASKS = [
    (clear("id"), "missing id"),
    (typed, "unexpected resource type workflow for identifier [resource_type:WORKFLOW"),
    (clear("id.project"), "missing project"),
    (clear("id.domain"), "missing domain"),
    (clear("id.name"), "missing name"),
    (clear("id.version"), "missing version"),
    (lambda r: setattr(r.id, "project", "never-made"), "failed to validate that project [never-made] and domain"),
    (lambda r: setattr(r.id, "domain", "moon"), "domain [moon] is unrecognized by system"),
    (clear("spec"), "missing spec"),
    (clear("spec.template"), "missing spec"),
    (clear("spec.template.type"), "missing type"),
    (clear("spec.template.metadata"), "missing metadata"),
    (clear("spec.template.metadata.runtime.version"), "missing runtime version"),
    (clear("spec.template.interface"), "missing typed interface"),
    (clear("spec.template.container.image"), "missing image"),
    (pod, "pod tasks should specify their target as a K8sPod with a defined pod spec"),
    (lambda r: resources(r, [(CPU, "1"), (CPU, "2")]), "can't specify CPU limit for task [resource_type:TASK"),
    (lambda r: resources(r, [(MEMORY, "much")]), "Parsing of MEMORY request failed for value much"),
    (lambda r: resources(r, [(GPU, "0.5")]), "must be a whole number, got: 0.5 instead"),
    (
        lambda r: resources(r, [(MEMORY, "2Gi")], [(MEMORY, "1G")]),
        "MEMORY default [2Gi] is greater than the limit [1G]",
    ),
    (lambda r: resources(r, [(GPU, "2")], [(GPU, "1")]), "For extended resource 'gpu' the default value must equal"),
    (lambda r: setattr(r.id, "name", "x" * 250), "has 250 characters, and Flyte 2 has room for 243"),
    (lambda r: setattr(r.id, "name", "nul\0inside"), "neither can hold a NUL character"),
]


@pytest.mark.parametrize(("change", "message"), TASKS, ids=[message[:40] for _, message in TASKS])
def test_a_task_that_cannot_be_is_refused(
    admin: Any, fresh: str, refused: Callable[..., str], change: Callable[[Any], None], message: str
) -> None:
    """INVALID_ARGUMENT with flyteadmin's message, and nothing is registered."""
    request = square_request(fresh)
    change(request)
    assert message in refused("INVALID_ARGUMENT", admin.CreateTask, request)
    assert "missing entity" in refused("NOT_FOUND", admin.GetTask, get(square_request(fresh).id))


def test_resources_are_read_as_kubernetes_does(admin: Any, fresh: str) -> None:
    """Every suffix is a quantity; requests below limits pass, compared in whole units as flyteadmin does."""
    for number, (asked, most) in enumerate(
        [("500m", "1"), ("1e3", "1k"), ("1Ki", "2k"), (".5Gi", "1e9"), ("100n", "1u")]
    ):
        request = square_request(f"{fresh}-{number}")
        resources(request, [(CPU, asked)], [(CPU, most)])
        admin.CreateTask(request)


# -- workflows and launch plans that cannot be ------------------------------------------------------------------------


def test_a_workflow_needs_its_tasks(admin: Any, fresh: str, refused: Callable[..., str]) -> None:
    """A task that is not registered is named; so is what does not compile, with Flyte 1's codes."""
    message = refused("INVALID_ARGUMENT", admin.CreateWorkflow, workflow_request(fresh))
    assert message.startswith('failed to compile workflow for [resource_type:WORKFLOW project:"flytesnacks"')
    assert (
        f'missing entity of type TASK with identifier project:"flytesnacks" domain:"development" name:"{SQUARE}"'
        in message
    )
    admin.CreateTask(square_request(fresh))
    request = workflow_request(fresh)
    request.spec.template.nodes[0].inputs[0].binding.promise.var = "nothing"
    assert "VariableNameNotFound" in refused("INVALID_ARGUMENT", admin.CreateWorkflow, request)
    request.spec.ClearField("template")
    assert refused("INVALID_ARGUMENT", admin.CreateWorkflow, request) == "missing spec"
    request = workflow_request(fresh)
    request.id.resource_type = identifier_pb2.TASK
    assert "expected workflow instead" in refused("INVALID_ARGUMENT", admin.CreateWorkflow, request)


def cron(request: Any, expression: str, kickoff: str = "when") -> None:
    request.spec.entity_metadata.schedule.CopyFrom(
        schedule_pb2.Schedule(
            cron_schedule=schedule_pb2.CronSchedule(schedule=expression), kickoff_time_input_arg=kickoff
        )
    )


def notify(request: Any, text: str) -> None:
    request.spec.entity_metadata.notifications.append(text_format.Parse(text, common_pb2.Notification()))


PLANS = [
    (clear("spec"), "missing id"),
    (clear("spec.workflow_id"), "missing id"),
    (clear("id"), "missing id"),
    (lambda r: setattr(r.id, "resource_type", identifier_pb2.TASK), "expected launch_plan instead"),
    (lambda r: setattr(r.id, "domain", "moon"), "domain [moon] is unrecognized by system"),
    (lambda r: r.spec.labels.values.update({"-x": "y"}), "invalid label key [-x]"),
    (lambda r: r.spec.labels.values.update({"x": "y z"}), "invalid label value [y z]"),
    (lambda r: r.spec.labels.values.update({f"l{n}": "" for n in range(17)}), "labels map cannot exceed 16 entries"),
    (lambda r: r.spec.fixed_inputs.literals["depth"].SetInParent(), "missing valid literal in fixed_inputs depth"),
    (
        lambda r: r.spec.default_inputs.parameters["unit"].ClearField("var"),
        "The Variable component of the Parameter unit",
    ),
    (lambda r: cron(r, "0 6 * * *", ""), "if there is an unbound required input. [when] is required"),
    (lambda r: cron(r, "0 6 * * *", "side"), "unbound required input"),
    (lambda r: cron(r, "sometimes"), "Invalid cron expression"),
    (lambda r: notify(r, "phases: SUCCEEDED"), "invalid value for notification type"),
    (lambda r: notify(r, "phases: SUCCEEDED email {}"), "missing recipients"),
    (lambda r: notify(r, "phases: RUNNING slack { recipients_email: 'a@b' }"), "invalid value for phase"),
    (lambda r: r.spec.entity_metadata.launch_conditions.SetInParent(), "Launch condition must be empty"),
]


@pytest.mark.parametrize(("change", "message"), PLANS, ids=[f"{n}" for n in range(len(PLANS))])
def test_a_launch_plan_that_cannot_be_is_refused(
    admin: Any, refused: Callable[..., str], registered: str, change: Callable[[Any], None], message: str
) -> None:
    """INVALID_ARGUMENT with flyteadmin's message."""
    request = plan_request(registered)
    request.id.name = "never"
    change(request)
    assert message in refused("INVALID_ARGUMENT", admin.CreateLaunchPlan, request)


@pytest.fixture(scope="module")
def registered(admin: Any) -> str:
    """A version in which all three are registered."""
    version = f"m{id(admin):x}"
    register(admin, version)
    return version


def test_what_flyte_2_has_nothing_for_is_refused_by_name(
    admin: Any, registered: str, refused: Callable[..., str]
) -> None:
    """Queueing budgets and fast-task environments, of launch plans and of workflows."""
    plan = plan_request(registered)
    plan.id.name = "never"
    plan.spec.quality_of_service.tier = execution_pb2.QualityOfService.HIGH
    assert refused("UNIMPLEMENTED", admin.CreateLaunchPlan, plan).startswith("LaunchPlanSpec.quality_of_service: ")
    plan.spec.ClearField("quality_of_service")
    plan.spec.execution_env_assignments.add(node_ids=["n0"])
    assert refused("UNIMPLEMENTED", admin.CreateLaunchPlan, plan).startswith(
        "LaunchPlanSpec.execution_env_assignments: "
    )
    workflow = workflow_request(registered)
    workflow.spec.template.metadata.quality_of_service.tier = execution_pb2.QualityOfService.HIGH
    assert refused("UNIMPLEMENTED", admin.CreateWorkflow, workflow).startswith("WorkflowMetadata.quality_of_service: ")


def test_a_launch_plan_needs_its_workflow(admin: Any, fresh: str, refused: Callable[..., str]) -> None:
    """One that is not registered is NOT_FOUND."""
    message = refused("NOT_FOUND", admin.CreateLaunchPlan, plan_request(fresh))
    assert message.startswith("missing entity of type WORKFLOW with identifier")


# -- get --------------------------------------------------------------------------------------------------------------


def test_get_checks_the_identifier_as_flyteadmin_does(admin: Any, registered: str, refused: Callable[..., str]) -> None:
    """An unspecified type is the call's own; another one is refused, except by GetTask, which only looks."""
    for id_, method in (
        (square_request(registered).id, admin.GetTask),
        (workflow_request(registered).id, admin.GetWorkflow),
        (plan_request(registered).id, admin.GetLaunchPlan),
    ):
        id_.resource_type = identifier_pb2.UNSPECIFIED
        assert method(get(id_)).id.version == registered
    id_ = square_request(registered).id
    assert "unexpected resource type task" in refused("INVALID_ARGUMENT", admin.GetWorkflow, get(id_))
    assert refused("INVALID_ARGUMENT", admin.GetLaunchPlan, common_pb2.ObjectGetRequest()) == "missing id"
    assert "missing entity of type TASK" in refused("NOT_FOUND", admin.GetTask, common_pb2.ObjectGetRequest())
    id_.version = "' OR 1=1 --"
    assert "missing entity of type TASK" in refused("NOT_FOUND", admin.GetTask, get(id_))


# -- active versions --------------------------------------------------------------------------------------------------


def test_one_version_of_a_launch_plan_is_active(admin: Any, fresh: str, refused: Callable[..., str]) -> None:
    """Activating one deactivates the other; without a resource type, as flytectl sends it; none is NOT_FOUND."""
    versions = [f"{fresh}a", f"{fresh}b"]
    name = common_pb2.NamedEntityIdentifier(project="flytesnacks", domain="development", name=f"plan.{fresh}")
    for version in versions:
        admin.CreateTask(square_request(version))
        admin.CreateWorkflow(workflow_request(version))
        request = plan_request(version)
        request.id.name = name.name
        admin.CreateLaunchPlan(request)

    def set_state(version: str, state: int) -> None:
        id_ = identifier_pb2.Identifier(project=name.project, domain=name.domain, name=name.name, version=version)
        admin.UpdateLaunchPlan(launch_plan_pb2.LaunchPlanUpdateRequest(id=id_, state=state))  # type: ignore[arg-type]

    def states() -> list[int]:
        plans = [plan_request(version).id for version in versions]
        for plan in plans:
            plan.name = name.name
        return [admin.GetLaunchPlan(get(plan)).closure.state for plan in plans]

    active = launch_plan_pb2.ActiveLaunchPlanRequest(id=name)
    message = f"No active launch plan could be found: flytesnacks:development:{name.name}"
    assert refused("NOT_FOUND", admin.GetActiveLaunchPlan, active) == message
    for version, expected in ((versions[0], [1, 0]), (versions[1], [0, 1]), (versions[1], [0, 1])):
        set_state(version, launch_plan_pb2.ACTIVE)
        assert states() == expected
        found = admin.GetActiveLaunchPlan(active)
        assert (found.id.version, found.closure.state) == (version, launch_plan_pb2.ACTIVE)
        assert found.closure.updated_at.ToNanoseconds() >= found.closure.created_at.ToNanoseconds()
    listed = admin.ListActiveLaunchPlans(
        launch_plan_pb2.ActiveLaunchPlanListRequest(project=name.project, domain=name.domain, limit=1000)
    ).launch_plans
    assert [plan.id.version for plan in listed if plan.id.name == name.name] == [versions[1]]
    set_state(versions[0], launch_plan_pb2.INACTIVE)  # which it is
    assert states() == [0, 1]
    set_state(versions[1], launch_plan_pb2.INACTIVE)
    assert states() == [0, 0]
    assert refused("NOT_FOUND", admin.GetActiveLaunchPlan, active) == message
    unknown = launch_plan_pb2.LaunchPlanUpdateRequest(id=plan_request("never").id, state=launch_plan_pb2.ACTIVE)
    assert "missing entity of type LAUNCH_PLAN" in refused("NOT_FOUND", admin.UpdateLaunchPlan, unknown)


def test_notifications_of_every_kind_are_kept(admin: Any, registered: str, fresh: str) -> None:
    """With recipients and terminal phases they are registered as they are."""
    request = plan_request(registered)
    request.id.name = f"told.{fresh}"
    phases = [execution_pb2.WorkflowExecution.FAILED, execution_pb2.WorkflowExecution.TIMED_OUT]
    for kind in ("email", "slack", "pager_duty"):
        notification = request.spec.entity_metadata.notifications.add(phases=phases)
        getattr(notification, kind).recipients_email.append("me@example.org")
    admin.CreateLaunchPlan(request)
    plan = admin.GetLaunchPlan(get(request.id))
    assert plan.spec.entity_metadata == request.spec.entity_metadata


def test_a_task_of_any_type_is_kept_whole(admin: Any, fresh: str, refused: Callable[..., str]) -> None:
    """Custom, config, security context, and plugins' messages come back as they were registered."""
    for number, (kind, custom) in enumerate(
        [
            ("anything", {"a": [1, {"b": None}], "text": "é"}),
            ("spark", {"sparkConf": {"spark.executor.cores": "1"}, "mainApplicationFile": "local:///x"}),
            (
                "ray",
                {
                    "rayCluster": {"workerGroupSpec": [{"groupName": "g", "replicas": 2}]},
                    "shutdownAfterJobFinishes": True,
                },
            ),
        ]
    ):
        request = square_request(f"{fresh}-{number}")
        template = request.spec.template
        template.id.CopyFrom(request.id)
        template.type = kind
        template.custom.update(custom)
        template.config["key"] = "value"
        template.security_context.secrets.add(group="g", key="k")
        admin.CreateTask(request)
        found: task_pb2.Task = admin.GetTask(get(request.id))
        assert found.closure.compiled_task.template == template
        assert "identical" in refused("ALREADY_EXISTS", admin.CreateTask, request)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda template: setattr(template, "type", "spark"), "needs the Spark operator"),
        (lambda template: setattr(template, "type", "raw-container"), "needs a container runtime"),
        (
            lambda template: template.container.resources.requests.add(name=tasks_pb2.Resources.GPU, value="1"),
            "requests gpu=1",
        ),
    ],
)
def test_what_this_machine_cannot_run_is_refused_at_registration(
    settings: config.Settings, fresh: str, refused: Callable[..., str], change: Callable[[Any], None], says: str
) -> None:
    """In the words that running it would end with, and with what to do; on a cluster it is registered."""
    request = square_request(fresh)
    change(request.spec.template)
    home = home_of(config.load(data_dir=settings.data_dir))
    try:
        message = refused("UNIMPLEMENTED", admin_pb2_grpc.AdminServiceStub(Channel(home)).CreateTask, request)
    finally:
        home.close()
    assert says in message
    assert "FLYTE_BRIDGE_TASK_ALLOW=registration" in message


def test_a_task_that_no_flyte_2_runs_is_refused(admin: Any, fresh: str, refused: Callable[..., str]) -> None:
    """By name, unless a connector is said to run it; a plugin's message that is none is refused, too."""
    request = square_request(fresh)
    request.spec.template.ClearField("container")
    request.spec.template.type = "trino"
    message = refused("UNIMPLEMENTED", admin.CreateTask, request)
    assert "is of type 'trino' and has no container" in message
    request = square_request(fresh)
    request.spec.template.type = "spark"
    request.spec.template.custom.update({"sparkBrand": "x"})
    assert "is no flyteidl.plugins.SparkJob" in refused("INVALID_ARGUMENT", admin.CreateTask, request)
    request = square_request(fresh)
    request.spec.template.container.ClearField("args")
    assert "Value required [command]" in refused("INVALID_ARGUMENT", admin.CreateTask, request)
