"""AdminService's ways to start an execution: create, relaunch, recover."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2, interface_pb2, literals_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge.admin import effective_attributes, launch_settings, validation
from flyte_bridge.admin.caches import Recent, caller
from flyte_bridge.admin.execution_messages import to_message
from flyte_bridge.admin.idempotency import BegunNames, begun_by
from flyte_bridge.admin.reading import run_of
from flyte_bridge.backend.query import query, where
from flyte_bridge.errors import AlreadyExists, FailedPrecondition, InvalidRequest, NotFound, StatusError, Unimplemented
from flyte_bridge.registry.deployed import ORG
from flyte_bridge_translators.wire import execution, foreign, identifier, launch_plan, phase, resources, single_task
from flyte_bridge_translators.wire.compiler.problems import text

if TYPE_CHECKING:
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.reading import Reader
    from flyte_bridge.admin.service import Core

_log = logging.getLogger("flyte_bridge.admin")
_NAME = re.compile(r"[a-z][a-z\-0-9_]*")
"""flyteadmin's pattern, and underscores: flytekit's own documentation starts executions whose names have them."""
_PATTERN = r"^[a-z][a-z\-0-9]*$"
_MOST = 63
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_LAUNCHABLE = (identifier_pb2.LAUNCH_PLAN, identifier_pb2.TASK)

OFFLOADED = 1024 * 1024
"""Bytes of inputs from which on they are uploaded before the run is created, not sent with it."""

_ACTIVE = (
    phase_pb2.ACTION_PHASE_QUEUED,
    phase_pb2.ACTION_PHASE_WAITING_FOR_RESOURCES,
    phase_pb2.ACTION_PHASE_INITIALIZING,
    phase_pb2.ACTION_PHASE_RUNNING,
)


@dataclass(frozen=True)
class Target:
    """What is launched.

    Attributes:
        task: Where it is deployed. The task itself where it is deployed nowhere: of a run that was born in Flyte 2, or of the
            driver for a task that runs alone and needs it.
        plan: The launch plan; of a single task the one that flyteadmin would make around it.
        own: Whether the launch plan is one that somebody has registered.
    """

    task: task_definition_pb2.TaskIdentifier | task_definition_pb2.TaskSpec
    plan: launch_plan_pb2.LaunchPlan
    own: bool


class LaunchCalls:
    """Starting executions."""

    core: Core
    reader: Reader
    begun: BegunNames
    principals: Recent[str, str]

    async def create_execution(
        self, request: execution_pb2.ExecutionCreateRequest, context: CallContext
    ) -> execution_pb2.ExecutionCreateResponse:
        """Starts an execution of a launch plan, or of a task alone."""
        if not request.inputs.literals and request.spec.HasField("inputs"):  # where they were before flyteidl 0.15
            request.inputs.CopyFrom(request.spec.inputs)
        return await self._launch(request, context)

    async def relaunch_execution(
        self, request: execution_pb2.ExecutionRelaunchRequest, context: CallContext
    ) -> execution_pb2.ExecutionCreateResponse:
        """Starts what an execution was once more, with the inputs its user gave."""
        again = await self._again(request, context, execution_pb2.ExecutionMetadata.RELAUNCH)
        again.spec.overwrite_cache = request.overwrite_cache
        return await self._launch(again, context)

    async def recover_execution(
        self, request: execution_pb2.ExecutionRecoverRequest, context: CallContext
    ) -> execution_pb2.ExecutionCreateResponse:
        """Starts an execution once more, in which the nodes that succeeded are not run again."""
        again = await self._again(request, context, execution_pb2.ExecutionMetadata.RECOVERED)
        if request.HasField("metadata"):
            metadata = again.spec.metadata
            metadata.ClearField("parent_node_execution")
            if request.metadata.HasField("parent_node_execution"):
                metadata.parent_node_execution.CopyFrom(request.metadata.parent_node_execution)
        return await self._launch(again, context)

    async def _again(
        self, request: Any, context: CallContext, mode: execution_pb2.ExecutionMetadata.ExecutionMode
    ) -> execution_pb2.ExecutionCreateRequest:
        if not request.HasField("id"):
            raise validation.missing("id")
        validation.parts(request.id, ("project", "domain", "name"))
        view = await self.reader.run(request.id, context)
        values = await self.reader.data(view.root.id, context, ended=view.ended)
        again = execution_pb2.ExecutionCreateRequest(
            project=request.id.project,
            domain=request.id.domain,
            name=request.name,
            spec=to_message(view, await self.reader.plan(view)).spec,
            inputs=execution.user_inputs(view.details.run_spec, values.inputs),
        )
        metadata = again.spec.metadata
        metadata.mode = mode
        metadata.reference_execution.CopyFrom(request.id)
        metadata.ClearField("scheduled_at")
        return again

    # -- one way for all ----------------------------------------------------------------------------------------------

    async def _launch(
        self, request: execution_pb2.ExecutionCreateRequest, context: CallContext
    ) -> execution_pb2.ExecutionCreateResponse:
        begun = begun_by(request, context)
        await self._check(request)
        spec = request.spec
        try:
            execution.refuse(spec)
        except execution.Unsupported as error:
            raise Unimplemented(str(error)) from None
        target = await self._target(spec.launch_plan, spec.metadata.mode, context)
        inputs = _inputs(request.inputs, target)
        spec.metadata.principal = await self._principal(context)
        await self._inherit(spec, context)
        told, project_labels = await asyncio.gather(
            effective_attributes.of(
                self.reader.registry.attributes, request.project, request.domain, target.plan.spec.workflow_id.name
            ),
            self._project_labels(request.project),
        )
        plan = target.plan.spec if target.own else None
        config = launch_settings.resolve(spec, plan, told.configs)
        effect = launch_settings.effect(
            spec, plan, config, project_labels, told, environment=self.core.settings.gateway_environment
        )
        spec.max_parallelism = config.max_parallelism
        if config.HasField("security_context"):
            spec.security_context.CopyFrom(config.security_context)
        await self._hold_concurrency(target)
        given = sorted(request.inputs.literals)
        name = request.name or self.begun.get(begun) or _random_name()
        wanted = execution.to_run(
            project=request.project,
            domain=request.domain,
            name=name,
            spec=spec,
            task=await self._sized(target, told),
            inputs=inputs,
            org=ORG,
            effect=effect,
            facts=execution.ClosureFacts(target.plan.spec.workflow_id, time.time_ns()),
            given=given if len(given) < len(inputs.literals) else None,
        )
        v1_id = identifier_pb2.WorkflowExecutionIdentifier(project=request.project, domain=request.domain, name=name)
        try:
            await self._create(wanted, v1_id, named=bool(request.name), retried=begun in self.begun)
        except (StatusError, asyncio.CancelledError) as error:
            if not request.name and not isinstance(error, (InvalidRequest, NotFound)):
                self.begun.put(begun, name)
            raise
        self.begun.drop(begun)
        for idle in told.idle:
            _log.warning("execution %s of %s/%s: without effect: %s", name, request.project, request.domain, idle)
        return execution_pb2.ExecutionCreateResponse(id=v1_id)

    async def _create(
        self, wanted: Any, v1_id: identifier_pb2.WorkflowExecutionIdentifier, *, named: bool, retried: bool
    ) -> None:
        backend = self.reader.backend
        if named or retried:  # a real backend would answer with the run that is there, whose inputs it has overwritten
            action = v2_identifier_pb2.ActionIdentifier(run=run_of(v1_id), name=identifier.ROOT)
            try:
                await backend.get_action(action_id=action)
            except NotFound:
                pass
            else:
                if retried:
                    return
                raise _taken(v1_id)
        inputs, offloaded = wanted.inputs, None
        if inputs.ByteSize() >= OFFLOADED:
            offloaded = await backend.upload_inputs(
                inputs=inputs,
                run_id=wanted.run_id,
                task_id=wanted.task_id if wanted.HasField("task_id") else None,
                task_spec=wanted.task_spec if wanted.HasField("task_spec") else None,
            )
            inputs = None
        try:
            await backend.create_run(
                run_id=wanted.run_id,
                task_id=wanted.task_id if wanted.HasField("task_id") else None,
                task_spec=wanted.task_spec if wanted.HasField("task_spec") else None,
                inputs=inputs,
                offloaded_inputs=offloaded,
                run_spec=wanted.run_spec,
                source=wanted.source,
            )
        except AlreadyExists:
            if not retried:
                raise _taken(v1_id) from None

    # -- what is asked of a request -----------------------------------------------------------------------------------

    async def _check(self, request: execution_pb2.ExecutionCreateRequest) -> None:
        """`ValidateExecutionRequest`, in its order."""
        validation.given(request.project, "project")
        validation.given(request.domain, "domain")
        if request.name:
            _check_name(request.name)
        await validation.project_and_domain(self.reader.backend, request.project, request.domain)
        if not request.HasField("spec"):
            raise validation.missing("spec")
        if not request.spec.HasField("launch_plan"):
            raise validation.missing("id")
        validation.parts(request.spec.launch_plan)
        if request.spec.launch_plan.resource_type not in _LAUNCHABLE:
            kind = identifier_pb2.ResourceType.Name(request.spec.launch_plan.resource_type)
            raise InvalidRequest(
                f"Invalid reference entity resource type [{kind}], only [map[TASK:<nil> LAUNCH_PLAN:<nil>]] allowed"
            )
        try:
            launch_plan.check_literals(request.inputs, "inputs")
        except launch_plan.BadLaunchPlan as error:
            raise InvalidRequest(str(error)) from None
        _check_notifications(request.spec)
        validation.labels(request.spec.labels.values)

    async def _target(
        self,
        asked: identifier_pb2.Identifier,
        mode: execution_pb2.ExecutionMetadata.ExecutionMode,
        context: CallContext,
    ) -> Target:
        registry = self.reader.registry
        run = foreign.run_of(asked)
        if run is not None:
            return await self._foreign(asked, run, mode, context)
        if asked.resource_type == identifier_pb2.TASK:
            task = await registry.get_task(asked)
            template = task.closure.compiled_task.template
            made = single_task.of_template(template)
            if single_task.needs_driver(template):
                return Target(await registry.driven(made.workflow), made.launch_plan, own=False)
            return Target(identifier.deployed(asked, org=ORG), made.launch_plan, own=False)
        plan = await registry.get_launch_plan(asked)
        return Target(identifier.deployed(plan.id, org=ORG), plan, own=True)

    async def _foreign(
        self,
        asked: identifier_pb2.Identifier,
        run: str,
        mode: execution_pb2.ExecutionMetadata.ExecutionMode,
        context: CallContext,
    ) -> Target:
        """The task that a run of Flyte 2's own has run.

        Raises:
            FailedPrecondition: It shall be recovered, which only its own SDK's controller could do.
        """
        if mode == execution_pb2.ExecutionMetadata.RECOVERED:
            raise FailedPrecondition(
                f"run {run!r} was not started by Flyte 1, so that its nodes cannot be taken over; relaunch it instead"
            )
        who = identifier_pb2.WorkflowExecutionIdentifier(project=asked.project, domain=asked.domain, name=run)
        root = (await self.reader.run(who, context)).root
        return Target(root.task, foreign.launch_plan(root), own=False)

    async def _sized(
        self, target: Target, told: effective_attributes.Standing
    ) -> task_definition_pb2.TaskIdentifier | task_definition_pb2.TaskSpec:
        """What runs: what is deployed, unless it is a single task to which attributes give other resources."""
        if target.own or told.task_resources is None or isinstance(target.task, task_definition_pb2.TaskSpec):
            return target.task
        spec = (await self.reader.registry.deployed.get(target.task)).spec
        return spec if resources.assign(spec.task_template, told.task_resources) else target.task

    async def _project_labels(self, project: str) -> dict[str, str]:
        found = await self.reader.backend.get_project(project_id=project)
        return dict(found.labels.values)

    async def _principal(self, context: CallContext) -> str:
        """Who calls, if Flyte 2 knows; flyteadmin without authentication says nobody."""
        if context.bearer is None:
            return ""
        key = caller(context)
        known = self.principals.get(key)
        if known is None:
            try:
                known = (await self.reader.backend.user_info()).subject
            except StatusError:
                known = ""
            self.principals.put(key, known)
        return known

    async def _inherit(self, spec: execution_pb2.ExecutionSpec, context: CallContext) -> None:
        """An execution that a node has started is one level below that node's, and runs for the same user.

        Raises:
            NotFound: There is no such node.
        """
        metadata = spec.metadata
        if not metadata.HasField("parent_node_execution"):
            return
        parent = metadata.parent_node_execution
        snapshot = await self.reader.snapshot(parent.execution_id, context)
        snapshot.node(parent.node_id)
        above = snapshot.view.settings.spec.metadata
        metadata.principal = above.principal
        metadata.nesting = above.nesting + 1

    async def _hold_concurrency(self, target: Target) -> None:
        """A launch plan's limit of executions at once.

        Raises:
            AlreadyExists: It is reached.
        """
        policy = target.plan.spec.concurrency_policy
        if not target.own or not target.plan.spec.HasField("concurrency_policy"):
            return
        if isinstance(target.task, task_definition_pb2.TaskSpec):  # deployed nowhere, so nobody else runs it
            return
        scope = v2_identifier_pb2.ProjectIdentifier(
            organization=ORG, name=target.task.project, domain=target.task.domain
        )
        active = query(where("task_name", target.task.name), where("phase", *_ACTIVE), limit=min(200, policy.max + 1))
        found = await self.reader.backend.list_runs(project_id=scope, request=active)
        if len(found.runs) >= policy.max and policy.behavior == launch_plan_pb2.CONCURRENCY_LIMIT_BEHAVIOR_SKIP:
            raise AlreadyExists(
                f"concurrency limit ({policy.max}) reached for launch plan {target.plan.id.name}; skipping execution"
            )


def _random_name() -> str:
    return "a" + "".join(secrets.choice(_ALPHABET) for _ in range(19))


def _check_name(name: str) -> None:
    lower = name.lower()
    if len(lower) > _MOST:
        raise InvalidRequest(f"size of name exceeded length {_MOST} : {lower}")
    if not _NAME.fullmatch(lower):
        raise InvalidRequest(f"invalid name format: {lower}, does not match regex '{_PATTERN}'")


def _check_notifications(spec: execution_pb2.ExecutionSpec) -> None:
    for one in spec.notifications.notifications:
        which = one.WhichOneof("type")
        if which is None:
            raise validation.invalid("notification type")
        recipients = getattr(one, which).recipients_email
        if not recipients:
            raise validation.missing("recipients")
        if not all(recipients):
            raise validation.missing("recipient")
        if any(value not in phase.ENDED for value in one.phases):
            raise validation.invalid("phase")


def _inputs(given: literals_pb2.LiteralMap, target: Target) -> literals_pb2.LiteralMap:
    """All inputs of the run: those given and the defaults. What the launch plan fixes the driver adds.

    Raises:
        InvalidRequest: As flyteadmin finds them wrong.
    """
    plan = target.plan
    expected: interface_pb2.ParameterMap = plan.closure.expected_inputs
    try:
        result = launch_plan.execution_inputs(given, plan, expected)
    except launch_plan.BadLaunchPlan as error:
        raise InvalidRequest(str(error)) from None
    for name in plan.spec.fixed_inputs.literals:
        del result.literals[name]
    return result


def _taken(v1_id: identifier_pb2.WorkflowExecutionIdentifier) -> AlreadyExists:
    return AlreadyExists(f"value with matching already exists ({text(v1_id)})")
