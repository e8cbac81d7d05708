"""Runs read as executions: the run, what it was asked to be, its compiled workflow, its nodes, their data.

One poll of flytekit's `sync(sync_nodes=True)` asks four questions per node. So that each costs next to nothing, the
actions of a run are listed once and kept for `FRESH` seconds; what has ended is kept for good (within bounds).
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flyteidl.core import literals_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2

from flyte_bridge.admin.caches import Pending, Recent, caller
from flyte_bridge.admin.decks import Decks
from flyte_bridge.admin.error_codes import ErrorCodes
from flyte_bridge.admin.snapshots import ExecutionPlan, NoSuchExecution, RunView, Snapshot
from flyte_bridge.admin.values import NodeData
from flyte_bridge.backend.query import pages, query
from flyte_bridge.errors import BridgeError, FailedPrecondition, InternalError, NotFound
from flyte_bridge.registry.deployed import ORG, together
from flyte_bridge.registry.documents import unpacked as unpacked_envelope
from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.wire import (
    dynamic_closure,
    envelope,
    execution,
    foreign,
    identifier,
    literal,
    node_execution,
    node_record,
    node_tree,
    single_task,
)
from flyte_bridge_translators.wire.phase import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl.core import identifier_pb2
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core
    from flyte_bridge_translators.flyte1.closure import Closure
    from flyte_bridge_translators.wire import node_view

FRESH = 0.5
"""Seconds for which the actions of a run that goes on are not listed again, but for a list of its nodes."""

_SIGNED_FOR = timedelta(hours=1)

_NODES = 200_000
"""Nodes of executions that are remembered, at about a kilobyte each."""

_MESSAGES = 64 * 1024 * 1024
"""Bytes of messages that are remembered."""


class ExecutionReader:
    """Reads executions for all parts of the façade.

    Attributes:
        backend: The Flyte 2 behind us.
        registry: Flyte 1's entities.
    """

    def __init__(self, core: Core) -> None:
        """Nothing is read yet.

        Args:
            core: What the parts share.
        """
        self.backend = core.backend
        self.registry = core.registry
        self._storage = core.storage
        self._error_codes = ErrorCodes(core)
        self._decks = Decks(core)
        self._runs: Recent[Any, RunView] = Recent(_MESSAGES)
        self._asked: Pending[Any, RunView] = Pending()
        self._snapshots: Recent[Any, Snapshot] = Recent(_NODES)
        self._details: Recent[Any, run_definition_pb2.ActionDetails] = Recent(_MESSAGES)
        self._data: Recent[Any, NodeData] = Recent(_MESSAGES)
        self._uris: Recent[Any, node_execution.Uris] = Recent(_NODES)
        self._plans: Recent[Any, ExecutionPlan] = Recent(_MESSAGES)
        self._closures: Recent[Any, Closure] = Recent(_MESSAGES)

    # -- runs ---------------------------------------------------------------------------------------------------------

    async def run(self, v1_id: identifier_pb2.WorkflowExecutionIdentifier, context: CallContext) -> RunView:
        """An execution's run. One that has ended is asked for once; who asks for one that goes on at the same time shares a call.

        Raises:
            NoSuchExecution: There is no such execution.
        """
        key = self._key(v1_id, context)
        view = self._runs.get(key)
        if view is None:
            view = await self._asked.answer(key, partial(self._run, v1_id))
            if is_final(view):
                self._runs.put(key, view, view.details.ByteSize())
            held = self._snapshots.get(key) if view.ended else None
            if held is not None and not held.final and not held.view.ended:
                self._snapshots.drop(key)  # what was read while it still ran must not outlive it
        if view.settings.name != v1_id.name:
            raise not_found(v1_id)
        return view

    def _key(self, v1_id: identifier_pb2.WorkflowExecutionIdentifier, context: CallContext) -> tuple[str, bytes]:
        return caller(context), identifier.run_of(v1_id, ORG).SerializeToString(deterministic=True)

    async def _run(self, v1_id: identifier_pb2.WorkflowExecutionIdentifier) -> RunView:
        run_id = identifier.run_of(v1_id, ORG)
        try:
            details = await self.backend.get_run(run_id=run_id)
        except NotFound:
            raise not_found(v1_id) from None
        try:
            known = execution.settings(details.run_spec, details.action.id.run)
        except execution.BadExecution as error:
            raise InternalError(f"run {run_id.name!r} of {run_id.project}/{run_id.domain}: {error}") from error
        await self._error_codes.complete(details.action)
        return RunView(details, known)

    async def plan(self, view: RunView) -> ExecutionPlan:
        """What an execution runs.

        Raises:
            InternalError: Its compiled workflow cannot be read.
        """
        template = view.root.task.task_template
        if foreign.is_foreign(view.root, view.settings):
            return ExecutionPlan(foreign.workflow(view.root), foreign.launch_plan(view.root), foreign=True)
        if template.type != envelope.TASK_TYPE:
            return self._plan_of_task(view)
        key = template.custom.SerializeToString(deterministic=True)
        found = self._plans.get(key)
        if found is None:
            names = envelope.documents(template.custom)
            where = template.id
            try:
                texts = await self.registry.documents.get_all(where.project, where.domain, names) if names else {}
                unpacked = await unpacked_envelope(template.custom, texts)
            except envelope.BadEnvelope as error:
                raise InternalError(f"run {view.run_id.name!r}: {error}") from error
            found = ExecutionPlan(unpacked.workflow, unpacked.launch_plan)
            self._plans.put(key, found, found.workflow.ByteSize())
        return found

    def _plan_of_task(self, view: RunView) -> ExecutionPlan:
        template = view.root.task.task_template
        key = (template.SerializeToString(deterministic=True), view.settings.launch_plan.name)
        found = self._plans.get(key)
        if found is None:
            made = single_task.of_template(template)
            found = ExecutionPlan(made.workflow, made.launch_plan, made.node)
            self._plans.put(key, found, found.workflow.ByteSize())
        return found

    # -- nodes --------------------------------------------------------------------------------------------------------

    async def snapshot(
        self,
        v1_id: identifier_pb2.WorkflowExecutionIdentifier,
        context: CallContext,
        *,
        fresh: bool = False,
        actions: Mapping[str, node_view.Action] | None = None,
    ) -> Snapshot:
        """An execution with its nodes.

        Args:
            v1_id: Which.
            context: The call.
            fresh: Not one that was taken before, unless everything in it had ended.
            actions: Its actions by name, for who watches them; else they are listed.

        Raises:
            NotFound: There is no such execution.
        """
        key = self._key(v1_id, context)
        held = self._snapshots.get(key)
        if held is not None and held.view.settings.name == v1_id.name:
            young = time.monotonic() - held.taken < FRESH
            if held.final or (young and not fresh):
                return held
        taken = time.monotonic()
        view = await self.run(v1_id, context)
        snapshot = await self._take(view, await self.plan(view), taken, held, context, actions)
        self._snapshots.put(key, snapshot, len(snapshot.tree.by_uid))
        return snapshot

    def forget(self, v1_id: identifier_pb2.WorkflowExecutionIdentifier, context: CallContext) -> None:
        """An execution was changed: what was read of it before is old."""
        key = self._key(v1_id, context)
        self._snapshots.drop(key)
        self._asked.drop(key)

    async def _take(
        self,
        view: RunView,
        plan: ExecutionPlan,
        taken: float,
        held: Snapshot | None,
        context: CallContext,
        known: Mapping[str, node_view.Action] | None,
    ) -> Snapshot:
        actions = dict(known) if known is not None else await self._listed(view)
        by_name = actions
        if plan.single:
            actions = {identifier.action_name(plan.single): actions[identifier.ROOT]}
        started = execution.started_at(view.root)
        status = view.root.status
        ended = status.end_time.ToNanoseconds() if view.ended and status.HasField("end_time") else 0
        run = node_tree.Run(view.settings.name, status.phase, started, ended)
        closures = dict(held.closures) if held is not None else {}
        if plan.foreign:
            laid = await self._laid(view, by_name, context)
            actions = laid.actions
            closures = {uid: read.closure(message) for uid, message in laid.closures.items()}
        children: dict[str, Any] = {}
        rejected: set[str] = set()
        asked_for: set[str] = set()
        while True:
            tree = node_tree.Tree(
                run,
                plan.closure,
                actions,
                dynamic=closures,
                children=children,
                rejected=rejected,
                outlives=plan.foreign,
            )
            missing = [one for one in tree.awaited_closures() if one.uid not in closures]
            asked = [name for name in tree.awaited_children() if name not in children]
            answered = [(uid, action) for uid, action in tree.approvals() if uid not in asked_for]
            if not missing and not asked and not answered:
                break
            answers = await together(partial(self.details, action.id, context) for _, action in answered)
            asked_for |= {uid for uid, _ in answered}
            rejected |= {uid for (uid, _), answer in zip(answered, answers, strict=True) if _said_no(answer)}
            found = await together(partial(self._closure, view.run_id, one.uid) for one in missing)
            closures.update({one.uid: closure for one, closure in zip(missing, found, strict=True)})
            roots = await together(partial(self._child, view.run_id, name) for name in asked)
            children.update(dict(zip(asked, roots, strict=True)))
        final = view.ended and all(action.status.phase in TERMINAL for action in actions.values())
        return Snapshot(view, plan, tree, actions, taken, final, closures)

    async def _listed(self, view: RunView) -> dict[str, node_view.Action]:
        rows = pages(self.backend.list_actions, lambda page: page.actions, query(sort="created_at"), run_id=view.run_id)
        return {action.id.name: node_record.read(action) async for action in rows}

    async def _laid(self, view: RunView, actions: dict[str, Any], context: CallContext) -> foreign.ActionTree:
        names = [name for name in actions if name != identifier.ROOT]
        found = await together(partial(self.details, actions[name].id, context) for name in names)
        return foreign.layout(view.run_id, actions, dict(zip(names, found, strict=True)))

    async def _closure(self, run: v2_identifier_pb2.RunIdentifier, uid: str) -> Closure:
        action = v2_identifier_pb2.ActionIdentifier(run=run, name=identifier.closure_id(uid))
        key = action.SerializeToString(deterministic=True)
        found = self._closures.get(key)
        if found is None:
            data = await self.backend.get_action_data(action_id=action)
            try:
                message = dynamic_closure.from_outputs(literal.from_named(data.outputs).literals)
            except dynamic_closure.BadClosureRecord as error:
                raise InternalError(f"action {action.name!r} of run {run.name!r}: {error}") from error
            found = read.closure(message)
            self._closures.put(key, found, message.ByteSize())
        return found

    async def _child(self, parent: v2_identifier_pb2.RunIdentifier, name: str) -> Any:
        """The root of a child run, as lists show it; None if it has not been started."""
        run = v2_identifier_pb2.RunIdentifier(
            org=parent.org, project=parent.project, domain=parent.domain, name=identifier.run_name(name)
        )
        action = v2_identifier_pb2.ActionIdentifier(run=run, name=identifier.ROOT)
        try:
            return await self.backend.get_action(action_id=action)
        except NotFound:
            return None

    # -- one action ---------------------------------------------------------------------------------------------------

    async def details(
        self, action: v2_identifier_pb2.ActionIdentifier, context: CallContext
    ) -> run_definition_pb2.ActionDetails:
        """All there is to know of an action.

        Raises:
            NotFound: There is none.
        """
        key = (caller(context), action.SerializeToString(deterministic=True))
        found = self._details.get(key)
        if found is None:
            found = await self.backend.get_action(action_id=action)
            await self._error_codes.complete(found)
            await self._decks.find(found)
            if found.status.phase in TERMINAL and not _ending(found):
                self._details.put(key, found, found.ByteSize())
        return found

    async def data(
        self, action: v2_identifier_pb2.ActionIdentifier, context: CallContext, *, ended: bool, written: bool
    ) -> NodeData:
        """An action's inputs and outputs; empty where there are none.

        Args:
            action: Which.
            context: The call.
            ended: Whether it has ended, so that what is read can be remembered.
            written: Whether they must be there, if it has any: it has succeeded.

        Raises:
            NotFound: They were there, and are not any more.
        """
        key = (caller(context), action.SerializeToString(deterministic=True))
        found = self._data.get(key)
        if found is None:
            try:
                answer = await self.backend.get_action_data(action_id=action)
            except (NotFound, FailedPrecondition) as error:
                if written and await self._has_values(action, context):
                    raise NotFound(
                        f"the inputs or outputs of action {action.name!r} of run {action.run.name!r} cannot be read: {error}"
                    ) from error
                return NodeData(literals_pb2.LiteralMap(), literals_pb2.LiteralMap())
            found = NodeData(
                literal.from_named(answer.inputs),
                literal.from_named(answer.outputs),
                answer.inputs_uri,
                answer.outputs_uri,
            )
            if ended:
                self._data.put(key, found, found.inputs.ByteSize() + found.outputs.ByteSize())
        return found

    async def uris(
        self, action: v2_identifier_pb2.ActionIdentifier, context: CallContext, *, ended: bool
    ) -> node_execution.Uris:
        """Where an action's inputs and outputs lie; empty where nobody says.

        Args:
            action: Which.
            context: The call.
            ended: Whether it has ended, so that what is told can be remembered.
        """
        key = (caller(context), action.SerializeToString(deterministic=True))
        uris = self._uris.get(key)
        if uris is None:
            try:
                told = await self.backend.get_action_data_uris(action_id=action)
            except (NotFound, FailedPrecondition):
                return node_execution.NOWHERE
            uris = node_execution.Uris(told.inputs_uri, told.outputs_uri)
            if ended:
                self._uris.put(key, uris)
        return uris

    async def _has_values(self, action: v2_identifier_pb2.ActionIdentifier, context: CallContext) -> bool:
        """Whether an action's task declares inputs or outputs."""
        interface = (await self.details(action, context)).task.task_template.interface
        return bool(interface.inputs.variables or interface.outputs.variables)

    async def execution_data(self, view: RunView, plan: ExecutionPlan, context: CallContext) -> NodeData:
        """An execution's inputs, those that its launch plan fixes included, and outputs."""
        found = await self.data(view.root.id, context, ended=view.ended, written=view.succeeded)
        fixed = plan.launch_plan.spec.fixed_inputs.literals if plan.launch_plan is not None else {}
        if not any(name not in found.inputs.literals for name in fixed):
            return found
        inputs = literals_pb2.LiteralMap()
        inputs.CopyFrom(found.inputs)
        for name, value in fixed.items():
            inputs.literals[name].CopyFrom(value)
        return found._replace(inputs=inputs)

    async def object(self, uri: str) -> bytes:
        """An offloaded literal's bytes.

        Raises:
            NotFound: There is no such object, or the bridge has no access to the storage.
        """
        try:
            return bytes(await self._storage.read(uri))
        except BridgeError as error:
            raise NotFound(f"{uri} cannot be read: {error}") from error

    async def sign(self, uri: str, life: timedelta) -> str:
        """A URL to fetch an object from.

        Raises:
            Unimplemented: The object store signs no URLs, or the bridge has no access to it.
        """
        return str(await self._storage.sign(uri, life))

    async def signed(self, uri: str) -> str:
        """A URL to fetch an object from; empty where none can be signed."""
        try:
            return str(await self._storage.sign(uri, _SIGNED_FOR))
        except BridgeError:
            return ""


def _said_no(gate: run_definition_pb2.ActionDetails) -> bool:
    answer = gate.signal_info.output.scalar.primitive
    return answer.WhichOneof("value") == "boolean" and not answer.boolean


def is_final(view: RunView) -> bool:
    """Whether nothing of a run's root can change any more; one that was aborted may still be ending."""
    return view.ended and not _ending(view.root)


def _ending(action: run_definition_pb2.ActionDetails) -> bool:
    return bool(action.attempts) and action.attempts[-1].phase not in TERMINAL


def not_found(v1_id: identifier_pb2.WorkflowExecutionIdentifier) -> NoSuchExecution:
    """The refusal of an execution that is not there, in flyteadmin's words."""
    return NoSuchExecution(
        f'missing entity of type execution with identifier project:"{v1_id.project}" domain:"{v1_id.domain}" '
        f'name:"{v1_id.name}"'
    )
