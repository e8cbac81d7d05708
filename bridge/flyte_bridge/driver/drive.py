"""One run of one workflow: from the action's own template and inputs to its outputs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2
from flyteidl2.common import phase_pb2

from flyte_bridge.driver import child_actions, parent
from flyte_bridge.driver.binding import fill_optional
from flyte_bridge.driver.children import Children
from flyte_bridge.driver.closure import Tables
from flyte_bridge.driver.execution import Execution, StopReason
from flyte_bridge.driver.patience import patient
from flyte_bridge.driver.recover import RecoveredRun
from flyte_bridge.driver.recover_record import RecoveredRecord
from flyte_bridge.driver.scope import WorkflowCall
from flyte_bridge.errors import BackendError, NodeError, NoSuchObject, NotFound
from flyte_bridge.registry.deployed import Deployed
from flyte_bridge.registry.documents import Documents
from flyte_bridge.registry.history import History
from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.flyte1.names import BAD_SPECIFICATION, START
from flyte_bridge_translators.wire import document, envelope, identifier
from flyte_bridge_translators.wire.execution_settings import BadExecution, settings

if TYPE_CHECKING:
    from flyteidl2.task import run_pb2, task_definition_pb2

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.backend.storage import Storage
    from flyte_bridge.driver.main import DriverArguments
    from flyte_bridge_translators.flyte1.closure import Closure, Workflow
    from flyte_bridge_translators.wire.execution_settings import ExecutionSettings

INPUTS_NOT_FOUND = "InputsNotFoundError"

_log = logging.getLogger("flyte_bridge.driver")


class Drive:
    """Runs what the driver's own action is."""

    def __init__(self, facts: DriverArguments, backend: BackendClient, storage: Storage) -> None:
        self._facts = facts
        self._backend = backend
        self._storage = storage
        self._children = Children(backend, facts.action)
        self._execution: Execution | None = None

    async def run(self) -> None:
        """Run it, and write its outputs.

        Raises:
            NodeError: The workflow failed.
            BackendError: Flyte 2, or its storage, is gone: another attempt goes on.
        """
        facts = self._facts
        details, run, _ = await asyncio.gather(
            patient(lambda: self._backend.get_action(action_id=facts.action)),
            patient(lambda: self._backend.get_run(run_id=facts.action.run)),
            self._children.start(),
        )
        try:
            packed = await self._envelope(details.task)
            closure = read.closure(packed.closure)
            workflow = closure.primary
            known = self._settings(run.run_spec)
            self._execution = execution = Execution(
                backend=self._backend,
                storage=self._storage,
                children=self._children,
                action=facts.action,
                base=facts.base,
                run_spec=run.run_spec,
                settings=known,
                goes_on=workflow.goes_on,
                interruptible=workflow.interruptible,
                workflow=workflow.key,
                source=await self._source(known),
            )
            if execution.source is not None:
                await execution.source.load()
            inputs = await self._inputs(packed, workflow)
            following = asyncio.ensure_future(parent.follow(self._backend, facts.action.run, known))
            scope = WorkflowCall(execution, workflow, Tables(closure), inputs)
            try:
                outputs = await scope.run()
                await self._storage.write(f"{facts.outputs}/outputs.pb", outputs.SerializeToString())
            finally:
                following.cancel()
                if execution.ending is None:
                    await self._report(execution, closure)
        finally:
            await self._children.stop()

    def _settings(self, run_spec: run_pb2.RunSpec) -> ExecutionSettings:
        """What the execution was asked to be.

        Raises:
            NodeError: The run's annotations are broken.
        """
        try:
            return settings(run_spec, self._facts.action.run)
        except BadExecution as error:
            raise NodeError(str(error), code=BAD_SPECIFICATION, node="", kind="SYSTEM") from error

    async def _envelope(self, spec: task_definition_pb2.TaskSpec) -> envelope.Envelope:
        """The workflow that this action is.

        Raises:
            NodeError: It is none, or cannot be read.
        """
        custom = spec.task_template.custom
        try:
            names = envelope.documents(custom)
            texts = dict(zip(names, await asyncio.gather(*(self._document(spec, name) for name in names)), strict=True))
            return envelope.unpack(custom, texts.__getitem__)
        except envelope.BadEnvelope as error:
            raise NodeError(str(error), code=BAD_SPECIFICATION, node="", kind="SYSTEM") from error

    async def _document(self, spec: task_definition_pb2.TaskSpec, name: str) -> str:
        own = spec.task_template.id
        wanted = document.task_id(own.project, own.domain, name, org=self._facts.action.run.org)
        try:
            details = await patient(lambda: self._backend.get_task(task_id=wanted))
            return str(document.text_of(details.spec.task_template.custom))
        except (NotFound, ValueError) as error:
            message = f"document {name} of the compiled workflow cannot be read ({error}); register the workflow again"
            raise NodeError(message, code=BAD_SPECIFICATION, node="", kind="SYSTEM") from error

    async def _inputs(self, packed: envelope.Envelope, workflow: Workflow) -> literals_pb2.LiteralMap:
        """The workflow's inputs: what was given, then the launch plan's own, then none for what is optional.

        Raises:
            NodeError: They are not there, or one is missing.
        """
        inputs = literals_pb2.LiteralMap()
        if self._facts.inputs:
            try:
                inputs = child_actions.parse(await self._storage.read(self._facts.inputs), self._facts.inputs, START)
            except NoSuchObject as error:
                if workflow.interface.inputs.variables:
                    raise NodeError(str(error), code=INPUTS_NOT_FOUND, node=START, kind="SYSTEM") from error
        plan = packed.launch_plan
        if plan is not None:
            for name, parameter in plan.closure.expected_inputs.parameters.items():
                if name not in inputs.literals and parameter.WhichOneof("behavior") == "default":
                    inputs.literals[name].CopyFrom(parameter.default)
            for name, literal in plan.spec.fixed_inputs.literals.items():
                inputs.literals[name].CopyFrom(literal)
        fill_optional(inputs, workflow.interface.inputs.variables)
        return inputs

    async def _report(self, execution: Execution, closure: Closure) -> None:
        """Leave the report; a run does not fail for want of one."""
        from flyte_bridge.driver import report

        try:
            await report.write(execution, closure, f"{self._facts.outputs}/report.html")
        except Exception:
            _log.exception("the report cannot be written")

    async def _source(self, known: ExecutionSettings) -> RecoveredRun | RecoveredRecord | None:
        recovered, org = known.recover_from, self._facts.action.run.org
        if recovered is None:
            return None
        run = RecoveredRun(self._backend, identifier.run_of(recovered, org), recovered.name)
        if await run.is_there():
            return run
        history = History(Documents(Deployed(self._backend)))
        past = await patient(lambda: history.find(recovered))
        # a real backend forgets runs that ended long ago: then nothing is taken over
        return run if past is None else RecoveredRecord(past, history)

    async def stop(self, working: asyncio.Future[None]) -> None:
        """Stop because this process is told to: by an abort of the run, or by a server or node that goes down.

        Actions are the backend's to end. Child runs are ours, but only when this run was aborted: after any other
        interruption the next attempt finds them again.

        Args:
            working: What `run` runs in.
        """
        ending = StopReason.INTERRUPTED
        with contextlib.suppress(BackendError, asyncio.TimeoutError):
            details = await asyncio.wait_for(self._backend.get_action(action_id=self._facts.action), 2)
            if details.status.phase == phase_pb2.ACTION_PHASE_ABORTED:
                ending = StopReason.ABORTED
        if self._execution is not None:
            self._execution.ending = ending
        working.cancel()
