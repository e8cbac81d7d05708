"""What a finished process has left behind, read into an outcome.

Both SDKs keep the *exit-0 contract*: a task that fails for its own reasons writes `error.pb` and exits with 0. So the
order is
`error.pb`, `futures.pb`, exit code, `outputs.pb` (as the executors of Flyte 1 and 2 read them); an exit code nobody
saw counts for 0.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from flyteidl2.core import execution_pb2
from google.protobuf.message import DecodeError

from flyte_bridge.embedded.executor.job import AttemptEnding, AttemptFailure, AttemptOutcome
from flyte_bridge.errors import NoSuchObject
from flyte_bridge_translators.flyte1.names import UNKNOWN as CRASHED

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.executor.job import AttemptJob, JobStorage

SIGKILLED = 137
SIGABRTED = 134
"""Also what is left of an exit code when pyqwest's threads outlive the interpreter: up to CPython 3.13, a thread that
asks for the GIL after its end is unwound by `pthread_exit`, which Rust answers with an abort (flyte 2.12.1, pyqwest
0.12; 2 of 100 processes on a busy machine). A result that is there was written before that, so it counts."""
TAIL_LINES = 20
_TAIL_BYTES = 4096

LOST = "Lost"
"""Code of a failure: the process is gone and left neither result nor exit code."""
STOPPED = "Interrupted"
"""Code of a failure: something killed the process, not the task itself; Flyte's word for it."""
SERVER_STOPPED = "BackendStopped"
"""Code of a failure: the backend ended the process on its own way out. Counts against nothing."""
AWAY = "BackendAway"
"""Code of a failure: the process needed the backend while none answered. Not the task's doing."""
_NO_CONNECTION = re.compile(r"cannot connect|could not connect|connection refused|connectionrefused", re.IGNORECASE)
"""How aiohttp, botocore, gRPC and obstore say so."""
CRASHES = frozenset({CRASHED, LOST, STOPPED})
"""Codes of failures that tell of a process that ended badly and left no word."""
MISSING = "OutputsNotFound"
"""Code of a failure: the process ended well and there are no outputs."""
UNREADABLE = "BadResult"
"""Code of a failure: there is a result that cannot be read."""


def read(
    job: AttemptJob,
    storage: JobStorage,
    *,
    exit_code: int | None,
    ended_at: Micros,
    started_at: Micros | None,
    outputs: bool,
) -> AttemptOutcome:
    """Read how an attempt ended.

    Args:
        job: The attempt.
        storage: Where its results are.
        exit_code: As a shell would say it; None if nobody saw it.
        ended_at: When it ended.
        started_at: When it began.
        outputs: Whether the task declares any.
    """
    prefix = job.output_prefix
    failure = _error(storage, f"{prefix}/error.pb")
    futures = outputs_uri = ""
    if failure is None and exit_code in {0, SIGABRTED, None}:
        futures = _if_there(storage, f"{prefix}/futures.pb")
        outputs_uri = _if_there(storage, f"{prefix}/outputs.pb")
        if not futures and not outputs_uri:
            failure = _crash(job, SIGABRTED) if exit_code else _nothing(job, exit_code, outputs=outputs)
    elif failure is None:
        failure = _crash(job, exit_code or 1)
    return AttemptOutcome(
        ending=AttemptEnding.SUCCEEDED if failure is None else AttemptEnding.FAILED,
        ended_at=ended_at,
        failure=failure,
        outputs_uri=outputs_uri,
        futures_uri=futures,
        report_uri=report(job, storage),
        exit_code=exit_code,
        started_at=started_at,
    )


def while_away(outcome: AttemptOutcome, store: str, *, alone: bool) -> AttemptOutcome:
    """What a process has come to that ran while no backend answered: what it suffered from that is not its own doing.

    Args:
        outcome: As it was read.
        store: `host:port` of the store. An error that tells of no connection to it is ours, whoever raised it: the Flyte 2
            SDK gives a store up after three tries, 19 s (2.12.1), and writes that down when it is back.
        alone: Whether it also ended meanwhile: then it could leave no word.
    """
    failure = outcome.failure
    if failure is None:
        return outcome
    if not (alone and failure.code == CRASHED) and not (
        store in failure.message and _NO_CONNECTION.search(failure.message)
    ):
        return outcome
    text = f"the backend was away while the task needed it; another attempt begins\n{failure.message}"
    return replace(outcome, failure=AttemptFailure(AWAY, text, system=True, recoverable=True))


def report(job: AttemptJob, storage: JobStorage) -> str:
    """The URI of the attempt's report: Flyte 2's, or the deck that flytekit writes; empty if there is none."""
    for name in ("report.html", "deck.html"):
        if uri := _if_there(storage, f"{job.output_prefix}/{name}"):
            return uri
    return ""


def tail(log: Path) -> str:
    """The last lines of a log."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def _error(storage: JobStorage, uri: str) -> AttemptFailure | None:
    try:
        data = storage.read(uri)
    except NoSuchObject:
        return None
    document = execution_pb2.ErrorDocument()
    try:
        document.ParseFromString(data)
    except DecodeError:
        return AttemptFailure(
            UNREADABLE, f"{uri} holds no ErrorDocument ({len(data)} bytes)", system=True, recoverable=True
        )
    error = document.error
    system = error.origin == execution_pb2.ExecutionError.SYSTEM
    return AttemptFailure(
        code=error.code or "USER:Unknown",
        message=error.message,
        system=system,
        recoverable=error.kind == execution_pb2.ContainerError.RECOVERABLE,
    )


def _nothing(job: AttemptJob, exit_code: int | None, *, outputs: bool) -> AttemptFailure | None:
    if exit_code is None:
        return AttemptFailure(
            LOST,
            f"the process of {job.key}, attempt {job.attempt}, is gone and left no result; see {job.log_path.name}",
            system=True,
            recoverable=True,
        )
    if not outputs:
        return None
    return AttemptFailure(
        MISSING,
        f"the command ended with exit code 0 but wrote neither outputs.pb nor error.pb under {job.output_prefix}\n"
        + tail(job.log_path),
        system=True,
        recoverable=True,
    )


def _crash(job: AttemptJob, exit_code: int) -> AttemptFailure:
    last = tail(job.log_path)
    if exit_code == SIGKILLED:
        return AttemptFailure(
            STOPPED,
            f"the process was killed (SIGKILL) from outside, perhaps because memory ran out\n{last}".rstrip(),
            system=True,
            recoverable=True,
        )
    return AttemptFailure(CRASHED, f"the command ended with exit code {exit_code}\n{last}".rstrip(), recoverable=True)


def _if_there(storage: JobStorage, uri: str) -> str:
    return uri if storage.exists(uri) else ""
