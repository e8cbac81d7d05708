"""Lists, and the pages of what is deployed: runs, tasks, workflows, launch plans, triggers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from flyteidl.admin import common_pb2 as admin_common_pb2
from flyteidl.admin import launch_plan_pb2, schedule_pb2
from flyteidl.core import identifier_pb2 as identifier_pb2_1
from flyteidl2.common import identifier_pb2, list_pb2
from flyteidl2.task import task_definition_pb2
from flyteidl2.trigger import trigger_definition_pb2

from flyte_bridge.backend.keys import TaskKey, TriggerKey
from flyte_bridge.backend.moments import from_timestamp
from flyte_bridge.backend.query import compare, query, where
from flyte_bridge.console import urls, views
from flyte_bridge.console.answers import Answer, elsewhere
from flyte_bridge.console.run_filter import PHASES, STARTED_BY, RunFilter
from flyte_bridge.console.source import trigger_name
from flyte_bridge.console.text import type_name
from flyte_bridge.console.views import shown_name
from flyte_bridge.errors import BridgeError, NotFound
from flyte_bridge.registry.deployed import ORG, together
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.console.render import Renderer
    from flyte_bridge.console.source import PageSource
    from flyte_bridge.console.tokens import FormTokens

    Query = Mapping[str, str]
    Page = Callable[..., Awaitable[Answer]]

_ROWS = 50
"""Rows on one page of a list."""

_ADMIN = "/flyteidl.service.AdminService/"

KINDS = {"tasks": "Tasks", "workflows": "Workflows", "launch-plans": "Launch plans"}
_ENVIRONMENTS = {"workflows": identifier.WORKFLOW, "launch-plans": identifier.LAUNCH_PLAN}
_FLYTE_1 = {"task": "tasks", "workflow": "workflows", "launch_plan": "launch-plans", "launchPlan": "launch-plans"}
"""How the paths of Flyte 1's console call what there is."""


@dataclass(frozen=True)
class EntityRow:
    """A line of a list of tasks, workflows or launch plans.

    Attributes:
        name: As Flyte 1 calls it, if it is Flyte 1's.
        active: The active version of a launch plan.
        schedule: A launch plan's, while nothing follows it.
    """

    name: str
    url: str
    version: str
    deployed: Micros
    description: str
    active: str
    triggers: Sequence[views.TriggerRow]
    schedule: str = ""


class ListPages:
    """Answers requests for lists, and for what is in them."""

    def __init__(self, renderer: Renderer) -> None:
        """Args:
        renderer: Makes pages of templates.
        """
        self._renderer = renderer
        entity = "/tasks/(?P<task>[^/]+)"
        self.pages: tuple[tuple[str, Page], ...] = (
            (f"/(?P<kind>{'|'.join(KINDS)})/?", self.entities),
            ("/triggers/?", self.triggers),
            (f"{entity}/?", self._task),
            ("/triggers/(?P<task>[^/]+)/(?P<trigger>[^/]+)/?", self._trigger),
        )

    # -- runs ---------------------------------------------------------------------------------------------------------

    async def runs(
        self, source: PageSource, _tokens: FormTokens, asked: Query, domain: str = "", project: str = ""
    ) -> Answer:
        """Runs of everything, or of a project and domain."""
        chosen, page = RunFilter.of(asked), page_number(asked)
        rows, more = await _runs(
            source, page, chosen.filters(), project_id=_place(project, domain) if project else None
        )
        return await self._renderer.page(
            "runs.html", rows=rows, page=page, more=more, project=project, domain=domain, chosen=chosen,
            phases=PHASES, sources=tuple(STARTED_BY), places=await source.places(),
        )  # fmt: skip

    # -- tasks, workflows, launch plans -------------------------------------------------------------------------------

    async def entities(
        self, source: PageSource, _tokens: FormTokens, asked: Query, domain: str, project: str, kind: str
    ) -> Answer:
        """What is deployed in a project and domain, by kind and a part of its name."""
        page, words = page_number(asked), asked.get("name", "").strip()[:255]
        filters = [compare("name", "CONTAINS_CASE_INSENSITIVE", words)] if words else []
        if kind in _ENVIRONMENTS:
            filters.append(where("environment", _ENVIRONMENTS[kind]))
        else:
            others = (*_ENVIRONMENTS.values(), identifier.DOCUMENT)
            filters += [compare("environment", "NOT_EQUAL", other) for other in others]
        request = query(*filters, sort="name", limit=_ROWS, token=_token(page))
        listed = await source.backend.list_tasks(project_id=_place(project, domain), request=request)
        active = await _active_plans(source, project, domain) if kind == "launch-plans" and listed.tasks else {}
        triggers = await _triggers_by_task(source, project, domain) if listed.tasks else {}
        rows = [_entity(task, active, triggers) for task in listed.tasks]
        if kind == "launch-plans":
            rows = await together(partial(_with_schedule, source, project, domain, row) for row in rows)
        return await self._renderer.page(
            "entities.html", kind=kind, title=KINDS[kind], rows=rows, page=page, more=bool(listed.token), words=words,
            project=project, domain=domain, places=await source.places(),
            with_triggers=any(row.triggers or row.schedule for row in rows),
        )  # fmt: skip

    async def triggers(
        self, source: PageSource, _tokens: FormTokens, asked: Query, domain: str, project: str
    ) -> Answer:
        """The triggers of a project and domain."""
        page, words = page_number(asked), asked.get("name", "").strip()[:255]
        filters = [compare("task_name", "CONTAINS_CASE_INSENSITIVE", words)] if words else []
        request = query(*filters, sort="task_name", limit=_ROWS, token=_token(page))
        listed = await source.backend.list_triggers(project_id=_place(project, domain), request=request)
        rows = [views.trigger_row(trigger, trigger.active, source.now()) for trigger in listed.triggers]
        return await self._renderer.page(
            "triggers.html", rows=rows, page=page, more=bool(listed.token), words=words,
            project=project, domain=domain, places=await source.places(),
        )  # fmt: skip

    async def _task(
        self, source: PageSource, tokens: FormTokens, _asked: Query, domain: str, project: str, task: str
    ) -> Answer:
        name = task_definition_pb2.TaskName(org=ORG, project=project, domain=domain, name=task)
        newest = query(sort="created_at", descending=True, limit=_ROWS)
        listed = await source.backend.list_versions(task_name=name, request=newest)
        if not listed.versions:
            raise NotFound(f"Task {project}/{domain}/{task} is not deployed.")
        key = TaskKey(project, domain, task, listed.versions[0].version)
        details = await source.task(key)
        rows, _ = await _runs(source, 0, (), task_name=name)
        triggers = await source.backend.list_triggers(task_name=name)
        now = source.now()
        is_plan = task.startswith(f"{identifier.LAUNCH_PLAN}.")
        return await self._renderer.page(
            "task.html",
            token=tokens.make(),
            kind=_kind_of(task),
            name=shown_name(task),
            is_launch_plan=is_plan,
            active=(await _active_plans(source, project, domain)).get(task, "") if is_plan else "",
            schedule=await _schedule(source, key) if is_plan else "",
            task_url=urls.task_url(project, domain, task),
            launch_url=None
            if task.startswith(f"{identifier.WORKFLOW}.")
            else f"{urls.task_url(project, domain, task)}/launch",
            key=key,
            description=details.spec.documentation.short_description or details.metadata.short_description,
            interface=_interface(details.spec),
            versions=[(version.version, from_timestamp(version.deployed_at)) for version in listed.versions],
            rows=rows,
            triggers=[views.trigger_row(trigger, trigger.active, now) for trigger in triggers.triggers],
        )

    async def _trigger(
        self,
        source: PageSource,
        tokens: FormTokens,
        _asked: Query,
        domain: str,
        project: str,
        task: str,
        trigger: str,
    ) -> Answer:
        key = TriggerKey(project, domain, task, trigger)
        try:
            details = await source.backend.get_trigger(name=trigger_name(key))
        except NotFound:
            raise NotFound(f"There is no trigger {key}.") from None
        rows, _ = await _runs(source, 0, (), trigger_name=trigger_name(key))
        history = await source.backend.trigger_history(name=trigger_name(key), request=query(limit=_ROWS))
        return await self._renderer.page(
            "trigger.html",
            token=tokens.make(),
            trigger=views.trigger_row(details, details.spec.active, source.now()),
            name=shown_name(task),
            description=details.description or details.spec.description,
            version=details.spec.task_version,
            last_error=source.last_error(key),
            revisions=[
                (one.id.revision, from_timestamp(one.created_at), _word(one.action)) for one in history.triggers
            ],
            rows=rows,
        )

    # -- what Flyte 1 calls them --------------------------------------------------------------------------------------

    async def flyte1_entity(
        self, source: PageSource, _tokens: FormTokens, _asked: Query, project: str, domain: str, kind: str, name: str | None
    ) -> Answer:  # fmt: skip
        """Where the pages of Flyte 1's console are that are about what is registered."""
        of_kind = _FLYTE_1[kind.removesuffix("s")]
        if name is None:
            return elsewhere(urls.list_url(project, domain, of_kind))
        environment = {"tasks": identifier.TASK, **_ENVIRONMENTS}[of_kind]
        return elsewhere(urls.task_url(project, domain, f"{environment}.{name}"))

    async def flyte1_list(
        self, source: PageSource, _tokens: FormTokens, _asked: Query, project: str, domain: str
    ) -> Answer:
        """Where its lists of executions are."""
        return elsewhere(urls.project_url(project, domain))


def page_number(asked: Query, name: str = "page") -> int:
    """A page's number in a query, from 0; what is none counts as the first."""
    number = asked.get(name, "0")
    return min(int(number), 1_000_000) if number.isascii() and number.isdigit() and len(number) < 10 else 0


async def _runs(
    source: PageSource, page: int, filters: Sequence[list_pb2.Filter], **scope: Any
) -> tuple[list[views.RunRow], bool]:
    """Runs, newest first, and whether there are more."""
    request = query(*filters, sort="created_at", descending=True, limit=_ROWS, token=_token(page))
    listed = await source.backend.list_runs(request=request, **scope)
    now = source.now()
    return [views.run_row(run.action, now) for run in listed.runs], bool(listed.token)


def _token(page: int) -> str:
    """Both backends take a number of rows to skip."""
    return str(page * _ROWS) if page else ""


def _place(project: str, domain: str) -> identifier_pb2.ProjectIdentifier:
    return identifier_pb2.ProjectIdentifier(organization=ORG, name=project, domain=domain)


async def _active_plans(source: PageSource, project: str, domain: str) -> dict[str, str]:
    """The active version of each launch plan, by the name it is deployed under."""
    active: dict[str, str] = {}
    token = ""
    while True:
        request = launch_plan_pb2.ActiveLaunchPlanListRequest(project=project, domain=domain, limit=100, token=token)
        path = f"{_ADMIN}ListActiveLaunchPlans"
        told: Any = await source.facade.call(path, request, source.context)
        for plan in told.launch_plans:
            active[f"{identifier.LAUNCH_PLAN}.{plan.id.name}"] = plan.id.version
        token = told.token
        if not token:
            return active


async def _schedule(source: PageSource, plan: TaskKey) -> str:
    """What a launch plan says of when it runs, be it active or not."""
    identity = identifier_pb2_1.Identifier(
        resource_type=identifier_pb2_1.LAUNCH_PLAN,
        project=plan.project,
        domain=plan.domain,
        name=views.shown_name(plan.name),
        version=plan.version,
    )
    path = f"{_ADMIN}GetLaunchPlan"
    try:
        told: Any = await source.facade.call(path, admin_common_pb2.ObjectGetRequest(id=identity), source.context)
    except BridgeError:
        return ""  # of a version that only Flyte 2 knows
    schedule = told.spec.entity_metadata.schedule
    kind = schedule.WhichOneof("ScheduleExpression")
    if kind == "rate":
        unit = str(schedule_pb2.FixedRateUnit.Name(schedule.rate.unit)).lower()
        return f"every {schedule.rate.value} {unit}{'s' if schedule.rate.value != 1 else ''}"
    return str(schedule.cron_schedule.schedule or schedule.cron_expression)


async def _with_schedule(source: PageSource, project: str, domain: str, row: EntityRow) -> EntityRow:
    if row.triggers:
        return row
    key = TaskKey(project, domain, f"{identifier.LAUNCH_PLAN}.{row.name}", row.version)
    return replace(row, schedule=await _schedule(source, key))


async def _triggers_by_task(source: PageSource, project: str, domain: str) -> dict[str, list[views.TriggerRow]]:
    found: dict[str, list[views.TriggerRow]] = {}
    try:
        listed = await source.triggers(project, domain)
    except BridgeError:
        return {}  # the tasks are there nevertheless
    for trigger in listed:
        row = views.trigger_row(trigger, trigger.active, source.now())
        found.setdefault(row.key.task_name, []).append(row)
    return found


def _entity(
    task: task_definition_pb2.Task, active: Mapping[str, str], triggers: Mapping[str, Sequence[views.TriggerRow]]
) -> EntityRow:
    key = task.task_id
    return EntityRow(
        name=shown_name(key.name),
        url=urls.task_url(key.project, key.domain, key.name),
        version=key.version,
        deployed=from_timestamp(task.metadata.deployed_at),
        description=task.metadata.short_description,
        active=active.get(key.name, ""),
        triggers=triggers.get(key.name, ()),
    )


def _interface(spec: task_definition_pb2.TaskSpec) -> list[tuple[str, list[tuple[str, str]]]]:
    """Inputs and outputs: names and types."""
    interface = spec.task_template.interface
    sides = (("Inputs", interface.inputs), ("Outputs", interface.outputs))
    return [(title, [(entry.key, type_name(entry.value.type)) for entry in side.variables]) for title, side in sides]


def _kind_of(task: str) -> str:
    if task.startswith(f"{identifier.LAUNCH_PLAN}."):
        return "Launch plan"
    return "Workflow" if task.startswith(f"{identifier.WORKFLOW}.") else "Task"


def _word(action: int) -> str:
    kinds = trigger_definition_pb2.TriggerRevisionAction
    name = str(kinds.Name(action)) if action in kinds.values() else str(action)
    return name.removeprefix("TRIGGER_REVISION_ACTION_").lower().replace("_", " ")
