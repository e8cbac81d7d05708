"""Time-outs of tasks, on every backend.

The embedded backend and newer Go ones end an attempt that takes too long, and try again; the Go backend of August 2026 reads no
time-out of a task. So the driver looks as well, a little later than a backend would. What it ends it has run again, as
often as the task's retries allow, as another action: nobody can run an action again that has ended. As in Flyte 1
(`nodes/executor.go`, `execute`) a time-out uses up a retry. A driver that is started again counts the time anew.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from flyte_bridge.driver import child_actions, failure
from flyte_bridge.driver.patience import patient
from flyte_bridge.errors import NodeError
from flyte_bridge_translators.wire import exhausted, identifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flyteidl2.core import tasks_pb2

    from flyte_bridge.driver.execution import Execution

GRACE = 5.0
"""Seconds that a backend which keeps time-outs itself has to do so first."""

LOOK = 1.0
"""Seconds between two looks at a task that has not begun to run."""


class OutOfTime(Exception):
    """An action was ended because it took too long."""


async def run(
    execution: Execution,
    uid: str,
    metadata: tasks_pb2.TaskMetadata,
    begin: Callable[[str, int], Awaitable[str | None]],
) -> str:
    """Run a task to its end, within its time.

    Args:
        execution: What it belongs to.
        uid: Unique id of the node or element.
        metadata: The task's.
        begin: Has a task run as the action of a name, with so many retries, unless it runs or has ended already; where its
            results lie if they were taken over.

    Returns:
        Where its results lie, a directory.

    Raises:
        NodeError: It failed, took too long too often, or its inputs cannot be stored.
    """
    seconds, most = metadata.timeout.ToTimedelta().total_seconds(), 1 + int(metadata.retries.retries)
    used = 0
    for again in itertools.count():
        name = identifier.tried_action(uid, again)
        taken = await begin(name, most - used - 1)
        if taken is not None:
            return taken
        try:
            if not seconds:
                del begin  # thousands may be waited for at once
                return await child_actions.finished(execution, uid, name)
            return await _finished_within(execution, uid, name, seconds)
        except OutOfTime:
            used += await _attempts(execution, name)
        except NodeError as error:
            if error.code == exhausted.TIMED_OUT:  # the backend's own words for its own time-out
                break
            raise failure.exhausted_by(error, most) from error
        if used >= most:
            break
    raise NodeError(exhausted.time_out(seconds, most), code=exhausted.TIMED_OUT, node=uid)


async def _finished_within(execution: Execution, uid: str, name: str, seconds: float) -> str:
    """Where an action's results lie.

    Raises:
        OutOfTime: It took too long, and was ended: now, or by the driver's process before this one.
        NodeError: It failed.
    """
    children, most = execution.children, seconds + GRACE
    ending = asyncio.ensure_future(child_actions.finished(execution, uid, name))
    try:
        while not ending.done() and children.ran(name) < most:
            left = most - children.ran(name)
            await asyncio.wait({ending}, timeout=left if children.ran(name) else LOOK)
        if not ending.done():
            await child_actions.abort(execution, name, f"task execution timeout [{seconds:g}s] expired")
        elif not children.found(name):
            return ending.result()
        return await ending
    except NodeError as error:
        if error.code == failure.ABORTED:
            raise OutOfTime from error
        raise
    finally:
        if not ending.done():
            ending.cancel()
            await asyncio.gather(ending, return_exceptions=True)


async def _attempts(execution: Execution, name: str) -> int:
    """How many attempts an action had."""
    action = execution.children.identifier(name)
    return max(1, (await patient(lambda: execution.backend.get_action(action_id=action))).status.attempts)
