"""Executions, and those that ended on another control plane: read-only records beside the runs of Flyte 2.

A record is told as its control plane told it. It can be relaunched, and recovered: that starts a run. Its name is taken.
Its metrics and decks are where it ran.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2, node_execution_pb2, task_execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2

from flyte_bridge.admin import columns, validation
from flyte_bridge.admin.blobs import blob
from flyte_bridge.admin.caches import Recent, caller
from flyte_bridge.admin.execution_list import holds
from flyte_bridge.admin.executions import MOST_BYTES, Executions, over
from flyte_bridge.admin.reading import not_found
from flyte_bridge.admin.snapshots import NoSuchExecution
from flyte_bridge.errors import AlreadyExists, InvalidRequest, NotFound, Unimplemented
from flyte_bridge.registry.history import History
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire import past_execution
from flyte_bridge_translators.wire.node_execution import trimmed
from flyte_bridge_translators.wire.phase import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flyteidl.admin import common_pb2
    from flyteidl.service import dataproxy_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core
    from flyte_bridge_translators.wire.past_execution import PastExecution, PastNode

_CREATED = filters.SortOrder("created_at", descending=False)
"""How executions are listed when nobody asks for an order."""


class ExecutionsAndPast(Executions):
    """Executions of Flyte 2, then those that are records."""

    def __init__(self, core: Core) -> None:
        """Nothing is read yet.

        Args:
            core: What the parts share.
        """
        super().__init__(core)
        self._history = History(core.registry.documents)
        self._records: Recent[tuple[str, bytes], PastExecution] = Recent(MOST_BYTES)

    # -- executions ---------------------------------------------------------------------------------------------------

    async def get_execution(
        self, request: execution_pb2.WorkflowExecutionGetRequest, context: CallContext
    ) -> execution_pb2.Execution:
        """An execution, its error whole."""
        try:
            return await super().get_execution(request, context)
        except NoSuchExecution:
            past = await self._past(request.id, context)
            answer = execution_pb2.Execution()
            answer.CopyFrom(past.message)
        await self.archive.mark([answer])
        return answer

    async def get_execution_data(
        self, request: execution_pb2.WorkflowExecutionGetDataRequest, context: CallContext
    ) -> execution_pb2.WorkflowExecutionGetDataResponse:
        """An execution's inputs, and outputs if it succeeded."""
        try:
            return await super().get_execution_data(request, context)
        except NoSuchExecution:
            data = (await self._past(request.id, context)).data
        response = execution_pb2.WorkflowExecutionGetDataResponse()
        await blob(response, "inputs", data.full_inputs, "", self.reader, context)
        await blob(response, "outputs", data.full_outputs, "", self.reader, context)
        return response

    async def get_execution_metrics(
        self, request: execution_pb2.WorkflowExecutionGetMetricsRequest, context: CallContext
    ) -> execution_pb2.WorkflowExecutionGetMetricsResponse:
        """Where an execution's time went.

        Raises:
            Unimplemented: It is a record.
        """
        try:
            return await super().get_execution_metrics(request, context)
        except NoSuchExecution:
            past = await self._past(request.id, context)
            where = past.message.spec.annotations.values[past_execution.IMPORTED_FROM]
            raise Unimplemented(
                f"execution {request.id.name} is a record of {where}; where its time went is asked there"
            ) from None

    async def terminate_execution(
        self, request: execution_pb2.ExecutionTerminateRequest, context: CallContext
    ) -> execution_pb2.ExecutionTerminateResponse:
        """Aborts an execution.

        Raises:
            FailedPrecondition: It has ended.
        """
        try:
            return await super().terminate_execution(request, context)
        except NoSuchExecution:
            past = await self._past(request.id, context)
            raise over(past.message.closure.phase) from None

    async def update_execution(
        self, request: execution_pb2.ExecutionUpdateRequest, context: CallContext
    ) -> execution_pb2.ExecutionUpdateResponse:
        """Archives an execution, or takes it back among the active ones."""
        try:
            return await super().update_execution(request, context)
        except NoSuchExecution:
            await self._past(request.id, context)
        await self.archive.put(request.id, request.state)
        return execution_pb2.ExecutionUpdateResponse()

    # -- lists --------------------------------------------------------------------------------------------------------

    async def list_executions(
        self, request: common_pb2.ResourceListRequest, context: CallContext
    ) -> execution_pb2.ExecutionList:
        """The executions of a project and domain: runs and records in one order. Tokens say how many of each were told."""
        project, domain = request.id.project, request.id.domain
        known = await self._history.executions(project, domain) if project and domain else {}
        if not known:
            return await super().list_executions(request, context)
        told_runs, told_records = _read_token(request.token)
        own = type(request)()
        own.CopyFrom(request)
        own.token = str(told_runs or "")
        runs = await super().list_executions(own, context)  # checks the request, too
        conditions, order, _ = self.wanted(own)
        records = await self._listed(known.values())
        try:
            records = [row for row in records if all(holds(one, row) for one in conditions)]
            records = filters.sort(records, order or _CREATED, columns.column(columns.EXECUTION))[told_records:]
        except filters.BadFilter as error:
            raise InvalidRequest(str(error)) from None
        rows = [*runs.executions, *records[: request.limit]]
        page = filters.sort(rows, order or _CREATED, columns.column(columns.EXECUTION))[: request.limit]
        of_records = sum(past_execution.IMPORTED_FROM in row.spec.annotations.values for row in page)
        of_runs = len(page) - of_records
        is_last = not runs.token and of_runs == len(runs.executions) and of_records == len(records)
        token = "" if is_last else f"{told_runs + of_runs}+{told_records + of_records}"
        return execution_pb2.ExecutionList(executions=page, token=token)

    async def _listed(self, known: Iterable[execution_pb2.Execution]) -> list[execution_pb2.Execution]:
        rows = []
        for message in known:
            row = execution_pb2.Execution()
            row.CopyFrom(message)
            if row.closure.HasField("error"):
                row.closure.error.message = trimmed(row.closure.error.message)
            rows.append(row)
        await self.archive.mark(rows)
        return rows

    # -- nodes --------------------------------------------------------------------------------------------------------

    async def get_node_execution(
        self, request: node_execution_pb2.NodeExecutionGetRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecution:
        """One node, its error whole."""
        try:
            return await super().get_node_execution(request, context)
        except NotFound as error:
            return (await self._past_node(request.id, error, context)).message

    async def list_node_executions(
        self, request: node_execution_pb2.NodeExecutionListRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecutionList:
        """The nodes at the top of an execution, or below one of its nodes."""
        try:
            answer = await super().list_node_executions(request, context)
        except NotFound:
            past = await self._past_or_none(request.workflow_execution_id, context)
            if past is None or request.unique_parent_id not in past.nodes:
                raise
        else:
            past = None
            if not answer.node_executions and not request.token:
                past = await self._past_or_none(request.workflow_execution_id, context)
            if past is None:
                return answer
        inside = [node.message for node in past.nodes.values() if node.parent == request.unique_parent_id]
        page, token = _page(request, inside, {filters.NODE_EXECUTION: columns.NODE})
        return node_execution_pb2.NodeExecutionList(node_executions=page, token=token)

    async def get_node_execution_data(
        self, request: node_execution_pb2.NodeExecutionGetDataRequest, context: CallContext
    ) -> node_execution_pb2.NodeExecutionGetDataResponse:
        """A node's inputs and outputs, and the workflow that a dynamic one ran."""
        try:
            return await super().get_node_execution_data(request, context)
        except NotFound as error:
            data = (await self._past_node(request.id, error, context)).data
        response = node_execution_pb2.NodeExecutionGetDataResponse(flyte_urls=data.flyte_urls)
        await blob(response, "inputs", data.full_inputs, "", self.reader, context)
        await blob(response, "outputs", data.full_outputs, "", self.reader, context)
        if data.HasField("dynamic_workflow"):
            response.dynamic_workflow.CopyFrom(data.dynamic_workflow)
        return response

    async def get_dynamic_node_workflow(
        self, request: node_execution_pb2.GetDynamicNodeWorkflowRequest, context: CallContext
    ) -> node_execution_pb2.DynamicNodeWorkflowResponse:
        """The workflow that a dynamic node ran."""
        try:
            return await super().get_dynamic_node_workflow(request, context)
        except NotFound as error:
            data = (await self._past_node(request.id, error, context)).data
            if not data.HasField("dynamic_workflow"):
                raise
        return node_execution_pb2.DynamicNodeWorkflowResponse(compiled_workflow=data.dynamic_workflow.compiled_workflow)

    async def create_download_link(
        self, request: dataproxy_pb2.CreateDownloadLinkRequest, context: CallContext
    ) -> dataproxy_pb2.CreateDownloadLinkResponse:
        """A signed URL of a node's deck.

        Raises:
            NotFound: It is a record's: its deck is in the store of the control plane where it ran.
        """
        try:
            return await super().create_download_link(request, context)
        except InvalidRequest:
            past = await self._past_or_none(request.node_execution_id.execution_id, context)
            node = past.nodes.get(request.node_execution_id.node_id) if past is not None else None
            if node is None:
                raise
            place = node.message.closure.deck_uri or "nowhere"
        raise NotFound(f"execution {request.node_execution_id.execution_id.name} is a record; its deck is at {place}")

    # -- tasks --------------------------------------------------------------------------------------------------------

    async def list_task_executions(
        self, request: task_execution_pb2.TaskExecutionListRequest, context: CallContext
    ) -> task_execution_pb2.TaskExecutionList:
        """What ran for a node, an attempt each."""
        answer = await super().list_task_executions(request, context)
        if answer.task_executions or request.token:
            return answer
        past = await self._past_or_none(request.node_execution_id.execution_id, context)
        node = past.nodes.get(request.node_execution_id.node_id) if past is not None else None
        if node is None:
            return answer
        tables = {filters.TASK_EXECUTION: columns.TASK, filters.TASK: columns.TASK}
        page, token = _page(request, node.attempts, tables)
        return task_execution_pb2.TaskExecutionList(task_executions=page, token=token)

    async def get_task_execution(
        self, request: task_execution_pb2.TaskExecutionGetRequest, context: CallContext
    ) -> task_execution_pb2.TaskExecution:
        """One attempt."""
        try:
            return await super().get_task_execution(request, context)
        except NotFound as error:
            return (await self._past_attempt(request.id, error, context))[1]

    async def attempt_data(
        self, request: task_execution_pb2.TaskExecutionGetDataRequest, context: CallContext
    ) -> task_execution_pb2.TaskExecutionGetDataResponse:
        """What an attempt got, and what it gave if it succeeded."""
        try:
            return await super().attempt_data(request, context)
        except NotFound as error:
            node, attempt = await self._past_attempt(request.id, error, context)
        response = task_execution_pb2.TaskExecutionGetDataResponse()
        outputs = node.data.full_outputs if attempt.closure.phase == Task.SUCCEEDED else literals_pb2.LiteralMap()
        await blob(response, "inputs", node.data.full_inputs, "", self.reader, context)
        await blob(response, "outputs", outputs, "", self.reader, context)
        return response

    # -- starting -----------------------------------------------------------------------------------------------------

    async def _check(self, request: execution_pb2.ExecutionCreateRequest) -> None:
        await super()._check(request)
        if request.name and request.name in await self._history.executions(request.project, request.domain):
            raise AlreadyExists(
                f"an execution {request.name} ran before it was imported, and is kept as a record: give another name"
            )

    async def _again(
        self,
        request: execution_pb2.ExecutionRelaunchRequest | execution_pb2.ExecutionRecoverRequest,
        context: CallContext,
        metadata: execution_pb2.ExecutionMetadata,
    ) -> execution_pb2.ExecutionCreateRequest:
        try:
            return await super()._again(request, context, metadata)
        except NoSuchExecution:
            past = await self._past(request.id, context)
        again = execution_pb2.ExecutionCreateRequest(
            project=request.id.project, domain=request.id.domain, name=request.name
        )
        again.spec.CopyFrom(past.message.spec)
        again.spec.annotations.values.pop(past_execution.IMPORTED_FROM, None)
        again.spec.ClearField("inputs")
        for name in ("system_metadata", "parent_node_execution", "scheduled_at", "principal"):
            again.spec.metadata.ClearField(name)  # of where it ran
        metadata.reference_execution.CopyFrom(request.id)
        again.spec.metadata.MergeFrom(metadata)
        again.inputs.CopyFrom(past.data.full_inputs)
        if again.spec.launch_plan.resource_type != identifier_pb2.TASK:
            plan = await self.core.registry.get_launch_plan(again.spec.launch_plan)
            for name in plan.spec.fixed_inputs.literals:  # what is fixed nobody may give, be it the same
                again.inputs.literals.pop(name, None)
        return again

    # -- records ------------------------------------------------------------------------------------------------------

    async def _past(self, identity: identifier_pb2.WorkflowExecutionIdentifier, context: CallContext) -> PastExecution:
        """The record of an execution of which there is no run.

        Raises:
            NoSuchExecution: There is none.
        """
        past = await self._past_or_none(identity, context)
        if past is None:
            raise not_found(identity) from None
        return past

    async def _past_or_none(
        self, identity: identifier_pb2.WorkflowExecutionIdentifier, context: CallContext
    ) -> PastExecution | None:
        key = (caller(context), identity.SerializeToString(deterministic=True))
        past = self._records.get(key)
        if past is None and identity.project and identity.domain and identity.name:
            past = await self._history.find(identity)
            if past is not None:
                self._records.put(key, past, past.message.ByteSize() + sum(map(_size, past.nodes.values())))
        return past

    async def _past_node(
        self, identity: identifier_pb2.NodeExecutionIdentifier, error: NotFound, context: CallContext
    ) -> PastNode:
        """The record of a node of which nothing else is known.

        Raises:
            NotFound: There is none: what was said of it stands.
        """
        past = await self._past_or_none(identity.execution_id, context)
        node = past.nodes.get(identity.node_id) if past is not None else None
        if node is None:
            raise error
        return node

    async def _past_attempt(
        self, identity: identifier_pb2.TaskExecutionIdentifier, error: NotFound, context: CallContext
    ) -> tuple[PastNode, task_execution_pb2.TaskExecution]:
        past = await self._past_or_none(identity.node_execution_id.execution_id, context)
        node = past.nodes.get(identity.node_execution_id.node_id) if past is not None else None
        if node is not None:
            for attempt in node.attempts:
                if attempt.id.retry_attempt == identity.retry_attempt:
                    return node, attempt
        raise error


def _size(node: PastNode) -> int:
    return node.message.ByteSize() + node.data.ByteSize() + sum(attempt.ByteSize() for attempt in node.attempts)


def _page(
    request: Any, rows: Iterable[Any], tables: Mapping[str, Mapping[str, Callable[[Any], Any]]]
) -> tuple[list[Any], str]:
    """The rows of a list that a request asks for, and the token of those that follow; its filters are checked already."""
    entity, own = next(iter(tables.items()))
    start = validation.page(request, "")
    try:
        kept = columns.matching(rows, validation.conditions(request.filters, entity), tables)
        chosen = filters.sort(kept, validation.order(request, entity), columns.column(own))
    except filters.BadFilter as error:
        raise InvalidRequest(str(error)) from None
    page = chosen[start : start + request.limit]
    return page, filters.next_token(start, len(page), request.limit)


def _read_token(token: str) -> tuple[int, int]:
    """How many runs and how many records were told; a token of before there were records tells of runs alone."""
    runs, _, records = token.partition("+")
    if not (token or "0").replace("+", "", 1).isdigit():
        raise InvalidRequest(f"invalid pagination token {token} for ListExecutions")
    return int(runs or 0), int(records or 0)
