"""SignalService: the gates of an execution that were reached, and their answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from flyteidl.admin import signal_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.admin import columns, validation
from flyte_bridge.admin.nodes import NodeCalls
from flyte_bridge.admin.snapshots import NoSuchExecution
from flyte_bridge.errors import FailedPrecondition, InvalidRequest, NotFound
from flyte_bridge.registry.deployed import together
from flyte_bridge_translators.flyte1.nodes import Awaited, GateNode
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire import literal, signal
from flyte_bridge_translators.wire.castable import castable
from flyte_bridge_translators.wire.compiler.problems import text
from flyte_bridge_translators.wire.phase import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyteidl.core import literals_pb2, types_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.snapshots import Snapshot
    from flyte_bridge_translators.wire.node_view import Action, View


class SignalCalls(NodeCalls):
    """Signals. They come to be when their gate is reached, as in Flyte 1."""

    async def list_signals(self, request: signal_pb2.SignalListRequest, context: CallContext) -> signal_pb2.SignalList:
        """The signals of an execution, answered ones with their values."""
        execution = request.workflow_execution_id
        if not (execution.project and execution.domain and execution.name):
            raise validation.missing("execution_id")
        conditions, order, start = validation.query(request, filters.SIGNAL, "ListSignals")
        try:
            snapshot = await self.reader.snapshot(execution, context, fresh=True)
        except NoSuchExecution:
            return signal_pb2.SignalList()
        rows = await together(partial(self._signal, snapshot, gate, context) for gate in _gates(snapshot))
        try:
            rows = columns.matching(rows, conditions, {filters.SIGNAL: columns.SIGNAL})
            rows = filters.sort(rows, order, columns.column(columns.SIGNAL))
        except filters.BadFilter as error:
            raise InvalidRequest(str(error)) from None
        chosen = rows[start : start + request.limit]
        return signal_pb2.SignalList(signals=chosen, token=filters.next_token(start, len(chosen), request.limit))

    async def get_or_create_signal(
        self, request: signal_pb2.SignalGetOrCreateRequest, context: CallContext
    ) -> signal_pb2.Signal:
        """A signal that is there. Making one is the engine's, which does so when it reaches the gate.

        Raises:
            FailedPrecondition: No gate of the signal was reached yet.
        """
        asked = _complete(request)
        if not request.HasField("type"):
            raise validation.missing("type")
        snapshot, gates = await self._reached(asked, context)
        if snapshot is None or not gates:
            raise FailedPrecondition(
                f"no gate of signal {asked.signal_id!r} of {asked.execution_id.name} was reached yet; it comes to be when one "
                "is: ask ListSignals again"
            )
        return await self._signal(snapshot, gates[0], context)

    async def set_signal(
        self, request: signal_pb2.SignalSetRequest, context: CallContext
    ) -> signal_pb2.SignalSetResponse:
        """Answers every gate that waits for the signal.

        Raises:
            InvalidRequest: No gate of the signal was reached yet, or the value is of another type.
            FailedPrecondition: It was answered otherwise before.
        """
        asked_for = _complete(request)
        if not request.HasField("value"):
            raise validation.missing("value")
        snapshot, reached = await self._reached(asked_for, context)
        if snapshot is None or not reached:
            scope = asked_for.execution_id
            asked = f"{{{{{scope.project} {scope.domain} {scope.name}}} {request.id.signal_id}}}"
            raise InvalidRequest(f"failed to validate that signal [{asked}] exists, err: [signal does not exist]")
        _check(request.value, reached[0].node.type)
        for gate in [gate for gate in reached if not gate.ended] or reached:
            await self._answer(snapshot, gate, request.value)
        self.reader.forget(request.id.execution_id, context)
        return signal_pb2.SignalSetResponse()

    async def _reached(
        self, asked: identifier_pb2.SignalIdentifier, context: CallContext
    ) -> tuple[Snapshot | None, list[OpenGate]]:
        """An execution, and the gates of a signal that it has reached; nothing of one that is not there."""
        try:
            snapshot = await self.reader.snapshot(asked.execution_id, context, fresh=True)
        except NoSuchExecution:
            return None, []
        return snapshot, [gate for gate in _gates(snapshot) if gate.node.signal == asked.signal_id]

    async def _answer(self, snapshot: Snapshot, gate: OpenGate, value: literals_pb2.Literal) -> None:
        told = signal.payload(value, gate.node.type)
        which = told.WhichOneof("value")
        if which is None:
            raise NotFound("entry not found")
        try:
            await self.reader.backend.signal_event(action_id=gate.action.id, value=getattr(told, which))
        except FailedPrecondition as error:
            raise FailedPrecondition(
                f"signal {gate.node.signal!r} of {snapshot.execution_id.name} is answered already, or its gate has ended: {error}"
            ) from error

    async def _signal(self, snapshot: Snapshot, gate: OpenGate, context: CallContext) -> signal_pb2.Signal:
        signal_id, wanted = gate.node.signal, gate.node.type
        found = signal_pb2.Signal(
            id=identifier_pb2.SignalIdentifier(signal_id=signal_id, execution_id=snapshot.execution_id), type=wanted
        )
        details = await self._details(snapshot, gate.view, context)
        if details is not None and details.HasField("signal_info"):
            try:
                found.value.CopyFrom(signal.received(details.signal_info.output, wanted))
            except ValueError:  # somebody answered with Flyte 2's own tools: the value as they gave it
                found.value.ParseFromString(details.signal_info.output.SerializeToString())
        return found


def _complete(
    request: signal_pb2.SignalGetOrCreateRequest | signal_pb2.SignalSetRequest,
) -> identifier_pb2.SignalIdentifier:
    """A request's signal: it is there, and complete."""
    if not request.HasField("id"):
        raise validation.missing("id")
    if not request.id.HasField("execution_id"):
        raise validation.missing("execution_id")
    validation.given(request.id.signal_id, "signal_id")
    validation.execution(request.id.execution_id)
    return request.id


class OpenGate(NamedTuple):
    """A gate that was reached, and the action that waits there."""

    view: View
    node: GateNode
    action: Action

    @property
    def ended(self) -> bool:
        """Whether nobody waits there any more."""
        return self.action.status.phase in TERMINAL


def _gates(snapshot: Snapshot) -> Iterator[OpenGate]:
    """The gates that wait for somebody, or have; one per signal, of several that share it the first that waits."""
    seen: dict[str, OpenGate] = {}
    for view in snapshot.tree.by_uid.values():
        node = view.node
        if isinstance(node, GateNode) and view.action is not None and node.awaited is not Awaited.TIME:
            known = seen.get(node.signal)
            if known is None or known.ended:
                seen[node.signal] = OpenGate(view, node, view.action)
    yield from seen.values()


def _check(value: literals_pb2.Literal, wanted: types_pb2.LiteralType) -> None:
    """The value is of the signal's type, as flyteadmin's compiler understands that.

    flyteadmin asks only whether the signal's type casts to the value's, so that it can never be told an optional value,
    another union, or an empty list or map. Those are told from the value's type casting to the signal's.

    Raises:
        InvalidRequest: It is not.
    """
    given = literal.type_of(value)
    if given is None:
        raise InvalidRequest("Failed to validate literal type for [] with err: the value's type cannot be told")
    if not (castable(wanted, given) or castable(given, wanted)):
        raise InvalidRequest(
            f"requested signal value [{text(value)}] is not castable to existing signal type [{text(wanted)}]"
        )
