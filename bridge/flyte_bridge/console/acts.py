"""What the console does: to executions of Flyte 1 by the façade, to runs of Flyte 2 by its own services."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyteidl.admin import common_pb2 as admin_common_pb2
from flyteidl.admin import execution_pb2, launch_plan_pb2, signal_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl2.common import run_pb2 as common_run_pb2
from flyteidl2.core import types_pb2
from flyteidl2.task import common_pb2, run_pb2, task_definition_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.admin.context import CallContext
from flyte_bridge.backend.forms import value
from flyte_bridge.backend.keys import ActionKey, RunKey, TaskKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.console import fields
from flyte_bridge.console.run_page import flyte1_name
from flyte_bridge.console.source import action_id, run_id, task_id, trigger_name
from flyte_bridge.errors import AlreadyExists, FailedPrecondition, InvalidRequest, NotFound
from flyte_bridge_translators.wire import envelope, identifier, literal
from flyte_bridge_translators.wire.execution_settings import same

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from flyte_bridge.backend.keys import TriggerKey
    from flyte_bridge.console.source import PageSource

_ADMIN = "/flyteidl.service.AdminService/"
_SIGNALS = "/flyteidl.service.SignalService/"

_KINDS = {
    f"{identifier.TASK}.": identifier_pb2.TASK,
    f"{identifier.LAUNCH_PLAN}.": identifier_pb2.LAUNCH_PLAN,
}
"""How the names of deployed tasks begin that Flyte 1 can launch."""


@dataclass(frozen=True)
class Acts:
    """Everything that a button can do. Whatever is refused raises a `StatusError`."""

    source: PageSource

    # -- runs ---------------------------------------------------------------------------------------------------------

    async def abort(self, key: RunKey, reason: str) -> None:
        """Ends a run and all that it runs."""
        run = await self.source.run(key)
        if Phase(run.action.status.phase).terminal:  # the Go backend would take it for aborted from now on
            word = Phase(run.action.status.phase).name.lower().replace("_", " ")
            raise FailedPrecondition(f"Run {key.name} has ended already: {word}. Nothing was done.")
        if _is_flyte1(run.action):
            where = _execution_id(run)
            await self._call(
                _ADMIN, "TerminateExecution", execution_pb2.ExecutionTerminateRequest(id=where, cause=reason)
            )
        else:
            await self.source.backend.abort_run(run_id=run_id(key), reason=reason)

    async def recover(self, key: RunKey) -> RunKey:
        """Starts a run once more that takes over what succeeded. Whoever asks for the same gets the same run."""
        run = await self.source.run(key)
        if not Phase(run.action.status.phase).terminal:
            raise FailedPrecondition(f"Run {key.name} has not ended: there is nothing to recover yet.")
        name = "r" + hashlib.sha256(f"recover {key}".encode()).hexdigest()[:19]
        if _is_flyte1(run.action):
            request = execution_pb2.ExecutionRecoverRequest(id=_execution_id(run), name=name)
            return await self._started(key, name, self._call(_ADMIN, "RecoverExecution", request))
        spec = run_pb2.RunSpec()
        spec.CopyFrom(run.run_spec)
        spec.relation.relation_type = common_run_pb2.RELATION_TYPE_RECOVER
        spec.relation.related_to.CopyFrom(run_id(key))
        spec.recover.SetInParent()
        inputs, _ = await self.source.data(run.action)
        return await self._started(key, name, self._run_again(run, name, inputs, spec))

    async def relaunch_form(self, key: RunKey) -> dict[str, Any]:
        """The form to start a run once more, with the inputs it had."""
        run = await self.source.run(key)
        inputs, _ = await self.source.data(run.action)
        spec = run.action.task
        if _is_flyte1(run.action):
            request = execution_pb2.WorkflowExecutionGetRequest(id=_execution_id(run))
            launched = (await self._call(_ADMIN, "GetExecution", request)).spec.launch_plan
            spec = await self._expected(launched, spec)
        return fields.schema_of(spec, inputs.literals)

    async def relaunch(self, key: RunKey, name: str, inputs: common_pb2.Inputs) -> RunKey:
        """Starts a run once more, with inputs of its own."""
        run = await self.source.run(key)
        if not _is_flyte1(run.action):
            return await self._started(key, name, self._run_again(run, name, inputs, run.run_spec))
        where = _execution_id(run)
        told = await self._call(_ADMIN, "GetExecution", execution_pb2.WorkflowExecutionGetRequest(id=where))
        request = execution_pb2.ExecutionCreateRequest(
            project=key.project, domain=key.domain, name=name, spec=told.spec, inputs=literal.from_named(inputs)
        )
        request.spec.metadata.Clear()
        request.spec.metadata.mode = execution_pb2.ExecutionMetadata.RELAUNCH
        request.spec.metadata.reference_execution.CopyFrom(where)
        request.spec.ClearField("inputs")
        return await self._started(key, name, self._call(_ADMIN, "CreateExecution", request))

    async def signal(self, key: ActionKey, text: str) -> None:
        """Answers a gate or condition."""
        try:
            gate = await self.source.backend.get_action(action_id=action_id(key))
        except NotFound:
            raise NotFound(f"There is no action {key}.") from None
        if not gate.HasField("condition"):
            raise InvalidRequest(f"Action {key} waits for no answer.")
        run = await self.source.run(key.run_key)
        condition = gate.condition
        if not _is_flyte1(run.action):
            told = _plain(condition.type, text)
            parent = gate.metadata.parent or key.sibling("a0").name
            await self.source.backend.signal_event(action_id=action_id(key), value=told, parent=parent)
            return
        where = _execution_id(run)
        listed = await self._call(
            _SIGNALS, "ListSignals", signal_pb2.SignalListRequest(workflow_execution_id=where, limit=1000)
        )
        wanted = next((signal for signal in listed.signals if signal.id.signal_id == condition.name), None)
        if wanted is None:
            raise NotFound(f"Execution {where.name} has no signal {condition.name!r}.")
        kind = same(wanted.type, types_pb2.LiteralType)
        answer = same(value.to_literal(_json(kind, text), kind, condition.name), literals_pb2.Literal)
        await self._call(_SIGNALS, "SetSignal", signal_pb2.SignalSetRequest(id=wanted.id, value=answer))

    # -- tasks, launch plans, triggers --------------------------------------------------------------------------------

    async def launch_form(self, key: TaskKey) -> dict[str, Any]:
        """The form to launch a task or launch plan, its defaults filled in."""
        spec = (await self.source.task(key)).spec
        kind, name = flyte1_kind(key.name)
        if kind is not None:
            spec = await self._expected(_entity_id(key, spec, kind, name), spec)
        return fields.schema_of(spec)

    async def _expected(
        self, launched: identifier_pb2.Identifier, spec: task_definition_pb2.TaskSpec
    ) -> task_definition_pb2.TaskSpec:
        """The interface that a launch plan has to its callers; a task's own is in its spec."""
        if launched.resource_type != identifier_pb2.LAUNCH_PLAN:
            return spec
        plan = await self._call(_ADMIN, "GetLaunchPlan", admin_common_pb2.ObjectGetRequest(id=launched))
        told = task_definition_pb2.TaskSpec()
        for name, parameter in sorted(plan.closure.expected_inputs.parameters.items()):
            entry = told.task_template.interface.inputs.variables.add(key=name)
            entry.value.MergeFromString(parameter.var.SerializeToString())
            if parameter.WhichOneof("behavior") == "default":
                default = told.default_inputs.add(name=name).parameter.default
                default.MergeFromString(parameter.default.SerializeToString())
        return told

    async def launch(self, task: TaskKey, name: str, inputs: common_pb2.Inputs) -> RunKey:
        """Launches a task or launch plan."""
        key = RunKey(task.project, task.domain, name)
        kind, plan = flyte1_kind(task.name)
        if kind is not None:
            spec = (await self.source.task(task)).spec
            request = execution_pb2.ExecutionCreateRequest(
                project=key.project, domain=key.domain, name=name, inputs=literal.from_named(inputs)
            )
            request.spec.launch_plan.CopyFrom(_entity_id(task, spec, kind, plan))
            return await self._started(key, name, self._call(_ADMIN, "CreateExecution", request))
        begun = self.source.backend.create_run(
            run_id=run_id(key), task_id=task_id(task), inputs=inputs, source=run_definition_pb2.RUN_SOURCE_WEB
        )
        return await self._started(key, name, begun)

    async def set_launch_plan(self, task: TaskKey, active: bool) -> None:
        """Activates a launch plan's version, or deactivates it."""
        kind, name = flyte1_kind(task.name)
        if kind != identifier_pb2.LAUNCH_PLAN:
            raise InvalidRequest(f"{task.name} is no launch plan.")
        spec = (await self.source.task(task)).spec
        state = launch_plan_pb2.ACTIVE if active else launch_plan_pb2.INACTIVE
        request = launch_plan_pb2.LaunchPlanUpdateRequest(id=_entity_id(task, spec, kind, name), state=state)
        await self._call(_ADMIN, "UpdateLaunchPlan", request)

    async def set_trigger(self, key: TriggerKey, active: bool) -> None:
        """Activates a trigger, or deactivates it."""
        try:
            await self.source.backend.get_trigger(
                name=trigger_name(key)
            )  # the Go backend passes over what is not there
        except NotFound:
            raise NotFound(f"There is no trigger {key}.") from None
        await self.source.backend.update_triggers(names=[trigger_name(key)], active=active)

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _call(self, service: str, method: str, request: Message) -> Any:
        context = CallContext(service + method, self.source.context.metadata)
        return await self.source.facade.call(service + method, request, context)

    async def _run_again(
        self, run: run_definition_pb2.RunDetails, name: str, inputs: common_pb2.Inputs, spec: run_pb2.RunSpec
    ) -> None:
        key = run.action.id.run
        await self.source.backend.create_run(
            run_id=run_id(RunKey(key.project, key.domain, name)),
            task_spec=run.action.task,
            inputs=inputs,
            run_spec=spec,
            source=run_definition_pb2.RUN_SOURCE_WEB,
        )

    async def _started(self, key: RunKey, name: str, begun: Any) -> RunKey:
        """The run that a form starts. Sent twice, it finds its own run there: names are the forms' own."""
        started = RunKey(key.project, key.domain, name)
        try:
            await self.source.run(started)  # the Go backend would overwrite its inputs
        except NotFound:
            with contextlib.suppress(AlreadyExists):
                await begun
        else:
            begun.close()
        return started


def flyte1_kind(name: str) -> tuple[identifier_pb2.ResourceType | None, str]:
    """What a deployed task is to Flyte 1, and its name there; None for what Flyte 1 cannot launch or does not know."""
    for prefix, kind in _KINDS.items():
        if name.startswith(prefix):
            return kind, name.removeprefix(prefix)
    return None, name


def _is_flyte1(root: run_definition_pb2.ActionDetails) -> bool:
    return root.task.task_template.type == envelope.TASK_TYPE or flyte1_kind(root.metadata.task.id.name)[0] is not None


def _execution_id(run: run_definition_pb2.RunDetails) -> identifier_pb2.WorkflowExecutionIdentifier:
    key = run.action.id.run
    return identifier_pb2.WorkflowExecutionIdentifier(project=key.project, domain=key.domain, name=flyte1_name(run))


def _entity_id(
    key: TaskKey, spec: task_definition_pb2.TaskSpec, kind: identifier_pb2.ResourceType, name: str
) -> identifier_pb2.Identifier:
    version = spec.task_template.id.version or key.version  # a long one is deployed under a shorter one
    return identifier_pb2.Identifier(
        resource_type=kind, project=key.project, domain=key.domain, name=name, version=version
    )


def _json(kind: types_pb2.LiteralType, text: str) -> Any:
    return fields.parse("value", "text" if kind.simple == types_pb2.STRING else "value", text)


def _plain(kind: types_pb2.LiteralType, text: str) -> bool | float | str:
    told = value.to_literal(_json(kind, text), kind, "value").scalar.primitive
    found: bool | float | str = getattr(told, told.WhichOneof("value") or "string_value")
    return found
