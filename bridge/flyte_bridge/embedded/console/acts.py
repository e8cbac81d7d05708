"""What the console does: to executions of Flyte 1 by the façade, to runs of Flyte 2 by the backend's services."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyteidl.admin import common_pb2 as admin_common_pb2
from flyteidl.admin import execution_pb2, launch_plan_pb2, signal_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.common import run_pb2 as common_run_pb2
from flyteidl2.core import types_pb2
from flyteidl2.task import common_pb2, run_pb2, task_definition_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.admin.context import CallContext
from flyte_bridge.embedded.console import fields
from flyte_bridge.embedded.faults import AlreadyExists, InvalidRequest, NotFound
from flyte_bridge.embedded.forms import value
from flyte_bridge.embedded.model import ActionKey, RunKey
from flyte_bridge_translators.wire import envelope, execution, identifier, literal
from flyte_bridge_translators.wire.execution_settings import same

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from flyte_bridge.embedded.console.source import PageSource
    from flyte_bridge.embedded.model import ActionRecord, TaskRecord, TriggerKey

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
        root = self._root(key)
        if _is_flyte1(root):
            where = _execution_id(root)
            await self._call(
                _ADMIN, "TerminateExecution", execution_pb2.ExecutionTerminateRequest(id=where, cause=reason)
            )
        else:
            facade = await self.source.facade()
            await facade.backend.abort_run(run_id=_run_id(key), reason=reason)

    async def recover(self, key: RunKey, name: str) -> RunKey:
        """Starts a run once more that takes over what succeeded."""
        root = self._root(key)
        if _is_flyte1(root):
            request = execution_pb2.ExecutionRecoverRequest(id=_execution_id(root), name=name)
            return await self._started(key, name, self._call(_ADMIN, "RecoverExecution", request))
        spec = run_pb2.RunSpec.FromString(root.run_spec)
        spec.relation.relation_type = common_run_pb2.RELATION_TYPE_RECOVER
        spec.relation.related_to.CopyFrom(_run_id(key))
        spec.recover.SetInParent()
        inputs, _ = await self.source.data(root)
        return await self._started(key, name, self._run_again(root, name, inputs, spec))

    async def relaunch_form(self, key: RunKey) -> dict[str, Any]:
        """The form to start a run once more, with the inputs it had."""
        root = self._root(key)
        inputs, _ = await self.source.data(root)
        spec = self._spec(root)
        if _is_flyte1(root):
            request = execution_pb2.WorkflowExecutionGetRequest(id=_execution_id(root))
            launched = (await self._call(_ADMIN, "GetExecution", request)).spec.launch_plan
            spec = await self._expected(launched, spec)
        return fields.schema_of(spec, inputs.literals)

    async def relaunch(self, key: RunKey, name: str, inputs: common_pb2.Inputs) -> RunKey:
        """Starts a run once more, with inputs of its own."""
        root = self._root(key)
        if not _is_flyte1(root):
            spec = run_pb2.RunSpec.FromString(root.run_spec)
            return await self._started(key, name, self._run_again(root, name, inputs, spec))
        where = _execution_id(root)
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
        record = self.source.ledger.find(key)
        if record is None:
            raise NotFound(f"There is no action {key}.")
        root = self._root(key.run_key)
        condition = run_definition_pb2.ConditionAction.FromString(record.spec)
        if not _is_flyte1(root):
            facade = await self.source.facade()
            told = _plain(condition.type, text)
            await facade.backend.signal_event(action_id=_action_id(key), value=told)
            return
        where = _execution_id(root)
        listed = await self._call(
            _SIGNALS, "ListSignals", signal_pb2.SignalListRequest(workflow_execution_id=where, limit=1000)
        )
        wanted = next((one for one in listed.signals if one.id.signal_id == condition.name), None)
        if wanted is None:
            raise NotFound(f"Execution {where.name} has no signal {condition.name!r}.")
        kind = same(wanted.type, types_pb2.LiteralType)
        answer = same(value.to_literal(_json(kind, text), kind, condition.name), literals_pb2.Literal)
        await self._call(_SIGNALS, "SetSignal", signal_pb2.SignalSetRequest(id=wanted.id, value=answer))

    # -- tasks, launch plans, triggers --------------------------------------------------------------------------------

    async def launch_form(self, task: TaskRecord) -> dict[str, Any]:
        """The form to launch a task or launch plan, its defaults filled in."""
        spec = task_definition_pb2.TaskSpec.FromString(task.spec)
        kind, name = flyte1_kind(task.key.name)
        if kind is not None:
            spec = await self._expected(_entity_id(task, kind, name), spec)
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

    async def launch(self, task: TaskRecord, name: str, inputs: common_pb2.Inputs) -> RunKey:
        """Launches a task or launch plan."""
        key = RunKey(task.key.project, task.key.domain, name)
        kind, flyte1_name = flyte1_kind(task.key.name)
        if kind is not None:
            request = execution_pb2.ExecutionCreateRequest(
                project=key.project, domain=key.domain, name=name, inputs=literal.from_named(inputs)
            )
            request.spec.launch_plan.CopyFrom(_entity_id(task, kind, flyte1_name))
            return await self._started(key, name, self._call(_ADMIN, "CreateExecution", request))
        facade = await self.source.facade()
        begun = facade.backend.create_run(
            run_id=_run_id(key), task_id=_task_id(task), inputs=inputs, source=run_definition_pb2.RUN_SOURCE_WEB
        )
        return await self._started(key, name, begun)

    async def set_launch_plan(self, task: TaskRecord, active: bool) -> None:
        """Activates a launch plan's version, or deactivates it."""
        kind, name = flyte1_kind(task.key.name)
        if kind != identifier_pb2.LAUNCH_PLAN:
            raise InvalidRequest(f"{task.key.name} is no launch plan.")
        state = launch_plan_pb2.ACTIVE if active else launch_plan_pb2.INACTIVE
        request = launch_plan_pb2.LaunchPlanUpdateRequest(id=_entity_id(task, kind, name), state=state)
        await self._call(_ADMIN, "UpdateLaunchPlan", request)

    async def set_trigger(self, key: TriggerKey, active: bool) -> None:
        """Activates a trigger, or deactivates it."""
        self.source.triggers.get(key)  # the backend passes over what is not there
        facade = await self.source.facade()
        name = v2_identifier_pb2.TriggerName(
            project=key.project, domain=key.domain, task_name=key.task_name, name=key.name
        )
        await facade.backend.update_triggers(names=[name], active=active)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _root(self, key: RunKey) -> ActionRecord:
        root = self.source.ledger.find(key.action())
        if root is None:
            raise NotFound(f"There is no run {key} any more.")
        return root

    def _spec(self, root: ActionRecord) -> task_definition_pb2.TaskSpec:
        return task_definition_pb2.TaskSpec.FromString(self.source.ledger.task_spec(root))

    async def _call(self, service: str, method: str, request: Message) -> Any:
        facade = await self.source.facade()
        return await facade.call(service + method, request, CallContext(service + method))

    async def _run_again(self, root: ActionRecord, name: str, inputs: common_pb2.Inputs, spec: run_pb2.RunSpec) -> None:
        facade = await self.source.facade()
        key = root.key.run_key
        await facade.backend.create_run(
            run_id=_run_id(RunKey(key.project, key.domain, name)),
            task_spec=self._spec(root),
            inputs=inputs,
            run_spec=spec,
            source=run_definition_pb2.RUN_SOURCE_WEB,
        )

    async def _started(self, key: RunKey, name: str, begun: Any) -> RunKey:
        """The run that a form starts. Sent twice, it finds its own run there: names are the forms' own."""
        with contextlib.suppress(AlreadyExists):
            await begun
        return RunKey(key.project, key.domain, name)


def flyte1_kind(name: str) -> tuple[identifier_pb2.ResourceType | None, str]:
    """What a deployed task is to Flyte 1, and its name there; None for what Flyte 1 cannot launch or does not know."""
    for prefix, kind in _KINDS.items():
        if name.startswith(prefix):
            return kind, name.removeprefix(prefix)
    return None, name


def _is_flyte1(root: ActionRecord) -> bool:
    return root.task_type == envelope.TASK_TYPE or (
        root.task is not None and flyte1_kind(root.task.name)[0] is not None
    )


def _execution_id(root: ActionRecord) -> identifier_pb2.WorkflowExecutionIdentifier:
    key = root.key.run_key
    name = execution.settings(run_pb2.RunSpec.FromString(root.run_spec), _run_id(key)).name
    return identifier_pb2.WorkflowExecutionIdentifier(project=key.project, domain=key.domain, name=name)


def _run_id(key: RunKey) -> v2_identifier_pb2.RunIdentifier:
    return v2_identifier_pb2.RunIdentifier(project=key.project, domain=key.domain, name=key.name)


def _action_id(key: ActionKey) -> v2_identifier_pb2.ActionIdentifier:
    return v2_identifier_pb2.ActionIdentifier(run=_run_id(key.run_key), name=key.name)


def _task_id(task: TaskRecord) -> task_definition_pb2.TaskIdentifier:
    key = task.key
    return task_definition_pb2.TaskIdentifier(
        project=key.project, domain=key.domain, name=key.name, version=key.version
    )


def _entity_id(task: TaskRecord, kind: identifier_pb2.ResourceType, name: str) -> identifier_pb2.Identifier:
    own = task_definition_pb2.TaskSpec.FromString(task.spec).task_template.id
    version = own.version or task.key.version  # a long one is deployed under a shorter one
    return identifier_pb2.Identifier(
        resource_type=kind, project=task.key.project, domain=task.key.domain, name=name, version=version
    )


def _json(kind: types_pb2.LiteralType, text: str) -> Any:
    return fields.parse("value", "text" if kind.simple == types_pb2.STRING else "value", text)


def _plain(kind: types_pb2.LiteralType, text: str) -> bool | float | str:
    told = value.to_literal(_json(kind, text), kind, "value").scalar.primitive
    found: bool | float | str = getattr(told, told.WhichOneof("value") or "string_value")
    return found
