"""A live Flyte 1 assessed, without source: what of it is in use, and what Flyte 2 would refuse."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any

from flyteidl.admin import launch_plan_pb2
from google.protobuf.message import Message

from flyte_bridge_translators import fire_times
from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.graph import closures, figure
from flyte_bridge_translators.graph.svg import svg
from flyte_bridge_translators.wire import plugin

from ..admin import task_checks
from ..admin.launch_plans import REFUSED
from ..errors import InvalidRequest, NotFound, Unimplemented
from .assessment import AssessedItem, Assessment, Disposition, FoundPlace, put_in_order
from .importing import needs
from .registrations import MADE_BY_FLYTE, TASK, WORKFLOW, EntityKey, RegistrationReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyteidl.core import compiler_pb2, tasks_pb2

    from ..config import Settings
    from .control_plane import ControlPlane
    from .registrations import Registrations

FIRES = 3
"""Fire times to come that are told."""

CONTAINER_TYPES = {"python-task", "container", ""}
"""Task types that are no plugin's."""


class AdminAssessment:
    """The assessment of what a flyteadmin has."""

    def __init__(self, plane: ControlPlane, settings: Settings, days: int) -> None:
        """Asks nothing yet.

        Args:
            plane: Flyte 1.
            settings: Say what Flyte 2 there is: its connectors, and whether it is the embedded one.
            days: Whoever ran in these days counts as in use, beside active launch plans.
        """
        self._plane = plane
        self._settings = settings
        self._days = days
        self._reader = RegistrationReader(plane.caller)
        self._ran: Counter[EntityKey] = Counter()
        self.result = Assessment(plane.name)

    async def assess(self, registered: Registrations) -> Assessment:
        """All that is in use: active launch plans, what has run lately, and the workflows of both.

        Raises:
            StatusError: Flyte 1 is out of reach.
        """
        for place in registered.places:
            await self._executions(place)
        active = [key for key, plan in registered.launch_plans.items() if plan.closure.state == launch_plan_pb2.ACTIVE]
        pending = [key for key in (*active, *self._ran) if key.kind != TASK and not key.name.startswith(MADE_BY_FLYTE)]
        seen: set[EntityKey] = set()
        while pending:
            key = pending.pop()
            if key in seen:
                continue
            seen.add(key)
            try:
                entity = registered.launch_plans.get(key) or await self._reader.entity(key)
            except NotFound:
                self.result.not_understood.append(FoundPlace("", str(key), "is referred to, and is not registered"))
                continue
            wanted = [needed for needed in needs(entity) if needed.kind != TASK]
            pending += wanted
            self._add(key, entity, wanted)
        await self._lone_tasks(registered)
        put_in_order(self.result.items)
        return self.result

    async def _lone_tasks(self, registered: Registrations) -> None:
        """Tasks that were run by themselves: no workflow tells of them."""
        for key, ran in self._ran.items():
            if key.kind != TASK:
                continue
            try:
                task = registered.tasks.get(key) or await self._reader.entity(key)
            except NotFound:
                self.result.not_understood.append(FoundPlace("", str(key), "has run, and is not registered"))
                continue
            item = self._item("task", key, list(self._task(task.closure.compiled_task.template)))
            item.detail = self._lately(ran)
            self.result.items.append(item)

    async def _executions(self, place: tuple[str, str]) -> None:
        since = datetime.now(timezone.utc) - timedelta(days=self._days)
        async for execution in self._plane.executions(*place, "", newest_first=True):
            if execution.closure.created_at.ToDatetime(tzinfo=timezone.utc) < since:
                return
            self._ran[EntityKey.of(execution.spec.launch_plan)] += 1

    def _lately(self, ran: int) -> str:
        return f"{ran} execution{'s' * (ran != 1)} in {self._days} days"

    def _add(self, key: EntityKey, entity: Any, wanted: list[EntityKey]) -> None:
        is_workflow = key.kind == WORKFLOW
        item = self._workflow(key, entity.closure.compiled_workflow) if is_workflow else self._launch_plan(key, entity)
        item.needs = [_name(needed) for needed in wanted]
        ran = self._ran[key]
        item.detail += f"{', ' if item.detail and ran else ''}{self._lately(ran)}" if ran else ""
        self.result.items.append(item)

    def _workflow(self, key: EntityKey, closure: compiler_pb2.CompiledWorkflowClosure) -> AssessedItem:
        templates = [task.template for task in closure.tasks]
        reasons = [reason for template in templates for reason in self._task(template)]
        if closure.primary.template.metadata.quality_of_service.ByteSize():
            reasons.append("quality_of_service: Flyte 2 has no queueing budget for an execution")
        drawing = ""
        try:
            drawing = svg(figure.of(closures.checked(read.closure(closure))))
        except closures.BadClosure as error:
            reasons.append(" ".join(str(error).split()))
        for template in templates:
            self.result.features[f"task type {template.type}"] += 1
            self.result.images[template.container.image or "none"] += 1
            if template.type not in CONTAINER_TYPES:
                self.result.plugins[template.type] += 1
        item = self._item("workflow", key, reasons)
        item.drawing = drawing
        return item

    def _task(self, template: tasks_pb2.TaskTemplate) -> Iterator[str]:
        """Why a task is refused: what registration would say."""
        try:
            plugin.check(template)
        except plugin.BadCustom as error:
            yield str(error)
        if refused := plugin.refusal(template, self._settings.connectors):
            yield refused
        elif self._settings.embedded:
            try:
                task_checks.check_embedded(template, self._settings.task_allow)
            except (InvalidRequest, Unimplemented) as error:
                yield f"on the embedded backend: {error}"

    def _launch_plan(self, key: EntityKey, plan: launch_plan_pb2.LaunchPlan) -> AssessedItem:
        reasons = []
        for field, why in REFUSED.items():
            value = getattr(plan.spec, field)
            if value.ByteSize() if isinstance(value, Message) else value:
                reasons.append(f"{field}: {why}")
        item = self._item("launch plan", key, reasons)
        item.detail = "active" if plan.closure.state == launch_plan_pb2.ACTIVE else ""
        schedule = plan.spec.entity_metadata.schedule
        if schedule.WhichOneof("ScheduleExpression"):
            self.result.items.append(self._schedule(key, plan))
        return item

    def _schedule(self, key: EntityKey, plan: launch_plan_pb2.LaunchPlan) -> AssessedItem:
        is_active = plan.closure.state == launch_plan_pb2.ACTIVE
        try:
            schedule = fire_times.read(plan.spec.entity_metadata.schedule)
        except fire_times.NoSchedule as error:
            item = self._item("schedule", key, [str(error)])
        else:
            item = self._item("schedule", key, [])
            now = datetime.now(timezone.utc)
            if isinstance(schedule, timedelta):
                item.detail = f"every {schedule}"
            else:
                fires = islice(fire_times.between(schedule, now, now + timedelta(days=366)), FIRES)
                item.detail = "next " + ", ".join(at.isoformat(timespec="minutes") for at in fires)
        item.detail += "" if is_active else f"{'; ' if item.detail else ''}inactive"
        item.needs = [_name(key)]
        return item

    @staticmethod
    def _item(kind: str, key: EntityKey, reasons: list[str]) -> AssessedItem:
        disposition = Disposition.NOTHING if reasons else Disposition.UNCHANGED
        name = _name(key)
        return AssessedItem(kind, name, str(key), disposition, [FoundPlace("", str(key), reason) for reason in reasons])


def _name(key: EntityKey) -> str:
    """What an item is called: a workflow and its launch plan have one name in Flyte 1."""
    kind = "" if key.kind == WORKFLOW else f"{key.what} "
    return f"{kind}{key.project}/{key.domain}/{key.name}:{key.version}"
