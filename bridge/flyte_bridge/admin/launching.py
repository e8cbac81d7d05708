"""AdminService's ways to start an execution: create, relaunch, recover."""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import TYPE_CHECKING

from flyteidl.admin import execution_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.admin import validation
from flyte_bridge.admin.caches import Recent, caller
from flyte_bridge.admin.execution_messages import to_message
from flyte_bridge.admin.idempotency import BegunNames, begun_by
from flyte_bridge.admin.nodes import missing_node
from flyte_bridge.admin.snapshots import NoSuchExecution, NoSuchNode
from flyte_bridge.errors import FailedPrecondition, InvalidRequest, NotFound, StatusError
from flyte_bridge.launch.request import Launch, Launched
from flyte_bridge.registry.deployed import ORG
from flyte_bridge_translators.wire import execution, foreign, identifier, launch_plan, single_task
from flyte_bridge_translators.wire.enum_name import enum_name

if TYPE_CHECKING:
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core
    from flyte_bridge.admin.reading import ExecutionReader
    from flyte_bridge.launch.launcher import Launcher

_NAME = re.compile(r"[a-z][a-z\-0-9_]*")
"""flyteadmin's pattern, and underscores: flytekit's own documentation starts executions whose names have them."""
_PATTERN = r"^[a-z][a-z\-0-9]*$"
_MOST = 63
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_LAUNCHABLE = (identifier_pb2.LAUNCH_PLAN, identifier_pb2.TASK)
_Metadata = execution_pb2.ExecutionMetadata


class LaunchCalls:
    """Starting executions."""

    core: Core
    reader: ExecutionReader
    launcher: Launcher
    begun: BegunNames
    principals: Recent[str, str]

    async def create_execution(
        self, request: execution_pb2.ExecutionCreateRequest, context: CallContext
    ) -> execution_pb2.ExecutionCreateResponse:
        """Starts an execution of a launch plan, or of a task alone."""
        return await self._launch(request, context)

    async def relaunch_execution(
        self, request: execution_pb2.ExecutionRelaunchRequest, context: CallContext
    ) -> execution_pb2.ExecutionCreateResponse:
        """Starts what an execution was once more, with the inputs its user gave."""
        again = await self._again(request, context, _Metadata(mode=_Metadata.RELAUNCH))
        again.spec.overwrite_cache = request.overwrite_cache
        return await self._launch(again, context)

    async def recover_execution(
        self, request: execution_pb2.ExecutionRecoverRequest, context: CallContext
    ) -> execution_pb2.ExecutionCreateResponse:
        """Starts an execution once more, in which the nodes that succeeded are not run again."""
        again = await self._again(request, context, _Metadata(mode=_Metadata.RECOVERED))
        if request.HasField("metadata"):
            again.spec.metadata.ClearField("parent_node_execution")
            if request.metadata.HasField("parent_node_execution"):
                again.spec.metadata.parent_node_execution.CopyFrom(request.metadata.parent_node_execution)
        return await self._launch(again, context)

    async def _again(
        self,
        request: execution_pb2.ExecutionRelaunchRequest | execution_pb2.ExecutionRecoverRequest,
        context: CallContext,
        metadata: execution_pb2.ExecutionMetadata,
    ) -> execution_pb2.ExecutionCreateRequest:
        """The request for what an execution was."""
        validation.parts(request.id, ("project", "domain", "name"))
        view = await self.reader.run(request.id, context)
        values = await self.reader.data(view.root.id, context, ended=view.ended, written=True)
        again = execution_pb2.ExecutionCreateRequest(
            project=request.id.project,
            domain=request.id.domain,
            name=request.name,
            spec=to_message(view, await self.reader.plan(view)).spec,
            inputs=execution.user_inputs(view.details.run_spec, values.inputs),
        )
        metadata.reference_execution.CopyFrom(request.id)
        again.spec.metadata.MergeFrom(metadata)
        again.spec.metadata.ClearField("scheduled_at")
        return again

    # -- one way for all ----------------------------------------------------------------------------------------------

    async def _launch(
        self, request: execution_pb2.ExecutionCreateRequest, context: CallContext
    ) -> execution_pb2.ExecutionCreateResponse:
        begun = begun_by(request, context)
        await self._check(request)
        spec = request.spec
        target, asked = await asyncio.gather(
            self._target(spec.launch_plan, spec.metadata.mode, context), self._of_caller(spec, context)
        )
        earlier = self.begun.get(begun)
        name = request.name or earlier or _random_name()
        v1_id = identifier_pb2.WorkflowExecutionIdentifier(project=request.project, domain=request.domain, name=name)
        # inputs were in the spec before flyteidl 0.15
        inputs = request.inputs if request.inputs.literals or not spec.HasField("inputs") else spec.inputs
        launch = Launch(v1_id, target, asked, inputs, ORG)
        try:
            await self.launcher.start(launch, own=earlier is not None, fresh=not request.name)
        except (StatusError, asyncio.CancelledError) as error:
            if not request.name and not isinstance(error, (InvalidRequest, NotFound)):
                self.begun.put(begun, name)
            raise
        self.begun.drop(begun)
        return execution_pb2.ExecutionCreateResponse(id=v1_id)

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
            kind = enum_name(identifier_pb2.ResourceType, request.spec.launch_plan.resource_type)
            raise InvalidRequest(
                f"Invalid reference entity resource type [{kind}], only [map[TASK:<nil> LAUNCH_PLAN:<nil>]] allowed"
            )
        try:
            launch_plan.check_literals(request.inputs, "inputs")
        except launch_plan.BadLaunchPlan as error:
            raise InvalidRequest(str(error)) from None
        validation.notifications(request.spec.notifications.notifications)
        validation.labels(request.spec.labels.values)

    async def _target(
        self,
        asked: identifier_pb2.Identifier,
        mode: int,
        context: CallContext,
    ) -> Launched:
        registry = self.reader.registry
        run = foreign.run_of(asked)
        if run is not None:
            return await self._foreign(asked, run, mode, context)
        if asked.resource_type != identifier_pb2.TASK:
            return Launched.of_plan(await registry.get_launch_plan(asked), ORG)
        template = (await registry.get_task(asked)).closure.compiled_task.template
        alone = single_task.of_template(template)
        if single_task.needs_driver(template):
            return Launched(await registry.driven(alone.workflow), alone.launch_plan, registered=False)
        return Launched(identifier.deployed(asked, org=ORG), alone.launch_plan, registered=False)

    async def _foreign(
        self,
        asked: identifier_pb2.Identifier,
        run: str,
        mode: int,
        context: CallContext,
    ) -> Launched:
        """The task that a run of Flyte 2's own has run.

        Raises:
            FailedPrecondition: It shall be recovered, which only its own SDK's controller could do.
        """
        if mode == _Metadata.RECOVERED:
            raise FailedPrecondition(
                f"run {run!r} was not started by Flyte 1, so that its nodes cannot be taken over; relaunch it instead"
            )
        who = identifier_pb2.WorkflowExecutionIdentifier(project=asked.project, domain=asked.domain, name=run)
        root = (await self.reader.run(who, context)).root
        return Launched(root.task, foreign.launch_plan(root), registered=False)

    async def _of_caller(self, spec: execution_pb2.ExecutionSpec, context: CallContext) -> execution_pb2.ExecutionSpec:
        """What is asked for, with who asks. What a node has started is one level below it, and runs for the same user.

        Raises:
            NotFound: There is no such node.
        """
        asked = execution_pb2.ExecutionSpec()
        asked.CopyFrom(spec)
        metadata = asked.metadata
        if not metadata.HasField("parent_node_execution"):
            metadata.principal = await self._principal(context)
            return asked
        parent = metadata.parent_node_execution
        try:
            snapshot = await self.reader.snapshot(parent.execution_id, context)
            snapshot.node(parent.node_id)
        except (NoSuchExecution, NoSuchNode):
            raise missing_node(parent) from None
        above = snapshot.view.settings.spec.metadata
        metadata.principal, metadata.nesting = above.principal, above.nesting + 1
        return asked

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


def _random_name() -> str:
    return "a" + "".join(secrets.choice(_ALPHABET) for _ in range(19))


def _check_name(name: str) -> None:
    lower = name.lower()
    if len(lower) > _MOST:
        raise InvalidRequest(f"size of name exceeded length {_MOST} : {lower}")
    if not _NAME.fullmatch(lower):
        raise InvalidRequest(f"invalid name format: {lower}, does not match regex '{_PATTERN}'")
