"""What the engine hands to the executor, and what it gets back.

The engine owns the life of an action: retries, cache, parents and children. The executor owns *one attempt*: it waits
for
room, starts the process, watches it, and reads the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta
    from pathlib import Path

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.backend.phases import Phase
    from flyte_bridge.embedded.objects.store import ObjectInfo


class JobStorage(Protocol):
    """What the executor asks of the object store; `objects.ObjectStore` has it."""

    def read(self, uri: str) -> bytes:
        """Return an object's bytes; `NoSuchObject` if there is none."""
        ...

    def exists(self, uri: str) -> bool:
        """Tell whether there is such an object."""
        ...

    def write(self, uri: str, data: bytes) -> object:
        """Store an object, all or nothing."""
        ...

    def list(self, prefix_uri: str) -> Iterable[ObjectInfo]:
        """The objects whose URI begins so."""
        ...


@dataclass(frozen=True)
class AttemptJob:
    """One attempt of one action.

    Attributes:
        key: The action.
        attempt: Which attempt, counted from 1.
        template: Serialized `flyteidl2.core.TaskTemplate`; a Flyte 1 template has the same bytes.
        input_uri: The inputs' directory or the `inputs.pb` itself.
        output_prefix: Where this attempt writes `outputs.pb`, `error.pb`, `futures.pb` and its report; no trailing
            slash.
        run_output_base: The prefix all outputs of the run lie under; parents write their children's inputs there.
        run_start_time: What `{{.runStartTime}}` becomes; aware.
        work_dir: The attempt's own directory; made by the executor. Holds `cwd/`, `tmp/`, and the pid and exit files
            that
            let a restarted server find the process again: never remove those of an attempt that is not recorded as
            ended.
        log_path: Standard output and error, appended.
        raw_prefix: Where the task puts files and frames; without one, the output prefix, as the real backend has it.
        checkpoint_prefix: Without one, `_flytecheckpoints` under the output prefix, as the real backend has it.
        previous_checkpoint_prefix: The checkpoint prefix of the attempt before; empty on the first.
        env: The run's `envs`; they win over the template's.
        secrets: Environment variables that carry secrets; they win over all others and are written to no file of ours.
        timeout: How long the process may run, counted from its start; None for no limit.
        queue_timeout: How long it may wait for room; None for no limit.
        deadline: When the action must have ended, whatever it is doing; None for no limit.
        depth: How far below the root; deeper actions get room first, so that parents do not starve their children.
        org: What the task is told its organisation is; the runtime refuses an empty one.
    """

    key: ActionKey
    attempt: int
    template: bytes
    input_uri: str
    output_prefix: str
    run_output_base: str
    run_start_time: datetime
    work_dir: Path
    log_path: Path
    raw_prefix: str = ""
    checkpoint_prefix: str = ""
    previous_checkpoint_prefix: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: timedelta | None = None
    queue_timeout: timedelta | None = None
    deadline: Micros | None = None
    depth: int = 0
    org: str = "local"


@dataclass(frozen=True)
class AttemptEvent:
    """Something happened to an attempt that is not its end.

    Attributes:
        phase: WAITING_FOR_RESOURCES (no room yet; only sent if it has to wait), INITIALIZING (has room, its process is
            being started) or RUNNING.
        at: When.
        pid: The process; with RUNNING only. An action that needs no process (`core-sleep`) has none.
        reattached: The process is older than this executor: the server was restarted. The attempt may already be
            recorded
            as RUNNING; `at` is then the time it really began.
    """

    phase: Phase
    at: Micros
    pid: int | None = None
    reattached: bool = False


class AttemptEnding(str, Enum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    ABORTED = "aborted"


@dataclass(frozen=True)
class AttemptFailure:
    """Why an attempt failed.

    Attributes:
        code: Flyte's short code, such as `USER:ValueError`.
        message: For a person.
        system: Not the task's own doing (the process was lost, its result cannot be read): counts against the budget
            for
            system failures, not against the task's retries.
        recoverable: Another attempt may help. False also for what is refused by name.
        at: When the task says it failed; None if it does not say.
    """

    code: str
    message: str
    system: bool = False
    recoverable: bool = False
    at: Micros | None = None


@dataclass(frozen=True)
class AttemptOutcome:
    """How an attempt ended, and where its results are.

    Attributes:
        failure: Set unless it succeeded.
        outputs_uri: The `outputs.pb`; empty if there is none.
        futures_uri: The `futures.pb` a Flyte 1 dynamic task left instead of outputs; empty if there is none. Whoever
            drives
            the workflow expands it; the attempt itself succeeded.
        report_uri: `report.html`, or Flyte 1's `deck.html`; empty if there is none.
        exit_code: As a shell would say it (128 + signal for a killed process); None if unknown or if there was no
            process.
        started_at: When the process began; None if it never did.
    """

    ending: AttemptEnding
    ended_at: Micros
    failure: AttemptFailure | None = None
    outputs_uri: str = ""
    futures_uri: str = ""
    report_uri: str = ""
    exit_code: int | None = None
    started_at: Micros | None = None
