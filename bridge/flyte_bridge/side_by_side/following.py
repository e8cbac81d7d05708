"""One control plane for all callers while launch plans move: what has moved is answered by Flyte 2, the rest by flyteadmin.

| call | goes |
|---|---|
| about a launch plan (create an execution, get, activate) | to the side that runs its schedule, by the cut-over's journal |
| about an execution, its nodes, tasks, signals | where the execution is; one that is on both sides where its launch plan is |
| ListExecutions, ListActiveLaunchPlans | to both; the answers are merged |
| ListLaunchPlans | to flyteadmin; of what has moved Flyte 2 tells the state |
| who the caller is, how to log in, health | to the bridge itself |
| all else: registrations, uploads, projects, attributes, names | to flyteadmin |

An execution says where it is: annotation `flyte-bridge/side`, `v1` or `v2`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from flyteidl.admin import common_pb2, execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2

from ..admin.executions import Executions
from ..admin.methods import METHODS
from ..admin.past_executions import ExecutionsAndPast
from ..admin.proof import OPEN
from ..admin.service import PARTS, Facade
from ..backend import credentials
from ..errors import AlreadyExists, FailedPrecondition, InvalidRequest, NotFound
from .cutover_journal import V1, V2, CutoverJournal

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from ..admin.context import CallContext
    from ..backend.caller import Caller

SIDE = "flyte-bridge/side"
"""The annotation that tells where an execution is."""

ADMIN = "/flyteidl.service.AdminService/"

OWN = ("/flyteidl.service.AuthMetadataService/", "/flyteidl.service.IdentityService/", "/grpc.health.")
"""How RPCs begin that are about the bridge itself."""

DONE = "-"
"""In a token: a side has no more."""

_MOST_KNOWN = 10_000
"""Executions whose side is remembered."""


class FollowingFacade(Facade):
    """Flyte 1's control plane on top of a flyteadmin and a Flyte 2.

    Records of Flyte 1's executions that were imported are not told: Flyte 1 itself is asked.
    """

    parts_of = tuple(Executions if part is ExecutionsAndPast else part for part in PARTS)

    def follow(self, flyteadmin: Caller, journal: CutoverJournal, *, own_credentials: bool) -> FollowingFacade:
        """Takes the flyteadmin and the journal.

        Args:
            flyteadmin: Calls it.
            journal: Says what has moved; it is read again before each call.
            own_credentials: Whether calls to it prove this process and not its caller.
        """
        self._flyteadmin, self._journal, self._own_credentials = flyteadmin, journal, own_credentials
        self._known: dict[tuple[str, str, str], str] = {}
        return self

    async def call(self, path: str, request: Message, context: CallContext) -> Message:
        """See `Facade.call`."""
        if path.startswith(OWN):
            return await super().call(path, request, context)
        if self._proof is not None and not path.startswith(OPEN):
            await self._proof.demand(path, context)
        self._journal.refresh()
        match path.removeprefix(ADMIN), request:
            case "CreateExecution", execution_pb2.ExecutionCreateRequest():
                return await self._create(path, request, context)
            case "ListExecutions", common_pb2.ResourceListRequest():
                return await self._merged(path, request, context, "executions")
            case "ListActiveLaunchPlans", launch_plan_pb2.ActiveLaunchPlanListRequest():
                return await self._merged(path, request, context, "launch_plans")
            case "ListLaunchPlans", _:
                return await self._with_states(path, request, context)
            case "UpdateLaunchPlan", launch_plan_pb2.LaunchPlanUpdateRequest():
                self._must_rest(request.id)
                return await self._on(self._side_of(request.id), path, request, context)
            case "GetLaunchPlan" | "GetActiveLaunchPlan", _:
                return await self._plan(path, request, context)
        execution = execution_in(request)
        if execution is None:
            return await self._on(V1, path, request, context)
        answer = await self._on(await self._where(execution, context), path, request, context)
        if isinstance(answer, execution_pb2.Execution):
            await self._say(answer, context)
        return answer

    async def _on(self, side: str, path: str, request: Message, context: CallContext) -> Message:
        if side == V2:
            return await super().call(path, request, context)
        # in this call's context alone: each call is a task of its own
        credentials.bearer.set(None if self._own_credentials else context.bearer)
        return await self._flyteadmin.unary(path, request, METHODS[path].reply, timeout=context.remaining)

    # -- launch plans -------------------------------------------------------------------------------------------------

    def _side_of(self, plan: identifier_pb2.Identifier | common_pb2.NamedEntityIdentifier) -> str:
        return self._journal.state(_text(plan)).callers_side

    def _must_rest(self, plan: identifier_pb2.Identifier) -> None:
        state = self._journal.state(_text(plan))
        if state.under_way:
            raise FailedPrecondition(
                f"launch plan {_text(plan)} is being handed over (its last step is {state.step}): `flyte-bridge cutover "
                "handover` or `abort` ends that; then activate or deactivate it"
            )

    async def _plan(self, path: str, request: Any, context: CallContext) -> Message:
        side = self._side_of(request.id)
        try:
            return await self._on(side, path, request, context)
        except NotFound:
            if side == V1 or not isinstance(request, common_pb2.ObjectGetRequest):
                raise
        return await self._on(V1, path, request, context)  # a version of before it moved

    async def _with_states(self, path: str, request: Message, context: CallContext) -> Message:
        plans = await self._on(V1, path, request, context)
        assert isinstance(plans, launch_plan_pb2.LaunchPlanList)

        async def tell(plan: launch_plan_pb2.LaunchPlan) -> None:
            try:
                known = await self._on(V2, f"{ADMIN}GetLaunchPlan", common_pb2.ObjectGetRequest(id=plan.id), context)
            except NotFound:
                return
            assert isinstance(known, launch_plan_pb2.LaunchPlan)
            plan.closure.state = known.closure.state

        await asyncio.gather(*(tell(plan) for plan in plans.launch_plans if self._side_of(plan.id) == V2))
        return plans

    # -- executions ---------------------------------------------------------------------------------------------------

    async def _create(self, path: str, request: execution_pb2.ExecutionCreateRequest, context: CallContext) -> Message:
        plan = request.spec.launch_plan
        side = self._side_of(plan) if plan.resource_type in (_UNSPECIFIED, identifier_pb2.LAUNCH_PLAN) else V1
        id_ = identifier_pb2.WorkflowExecutionIdentifier(
            project=request.project, domain=request.domain, name=request.name
        )
        if request.name and await self._get(V2 if side == V1 else V1, id_, context) is not None:
            raise AlreadyExists(f"an execution {request.name} is on the other side already: give another name")
        answer = await self._on(side, path, request, context)
        assert isinstance(answer, execution_pb2.ExecutionCreateResponse)
        self._remember(answer.id, side)
        return answer

    async def _where(self, id_: identifier_pb2.WorkflowExecutionIdentifier, context: CallContext) -> str:
        known = self._known.get((id_.project, id_.domain, id_.name))
        if known is not None:
            return known
        there = await self._get(V2, id_, context)
        side = V1 if there is None else V2
        if there is not None and self._side_of(there.spec.launch_plan) == V1:
            side = V2 if await self._get(V1, id_, context) is None else V1
        if there is not None or await self._get(V1, id_, context) is not None:
            self._remember(id_, side)
        return side

    async def _get(
        self, side: str, id_: identifier_pb2.WorkflowExecutionIdentifier, context: CallContext
    ) -> execution_pb2.Execution | None:
        request = execution_pb2.WorkflowExecutionGetRequest(id=id_)
        try:
            execution = await self._on(side, f"{ADMIN}GetExecution", request, context)
        except NotFound:
            return None
        assert isinstance(execution, execution_pb2.Execution)
        return execution

    def _remember(self, id_: identifier_pb2.WorkflowExecutionIdentifier, side: str) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[id_.project, id_.domain, id_.name] = side

    async def _say(self, execution: execution_pb2.Execution, context: CallContext) -> None:
        execution.spec.annotations.values[SIDE] = await self._where(execution.id, context)

    # -- lists of both ------------------------------------------------------------------------------------------------

    async def _merged(self, path: str, request: Any, context: CallContext, field: str) -> Message:
        """A page of both sides' entries in the order that is asked for. Its token has how many of each were told."""
        begins = _read_token(request.token)
        sides = [side for side in (V1, V2) if begins[side] is not None]
        pages = dict(
            zip(
                sides,
                await asyncio.gather(*(self._page(side, begins, path, request, context) for side in sides)),
                strict=True,
            )
        )
        entries = [(side, entry) for side in sides for entry in getattr(pages[side], field)]
        key = _order(request)
        if key is not None:
            entries.sort(key=lambda entry: key(entry[1]), reverse=request.sort_by.direction == _DESCENDING)
        entries = entries[: request.limit]
        answer = METHODS[path].reply()
        for side, entry in entries:
            if isinstance(entry, execution_pb2.Execution):
                entry.spec.annotations.values[SIDE] = side
            getattr(answer, field).append(entry)
        ends: dict[str, int | None] = {V1: None, V2: None}
        for side in sides:
            told = sum(where == side for where, _ in entries)
            if told < len(getattr(pages[side], field)) or pages[side].token:
                ends[side] = (begins[side] or 0) + told
        answer.token = "" if ends == {V1: None, V2: None} else _token(ends)  # type: ignore[attr-defined]
        return answer

    async def _page(
        self, side: str, begins: dict[str, int | None], path: str, request: Any, context: CallContext
    ) -> Any:
        asked = type(request)()
        asked.CopyFrom(request)
        asked.token = str(begins[side] or "")
        return await self._on(side, path, asked, context)


_UNSPECIFIED = identifier_pb2.UNSPECIFIED
_DESCENDING = common_pb2.Sort.DESCENDING


def execution_in(request: Message) -> identifier_pb2.WorkflowExecutionIdentifier | None:
    """The execution that a request is about, wherever in it that is said; None if it is about none."""
    for field, value in request.ListFields():
        if field.message_type is None or field.is_repeated:
            continue
        if isinstance(value, identifier_pb2.WorkflowExecutionIdentifier):
            return value
        inner = execution_in(value)
        if inner is not None:
            return inner
    return None


def _text(plan: identifier_pb2.Identifier | common_pb2.NamedEntityIdentifier) -> str:
    return f"{plan.project}/{plan.domain}/{plan.name}"


def _order(request: Any) -> Callable[[Any], Any] | None:
    """By what a list is sorted; None where the sides come one after the other."""
    key = str(request.sort_by.key)
    if not key:
        return None
    if key in ("created_at", "execution_created_at", "started_at", "updated_at"):
        field = key.removeprefix("execution_")
        return lambda entry: getattr(entry.closure, field).ToNanoseconds()
    if key in ("name", "execution_name", "version"):
        field = key.removeprefix("execution_")
        return lambda entry: getattr(entry.id, field)
    raise InvalidRequest(
        f"sort_by {key}: lists of both Flytes are sorted by created_at, started_at, updated_at or name"
    )


def _token(ends: dict[str, int | None]) -> str:
    return ".".join(DONE if ends[side] is None else str(ends[side]) for side in (V1, V2))


def _read_token(token: str) -> dict[str, int | None]:
    if not token:
        return {V1: 0, V2: 0}
    parts = token.split(".")
    if len(parts) != 2 or not all(part == DONE or part.isdigit() for part in parts):
        raise InvalidRequest(f"token {token!r}: it is none that a list of both Flytes gave")
    return {side: None if part == DONE else int(part) for side, part in zip((V1, V2), parts, strict=True)}
