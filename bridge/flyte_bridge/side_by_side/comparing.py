"""Reads two executions and compares them; on demand with another run of the first, so that its noise is no difference."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyteidl.core import identifier_pb2

from flyte_bridge_translators.wire.identifier import fnv1
from flyte_bridge_translators.wire.phase import ENDED

from ..errors import AlreadyExists
from ..verify.rules import USUAL, ComparisonRules
from .comparison import ExecutionComparison, Stores, compare_executions, without_noise
from .reading import read_execution

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyteidl.admin import execution_pb2

    from .control_plane import ControlPlane, ExecutionId

SOONEST, LATEST = 0.2, 5.0
"""Seconds between two looks at an execution that runs: at first, and at most."""


@dataclass(frozen=True)
class SideExecution:
    """An execution and whose it is."""

    plane: ControlPlane
    identity: ExecutionId


@dataclass(frozen=True)
class CompareOptions:
    """How two executions shall be compared.

    Attributes:
        rules: What counts as the same.
        renames: Full names on the first side → names on the second.
        twice: Whether the first side runs again, for what differs by itself.
    """

    rules: ComparisonRules = USUAL
    renames: Mapping[str, str] = field(default_factory=dict)
    twice: bool = False


async def compare_pair(
    left: SideExecution, right: SideExecution, options: CompareOptions, progress: Callable[[str], None] = lambda _: None
) -> ExecutionComparison:
    """Two executions, compared.

    Args:
        left: The first side's.
        right: The second side's.
        options: How.
        progress: Is told what takes long.

    Raises:
        FailedPrecondition: One of them has not ended.
        NotFound: There is no such execution.
        StatusError: A control plane fails.
    """
    ours, theirs = await asyncio.gather(
        read_execution(left.plane, left.identity), read_execution(right.plane, right.identity)
    )
    stores = Stores(left.plane.objects, right.plane.objects)
    compared = await compare_executions(ours, theirs, stores, options.rules, options.renames)
    if not options.twice:
        return compared
    again = await run_again(left, progress)
    noise = await compare_executions(
        ours, await read_execution(left.plane, again), Stores(left.plane.objects, left.plane.objects), options.rules
    )
    return without_noise(compared, noise)


async def run_again(execution: SideExecution, progress: Callable[[str], None]) -> ExecutionId:
    """Another run of an execution, with the same inputs and without its cached results; waits for its end.

    Its name follows from the first's, so that whoever asks again gets the run that is there.
    """
    first = execution.identity
    again = identifier_pb2.WorkflowExecutionIdentifier(
        project=first.project, domain=first.domain, name=f"t{fnv1(f'again:{first.name}'.encode()):016x}"
    )
    progress(f"running {first.name} again on {execution.plane.name}, as {again.name}")
    with suppress(AlreadyExists):
        await execution.plane.relaunch(first, again.name, overwrite_cache=True)
    await ended(execution.plane, again)
    return again


async def ended(plane: ControlPlane, identity: ExecutionId) -> execution_pb2.Execution:
    """An execution, when it has ended. Flyte 1's API has nothing to be told by, so it is looked at again and again."""
    pause = SOONEST
    while True:
        execution = await plane.execution(identity)
        if execution.closure.phase in ENDED:
            return execution
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, LATEST)
