"""What runs: runs, their actions, and the children that a driver adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.actions import actions_service_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.workflow import run_definition_pb2, run_service_pb2

from flyte_bridge.backend.caller import Backoff
from flyte_bridge.backend.query import query
from flyte_bridge.errors import Aborted, AlreadyExists, DeadlineExceeded, InternalError, StatusError, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyteidl2.common import identifier_pb2, list_pb2
    from flyteidl2.common import run_pb2 as common_run_pb2
    from flyteidl2.task import common_pb2, run_pb2, task_definition_pb2
    from flyteidl2.workflow import state_service_pb2

    from flyte_bridge.backend.caller import Caller

RUNS = "/flyteidl2.workflow.RunService"
ACTIONS = "/flyteidl2.actions.ActionsService"

TERMINAL = frozenset(
    {
        phase_pb2.ACTION_PHASE_SUCCEEDED,
        phase_pb2.ACTION_PHASE_FAILED,
        phase_pb2.ACTION_PHASE_ABORTED,
        phase_pb2.ACTION_PHASE_TIMED_OUT,
        phase_pb2.ACTION_PHASE_RECOVERED,
    }
)
"""The phases that no other follows."""

REFRESH = 300.0
"""Seconds after which a watch of children is opened anew: the real backend drops updates when a buffer is full."""

_PAYLOADS = ((bool, "bool_value"), (int, "int_value"), (float, "float_value"), (str, "string_value"))
"""A signal's field, by the first type that fits; a `bool` is an `int`, too."""

_ODD = 5
"""Times in a row that a watch may break in a way that is no UNAVAILABLE, before it is taken for a defect."""


class _Reopening:
    """What to do when a watch has broken: open it anew, until patience is at an end."""

    def __init__(self, what: str, patience: float | None) -> None:
        self._what = what
        self._backoff = Backoff(patience)
        self._odd = 0

    def goes_on(self) -> None:
        """A message came."""
        self._backoff.reset()
        self._odd = 0

    async def pause(self, failure: StatusError | None) -> None:
        """Waits before the next try.

        Raises:
            StatusError: There shall be none.
        """
        if failure is not None and failure.code not in {"UNAVAILABLE", "INTERNAL", "UNKNOWN", "CANCELLED"}:
            raise failure
        # a server that is killed, or a proxy, may end a stream in any of those ways
        self._odd += failure is not None and failure.code != "UNAVAILABLE"
        if self._odd > _ODD or not await self._backoff.pause():
            raise failure or Unavailable(f"the watch of {self._what} ends again and again")


class RunVerbs:
    """Runs."""

    caller: Caller

    async def create_run(
        self,
        *,
        run_id: identifier_pb2.RunIdentifier | None = None,
        project_id: identifier_pb2.ProjectIdentifier | None = None,
        task_id: task_definition_pb2.TaskIdentifier | None = None,
        task_spec: task_definition_pb2.TaskSpec | None = None,
        trigger_name: identifier_pb2.TriggerName | None = None,
        inputs: common_pb2.Inputs | None = None,
        offloaded_inputs: common_run_pb2.OffloadedInputData | None = None,
        run_spec: run_pb2.RunSpec | None = None,
        source: run_definition_pb2.RunSource = run_definition_pb2.RUN_SOURCE_CLI,
    ) -> run_definition_pb2.Run:
        """Starts a run, of a name or with one made for it.

        Args:
            run_id: Its identity; or
            project_id: where it shall be.
            task_id: What to run: a deployed task, or
            task_spec: a task as it is, or
            trigger_name: what a trigger runs.
            inputs: Its inputs, or
            offloaded_inputs: where they are.
            run_spec: How to run it.
            source: A `RunSource`.

        Raises:
            AlreadyExists: The name is taken. The real backend does not say so: it answers with the run that is there,
                whose inputs it has overwritten; look with `get_run` before.
            NotFound: The project, the task or the trigger.
            InvalidRequest: The name, or the inputs.
        """
        request = run_service_pb2.CreateRunRequest(
            run_id=run_id,
            project_id=project_id,
            task_id=task_id,
            task_spec=task_spec,
            trigger_name=trigger_name,
            inputs=inputs,
            offloaded_input_data=offloaded_inputs,
            run_spec=run_spec,
            source=source,
        )
        return (await self.caller.unary(f"{RUNS}/CreateRun", request, run_service_pb2.CreateRunResponse)).run

    async def get_run(self, *, run_id: identifier_pb2.RunIdentifier) -> run_definition_pb2.RunDetails:
        """A run: its spec, and its root action.

        Raises:
            NotFound: There is none.
        """
        request = run_service_pb2.GetRunDetailsRequest(run_id=run_id)
        kind = run_service_pb2.GetRunDetailsResponse
        return (await self.caller.unary(f"{RUNS}/GetRunDetails", request, kind)).details

    async def list_runs(
        self,
        *,
        org: str | None = None,
        project_id: identifier_pb2.ProjectIdentifier | None = None,
        trigger_name: identifier_pb2.TriggerName | None = None,
        task_name: task_definition_pb2.TaskName | None = None,
        task_id: task_definition_pb2.TaskIdentifier | None = None,
        request: list_pb2.ListRequest | None = None,
    ) -> run_service_pb2.ListRunsResponse:
        """The runs of an organisation, a project and domain, a trigger or a task, a page at a time."""
        wanted = run_service_pb2.ListRunsRequest(
            request=request or query(sort="created_at", descending=True),
            org=org,
            project_id=project_id,
            trigger_name=trigger_name,
            task_name=task_name,
            task_id=task_id,
        )
        return await self.caller.unary(f"{RUNS}/ListRuns", wanted, run_service_pb2.ListRunsResponse)

    async def abort_run(self, *, run_id: identifier_pb2.RunIdentifier, reason: str = "") -> None:
        """Aborts a run. Look first whether it has ended: the real backend would overwrite its phase.

        Raises:
            NotFound: There is none.
            FailedPrecondition: It has ended (embedded backend).
        """
        request = run_service_pb2.AbortRunRequest(run_id=run_id, reason=reason)
        await self.caller.unary(f"{RUNS}/AbortRun", request, run_service_pb2.AbortRunResponse)


class ActionVerbs:
    """Actions, as readers see them."""

    caller: Caller

    async def get_action(self, *, action_id: identifier_pb2.ActionIdentifier) -> run_definition_pb2.ActionDetails:
        """An action: its spec, its status, its attempts.

        Raises:
            NotFound: There is none.
        """
        request = run_service_pb2.GetActionDetailsRequest(action_id=action_id)
        kind = run_service_pb2.GetActionDetailsResponse
        return (await self.caller.unary(f"{RUNS}/GetActionDetails", request, kind)).details

    async def list_actions(
        self, *, run_id: identifier_pb2.RunIdentifier, request: list_pb2.ListRequest | None = None
    ) -> run_service_pb2.ListActionsResponse:
        """A run's actions, a page at a time."""
        wanted = run_service_pb2.ListActionsRequest(request=request or query(sort="created_at"), run_id=run_id)
        return await self.caller.unary(f"{RUNS}/ListActions", wanted, run_service_pb2.ListActionsResponse)

    async def get_action_data_uris(
        self, *, action_id: identifier_pb2.ActionIdentifier
    ) -> run_service_pb2.GetActionDataURIsResponse:
        """Where an action's inputs are and, once it has succeeded, its outputs.

        Raises:
            NotFound: There is no such action, or it has left no outputs.
        """
        request = run_service_pb2.GetActionDataURIsRequest(action_id=action_id)
        return await self.caller.unary(f"{RUNS}/GetActionDataURIs", request, run_service_pb2.GetActionDataURIsResponse)

    async def watch_action(
        self, *, action_id: identifier_pb2.ActionIdentifier, patience: float | None = None
    ) -> AsyncIterator[run_definition_pb2.ActionDetails]:
        """An action as it is, then after each change, to its end.

        A stream that breaks is opened anew; the last state is told again then.

        Args:
            action_id: Which.
            patience: Seconds without an answer after which it gives up; never if `None`.

        Raises:
            NotFound: There is none.
            Unavailable: The patience is at an end.
        """
        request = run_service_pb2.WatchActionDetailsRequest(action_id=action_id)
        reopening = _Reopening(f"action {action_id.name!r}", patience)
        while True:
            failure: StatusError | None = None
            # a watch of the real backend may end before its action does, and never ends for a condition
            stream = self.caller.stream(
                f"{RUNS}/WatchActionDetails", request, run_service_pb2.WatchActionDetailsResponse
            )
            try:
                async for message in stream:
                    reopening.goes_on()
                    yield message.details
                    if message.details.status.phase in TERMINAL:
                        return
            except StatusError as broken:
                failure = broken
            finally:
                await _closed(stream)
            await reopening.pause(failure)

    async def watch_actions(
        self, *, run_id: identifier_pb2.RunIdentifier
    ) -> AsyncIterator[run_service_pb2.WatchActionsResponse]:
        """A run's actions as they are, then each that changes. Ends with the run on the embedded backend only."""
        request = run_service_pb2.WatchActionsRequest(run_id=run_id)
        stream = self.caller.stream(f"{RUNS}/WatchActions", request, run_service_pb2.WatchActionsResponse)
        try:
            async for message in stream:
                yield message
        finally:
            await _closed(stream)

    async def abort_action(self, *, action_id: identifier_pb2.ActionIdentifier, reason: str = "") -> None:
        """Aborts an action and what is below it.

        Raises:
            NotFound: There is none.
            FailedPrecondition: It has ended (embedded backend).
        """
        request = run_service_pb2.AbortActionRequest(action_id=action_id, reason=reason)
        await self.caller.unary(f"{RUNS}/AbortAction", request, run_service_pb2.AbortActionResponse)

    async def signal_event(
        self, *, action_id: identifier_pb2.ActionIdentifier, value: bool | float | str, parent: str = "a0"
    ) -> None:
        """Answers a condition.

        Args:
            action_id: The condition's action.
            value: Of the type that the condition declares.
            parent: The action that waits for it.

        Raises:
            NotFound: There is no such condition (yet).
            InvalidRequest: The value is of another type.
            FailedPrecondition: It was answered otherwise, or has ended.
        """
        kind = next(kind for python, kind in _PAYLOADS if isinstance(value, python))
        payload = run_service_pb2.EventPayload()
        setattr(payload, kind, value)
        request = run_service_pb2.SignalEventRequest(action_id=action_id, parent_action_name=parent, payload=payload)
        await self.caller.unary(f"{RUNS}/SignalEvent", request, run_service_pb2.SignalEventResponse)


class ChildVerbs:
    """Children, as a driver adds and watches them: ActionsService, which a real backend serves inside its cluster."""

    caller: Caller

    async def enqueue(self, *, action: actions_service_pb2.Action, run_spec: run_pb2.RunSpec | None = None) -> bool:
        """Adds a child: a task to run, a trace to record, a condition to wait for.

        Args:
            action: The child; its name decides whether it is there already.
            run_spec: What it shall have instead of its run's.

        Returns:
            Whether it is new. One that is there goes on, or has ended, as `watch_children` tells.

        Raises:
            Aborted: The run or the parent has ended.
            NotFound: The parent.
            InvalidRequest: Its name, or its spec.
        """
        request = actions_service_pb2.EnqueueRequest(action=action, run_spec=run_spec)
        try:
            await self.caller.unary(f"{ACTIONS}/Enqueue", request, actions_service_pb2.EnqueueResponse)
        except AlreadyExists:
            return False
        except InternalError as error:
            # what the Go backend's Kubernetes client says, passed on as it is (`actions/k8s/client.go`)
            if "already exists" in str(error):
                return False
            if "failed to get parent TaskAction" in str(error):
                raise Aborted(f"the parent of {action.action_id.name!r} has ended: {error}") from None
            raise
        return True

    async def watch_children(
        self,
        *,
        parent: identifier_pb2.ActionIdentifier,
        refresh: float | None = REFRESH,
        patience: float | None = None,
    ) -> AsyncIterator[state_service_pb2.ActionUpdate | None]:
        """A parent's children as they are, `None`, then each that changes; it never ends.

        After an interruption the children are told again as they are, and then `None`.

        Args:
            parent: Whose.
            refresh: Seconds after which all are told again, in case an update was lost; never if `None`.
            patience: Seconds without the backend after which it gives up; never if `None`.

        Raises:
            NotFound: There is no such parent.
            Unavailable: The patience is at an end.
        """
        request = actions_service_pb2.WatchForUpdatesRequest(parent_action_id=parent)
        reopening = _Reopening(f"the children of {parent.name!r}", patience)
        while True:
            failure: StatusError | None = None
            stream = self.caller.stream(
                f"{ACTIONS}/WatchForUpdates", request, actions_service_pb2.WatchForUpdatesResponse, timeout=refresh
            )
            try:
                async for message in stream:
                    reopening.goes_on()
                    which = message.WhichOneof("message")
                    if which == "action_update":
                        yield message.action_update
                    elif which == "control_message" and message.control_message.sentinel:
                        yield None
            except DeadlineExceeded:
                continue
            except StatusError as broken:
                failure = broken
            finally:
                await _closed(stream)
            await reopening.pause(failure)

    async def abort_child(self, *, action_id: identifier_pb2.ActionIdentifier, reason: str = "") -> None:
        """Ends a child and what is below it, as its driver.

        Raises:
            NotFound: There is none.
            FailedPrecondition: It has ended (embedded backend).
        """
        request = actions_service_pb2.AbortRequest(action_id=action_id, reason=reason)
        await self.caller.unary(f"{ACTIONS}/Abort", request, actions_service_pb2.AbortResponse)


async def _closed(stream: AsyncIterator[object]) -> None:
    """Ends a stream now, rather than when its generator is collected."""
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()
