"""Lists of tasks, workflows, launch plans and names: filters, order, pages, and how much of Flyte 2 they read."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import common_pb2, launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.service import Facade
from flyte_bridge.backend.connect import connect
from registry.entities import area_plan, area_workflow, square_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge import config
    from flyte_bridge.remote.flyte_remote import FlyteRemote

DOMAIN = "development"
NAMES, VERSIONS = ("alpha", "beta.x", "gamma"), ("v1", "v2", "v3")
ASCENDING, DESCENDING = common_pb2.Sort.ASCENDING, common_pb2.Sort.DESCENDING


@pytest.fixture(scope="module")
def project(admin: Any, make_project: Callable[[], str]) -> str:
    """Three names in three versions each, registered version by version; of each launch plan name but one v2 is active."""
    name = make_project()

    def moved(request: Any) -> Any:
        request.id.project = name
        return request

    for version in VERSIONS:
        for number, entity in enumerate(NAMES):
            request = moved(square_request(version, entity))
            request.spec.template.type = "spark" if number == 1 else "python-task"
            admin.CreateTask(request)
            compiled = moved(area_workflow(version, entity)).closure.compiled_workflow
            spec = workflow_pb2.WorkflowSpec()
            spec.template.CopyFrom(compiled.primary.template)
            del spec.template.nodes[:2]
            task = spec.template.nodes[0].task_node.reference_id
            task.project, task.name, task.version = name, entity, version
            spec.template.nodes[0].upstream_node_ids[:] = []
            admin.CreateWorkflow(
                workflow_pb2.WorkflowCreateRequest(id=moved(area_workflow(version, entity)).id, spec=spec)
            )
            plan = moved(area_plan(version, entity, entity))
            plan.spec.workflow_id.project = name
            if number == 2:
                plan.spec.fixed_inputs.literals["when"].scalar.primitive.datetime.seconds = 0
                plan.spec.entity_metadata.schedule.rate.value = 1
                plan.spec.default_inputs.parameters.pop("when")
            admin.CreateLaunchPlan(launch_plan_pb2.LaunchPlanCreateRequest(id=plan.id, spec=plan.spec))
            if version == "v2" and number < 2:
                admin.UpdateLaunchPlan(
                    launch_plan_pb2.LaunchPlanUpdateRequest(id=plan.id, state=launch_plan_pb2.ACTIVE)
                )
    return name


def request(project: str, name: str = "", **more: Any) -> common_pb2.ResourceListRequest:
    """A list's request; all there is unless a limit is given."""
    sort = more.pop("sort", None)
    made = common_pb2.ResourceListRequest(
        id=common_pb2.NamedEntityIdentifier(project=project, domain=DOMAIN, name=name), **{"limit": 100, **more}
    )
    if sort:
        made.sort_by.CopyFrom(common_pb2.Sort(key=sort[0], direction=sort[1]))
    return made


def told(entities: Any) -> list[str]:
    """Each entity's name and version."""
    return [f"{entity.id.name}:{entity.id.version}" for entity in entities]


ALL = [f"{name}:{version}" for version in VERSIONS for name in NAMES]
NEWEST = ALL[::-1]


@pytest.mark.parametrize("call", ["ListTasks", "ListWorkflows", "ListLaunchPlans"])
def test_the_order_is_that_of_registration(admin: Any, project: str, call: str) -> None:
    """Without a sort order; with one, it is that of the column."""
    method = getattr(admin, call)
    rows = {"ListTasks": "tasks", "ListWorkflows": "workflows", "ListLaunchPlans": "launch_plans"}[call]

    def listed(**more: Any) -> list[str]:
        return told(getattr(method(request(project, **more)), rows))

    assert listed() == ALL
    assert listed(sort=("created_at", DESCENDING)) == NEWEST
    assert listed(sort=("created_at", ASCENDING)) == ALL
    assert listed(sort=("version", DESCENDING))[:3] == [f"{name}:v3" for name in NAMES]
    assert listed(sort=("name", DESCENDING))[0].startswith("gamma")
    assert listed(name="beta.x") == [f"beta.x:{version}" for version in VERSIONS]
    assert listed(name="beta.x", sort=("created_at", DESCENDING), limit=1) == ["beta.x:v3"]
    assert listed(name="bet") == []
    assert listed(name="x" * 300) == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("eq(version,v2)", [row for row in ALL if row.endswith("v2")]),
        ("value_in(version,v1;v3)", [row for row in ALL if not row.endswith("v2")]),
        ("ne(version,v2)", [row for row in ALL if not row.endswith("v2")]),
        ("eq(version,v2)+eq(name,alpha)", ["alpha:v2"]),
        ("value_in(name,alpha;gamma)+eq(version,v3)", ["alpha:v3", "gamma:v3"]),
        ("contains(name,ta.)", [row for row in ALL if row.startswith("beta")]),
        ("contains(name,_e)", [row for row in ALL if row.startswith("beta")]),
        ("not_like(name,%a)", [row for row in ALL if row.startswith("beta")]),
        ("eq(name,alpha)+eq(name,gamma)", []),
        ("eq(domain,production)", []),
        ("eq(project,PROJECT)+eq(domain,development)+eq(version,v1)", ALL[:3]),
        ("gt(created_at,2020-01-01T00:00:00Z)", ALL),
        ("lt(created_at,2020-01-01T00:00:00Z)", []),
        ("gte(updated_at,2020-01-01)+eq(version,v1)", ALL[:3]),
        ("eq(version,')", []),
    ],
)
def test_filters_hold_for_every_list(admin: Any, project: str, filters: str, expected: list[str]) -> None:
    """The same conditions on the columns that all three have."""
    asked = request(project, filters=filters.replace("PROJECT", project))
    assert told(admin.ListTasks(asked).tasks) == expected
    assert told(admin.ListWorkflows(asked).workflows) == expected
    assert told(admin.ListLaunchPlans(asked).launch_plans) == expected


def test_an_entity_has_columns_of_its_own(admin: Any, project: str) -> None:
    """A task's type; a launch plan's state, its schedule, and its workflow."""
    spark = told(admin.ListTasks(request(project, filters="eq(type,spark)")).tasks)
    assert spark == [row for row in ALL if row.startswith("beta")]
    assert told(admin.ListTasks(request(project, filters="eq(type,spark)", limit=2)).tasks) == spark[:2]
    by_type = told(admin.ListTasks(request(project, sort=("type", DESCENDING))).tasks)
    assert by_type[:3] == spark

    def plans(filters: str) -> list[str]:
        return told(admin.ListLaunchPlans(request(project, filters=filters)).launch_plans)

    assert plans("eq(state,1)") == ["alpha:v2", "beta.x:v2"]
    assert plans("eq(state,0)+eq(version,v2)") == ["gamma:v2"]
    assert plans("eq(schedule_type,RATE)") == [row for row in ALL if row.startswith("gamma")]
    assert plans("eq(launch_condition_type,SCHED)+eq(version,v1)") == ["gamma:v1"]
    assert plans("eq(workflow.name,beta.x)+eq(workflow.version,v3)") == ["beta.x:v3"]
    found = admin.ListLaunchPlans(request(project, filters="eq(version,v2)")).launch_plans
    assert [plan.closure.state for plan in found] == [1, 1, 0]


@pytest.mark.parametrize("more", [{}, {"sort": ("created_at", DESCENDING)}, {"filters": "ne(type,none)"}])
def test_tokens_are_offsets_of_full_pages(admin: Any, project: str, more: dict[str, Any]) -> None:
    """A page that is full has a token, the number of rows so far; the pages together are the list."""
    found, token = [], ""
    tokens = []
    while True:
        page = admin.ListTasks(request(project, limit=4, token=token, **more))
        found += told(page.tasks)
        tokens.append(page.token)
        token = page.token
        if not token:
            break
    assert tokens == ["4", "8", ""]
    assert found == (NEWEST if "sort" in more else ALL)
    assert admin.ListTasks(request(project, limit=9)).token == "9"
    assert told(admin.ListTasks(request(project, limit=9, token="9")).tasks) == []


def test_workflows_are_listed_without_their_nodes(admin: Any, project: str) -> None:
    """Interface, time and short description are told."""
    listed = admin.ListWorkflows(request(project, name="alpha", limit=1)).workflows[0]
    template = listed.closure.compiled_workflow.primary.template
    assert sorted(template.interface.inputs.variables) == ["side", "unit", "when"]
    assert not template.nodes
    assert listed.closure.created_at.seconds > 0


def test_tasks_are_listed_whole(admin: Any, project: str) -> None:
    """As GetTask gives them."""
    for task in admin.ListTasks(request(project, limit=3)).tasks:
        assert task == admin.GetTask(common_pb2.ObjectGetRequest(id=task.id))


BAD = [
    (common_pb2.ResourceListRequest(), "missing id"),
    (request(""), "missing project"),
    (common_pb2.ResourceListRequest(id={"project": "p"}, limit=1), "missing domain"),
    (request("p", limit=0), "invalid value for limit"),
    (request("p", token="-1"), "invalid pagination token -1 for CALL"),
    (request("p", token="zwei"), "invalid pagination token zwei for CALL"),
    (request("p", filters="name=x"), "invalid value for filters"),
    (request("p", filters="eq(colour,x)"), "'ENTITY.colour' is invalid filter"),
    (request("p", filters="like(name,x)"), "unrecognized filter function: like"),
    (request("p", filters="eq(execution.phase,x)"), "'e' entity is not allowed in filters"),
    (request("p", filters="eq(digest,x)"), "'ENTITY.digest': Flyte 2 keeps no such column"),
    (request("p", sort=("colour", ASCENDING)), "invalid sort key 'colour'"),
    (request("p", sort=("digest", ASCENDING)), "'ENTITY.digest': Flyte 2 keeps no such column"),
]


@pytest.mark.parametrize(("asked", "message"), BAD, ids=[message for _, message in BAD])
def test_a_list_that_cannot_be_is_refused(admin: Any, refused: Callable[..., str], asked: Any, message: str) -> None:
    """INVALID_ARGUMENT with flyteadmin's message, for all three."""
    for call, entity in (("ListTasks", "t"), ("ListWorkflows", "w"), ("ListLaunchPlans", "l")):
        expected = message.replace("CALL", call).replace("ENTITY", entity)
        assert expected in refused("INVALID_ARGUMENT", getattr(admin, call), asked)


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["ListTaskIds", "ListWorkflowIds", "ListLaunchPlanIds"])
def test_names_are_listed_once(admin: Any, project: str, refused: Callable[..., str], call: str) -> None:
    """In alphabetical order, in pages; conditions are refused, since flyteadmin ignores them."""
    method = getattr(admin, call)

    def ids(**more: Any) -> Any:
        return method(
            common_pb2.NamedEntityIdentifierListRequest(**{"project": project, "domain": DOMAIN, "limit": 100, **more})
        )

    assert [entity.name for entity in ids().entities] == list(NAMES)
    page = ids(limit=2)
    assert ([entity.name for entity in page.entities], page.token) == (["alpha", "beta.x"], "2")
    page = ids(limit=2, token="2")
    assert ([entity.name for entity in page.entities], page.token) == (["gamma"], "")
    descending = common_pb2.Sort(key="name", direction=DESCENDING)
    assert [entity.name for entity in ids(sort_by=descending).entities] == list(NAMES)[::-1]
    assert ids(domain="production").entities == []
    for more, message in (
        ({"project": ""}, "missing project"),
        ({"domain": ""}, "missing domain"),
        ({"limit": 0}, "invalid value for limit"),
        ({"token": "x"}, "invalid pagination token x"),
        ({"filters": "eq(name,x)"}, "flyteadmin ignores them"),
        ({"sort_by": common_pb2.Sort(key="colour")}, "invalid sort key 'colour'"),
    ):
        asked = common_pb2.NamedEntityIdentifierListRequest(
            **{"project": project, "domain": DOMAIN, "limit": 10, **more}
        )
        assert message in refused("INVALID_ARGUMENT", method, asked)


def test_active_launch_plans_are_listed(admin: Any, project: str, refused: Callable[..., str]) -> None:
    """By name, in pages, or by another column."""

    def active(**more: Any) -> Any:
        return admin.ListActiveLaunchPlans(
            launch_plan_pb2.ActiveLaunchPlanListRequest(**{"project": project, "domain": DOMAIN, "limit": 100, **more})
        )

    assert told(active().launch_plans) == ["alpha:v2", "beta.x:v2"]
    assert (told(active(limit=1).launch_plans), active(limit=1).token) == (["alpha:v2"], "1")
    assert told(active(limit=1, token="1").launch_plans) == ["beta.x:v2"]
    newest = common_pb2.Sort(key="created_at", direction=DESCENDING)
    assert told(active(sort_by=newest).launch_plans) == ["beta.x:v2", "alpha:v2"]
    asked = launch_plan_pb2.ActiveLaunchPlanListRequest(project=project, limit=1)
    assert refused("INVALID_ARGUMENT", admin.ListActiveLaunchPlans, asked) == "missing domain"


def test_flytekits_pages(remote: FlyteRemote, project: str) -> None:
    """Its client reads the same lists, with its filters and its sort."""
    from flytekit.models.admin.common import Sort
    from flytekit.models.common import NamedEntityIdentifier
    from flytekit.models.filters import Contains, Equal, ValueIn

    client = remote.client
    names, token = client.list_task_ids_paginated(project, DOMAIN, limit=2)
    assert ([name.name for name in names], token) == (["alpha", "beta.x"], "2")
    everything = NamedEntityIdentifier(project, DOMAIN, "")
    filters = [Contains("name", ["a"]), ValueIn("version", ["v1", "v2"])]
    sort = Sort("name", Sort.Direction.DESCENDING)
    tasks, _ = client.list_tasks_paginated(everything, filters=filters, sort_by=sort)
    assert told(tasks) == ["gamma:v1", "gamma:v2", "beta.x:v1", "beta.x:v2", "alpha:v1", "alpha:v2"]
    plans, _ = client.list_launch_plans_paginated(everything, filters=[Equal("state", 1)])
    assert told(plans) == ["alpha:v2", "beta.x:v2"]
    workflows, token = client.list_workflows_paginated(NamedEntityIdentifier(project, DOMAIN, "gamma"), limit=2)
    assert (told(workflows), token) == (["gamma:v1", "gamma:v2"], "2")


# -- cost -------------------------------------------------------------------------------------------------------------


class Counting:
    """A caller that counts."""

    def __init__(self, caller: Any) -> None:
        self._caller = caller
        self.calls: Counter[str] = Counter()

    async def unary(self, method: str, *args: Any, **more: Any) -> Any:
        self.calls[re.sub(r".*/", "", method)] += 1
        return await self._caller.unary(method, *args, **more)

    async def close(self) -> None:
        await self._caller.close()


def test_a_list_reads_only_what_it_tells(settings: config.Settings, project: str) -> None:
    """Of a name the page, by version one list, otherwise the versions once; what is known is not read again."""

    async def act() -> dict[str, Counter[str]]:
        async with connect(settings) as backend:
            counting = backend.caller = Counting(backend.caller)  # type: ignore[assignment]
            facade = Facade(backend, settings)

            async def ask(call: str, asked: Any) -> Counter[str]:
                counting.calls = Counter()
                path = f"/flyteidl.service.AdminService/{call}"
                await facade.call(path, asked, CallContext.of(path))
                return counting.calls

            latest = request(project, name="alpha", limit=1, sort=("created_at", DESCENDING))
            return {
                "latest": await ask("ListTasks", latest),
                "latest again": await ask("ListTasks", latest),
                "version": await ask("ListTasks", request(project, filters="eq(version,v2)")),
                "all": await ask("ListTasks", request(project)),
                "all again": await ask("ListTasks", request(project)),
                "newest": await ask("ListWorkflows", request(project, limit=1, sort=("created_at", DESCENDING))),
                "ids": await ask(
                    "ListTaskIds",
                    common_pb2.NamedEntityIdentifierListRequest(project=project, domain=DOMAIN, limit=100),
                ),
                "plans": await ask("ListLaunchPlans", request(project, filters="eq(version,v2)")),
                "task": await ask("GetTask", common_pb2.ObjectGetRequest(id=_task(project))),
                "plan": await ask("GetLaunchPlan", common_pb2.ObjectGetRequest(id=_plan(project))),
                "plan again": await ask("GetLaunchPlan", common_pb2.ObjectGetRequest(id=_plan(project))),
            }

    cost = asyncio.run(act())
    assert cost["latest"] == {"ListVersions": 1, "GetTaskDetails": 1}
    assert cost["latest again"] == {"ListVersions": 1}
    assert cost["version"] == {"ListTasks": 1, "GetTaskDetails": 3}
    assert cost["all"] == {"ListTasks": 1, "ListVersions": 3, "GetTaskDetails": 5}  # four are known by now
    assert cost["all again"] == {"ListTasks": 1}
    assert cost["newest"] == {"ListTasks": 1, "ListVersions": 1, "GetTaskDetails": 1}
    assert cost["ids"] == {"ListTasks": 1}
    assert cost["plans"] == {"ListTasks": 2, "GetTaskDetails": 3}  # one of them for the states
    assert cost["task"] == {"GetTaskDetails": 1}
    assert cost["plan"] == {"ListTasks": 1, "GetTaskDetails": 1}
    assert cost["plan again"] == {"ListTasks": 1}  # which tells its state


def _task(project: str) -> identifier_pb2.Identifier:
    made: task_pb2.TaskCreateRequest = square_request("v1", "alpha")
    made.id.project = project
    return made.id


def _plan(project: str) -> identifier_pb2.Identifier:
    plan = area_plan("v1", "alpha")
    plan.id.project = project
    return plan.id
