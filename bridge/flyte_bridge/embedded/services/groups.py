"""Task groups: a project's runs by their task, as the console's first page shows them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyteidl2.workflow import run_definition_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from flyte_bridge.backend.moments import from_timestamp, to_timestamp
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import messages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flyteidl2.workflow import run_service_pb2

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord

RECENT = 10
"""How many of a group's newest runs are told one by one."""

PAGE = 1000
"""Runs read at a time, and groups per message."""

GroupKey = tuple[str, str]
"""Task name and environment."""


@dataclass
class TaskRuns:
    """The runs of one task."""

    runs: dict[int, ActionRecord] = field(default_factory=dict)

    def message(self, key: GroupKey) -> pb.TaskGroup:
        """What is told of it."""
        runs = sorted(self.runs.values(), key=lambda one: (one.created_at, one.id), reverse=True)
        ended = [one for one in runs if one.ended_at is not None]
        failed = [one for one in ended if one.phase in {Phase.FAILED, Phase.TIMED_OUT}]
        started = [one for one in runs if one.started_at is not None]
        group = pb.TaskGroup(
            task_name=key[0],
            environment_name=key[1],
            short_name=runs[0].short_name,
            total_runs=len(runs),
            latest_run_time=to_timestamp(runs[0].created_at),
            average_failure_rate=len(failed) / len(ended) if ended else 0.0,
            average_duration=_average(one.duration_ms * 1000 for one in ended),
            average_time_to_running=_average((one.started_at or 0) - one.created_at for one in started),
            created_by=[messages.identity(subject) for subject in sorted({one.subject for one in runs if one.subject})],
        )
        if ended:
            group.latest_finished_time.CopyFrom(to_timestamp(max(one.ended_at or 0 for one in ended)))
        for one in runs[:RECENT]:
            group.recent_statuses.add(run_name=one.key.run, phase=int(one.phase))
        for phase, count in sorted(Counter(one.phase for one in runs).items()):
            group.phase_counts.add(phase=int(phase), count=count)
        kinds = Counter(pb.ErrorInfo.FromString(one.error).kind if one.error else 0 for one in failed)
        group.error_counts.user_error = kinds[pb.ErrorInfo.KIND_USER]
        group.error_counts.system_error = kinds[pb.ErrorInfo.KIND_SYSTEM]
        group.error_counts.unspecified_error = kinds[pb.ErrorInfo.KIND_UNSPECIFIED]
        return group


def _average(values: Iterable[int]) -> Duration:
    """The mean of microseconds."""
    known = list(values)
    mean = Duration()
    mean.FromMicroseconds(sum(known) // len(known) if known else 0)
    return mean


class Groups:
    """The groups of one project within a span of time, kept up to date."""

    def __init__(self, request: run_service_pb2.WatchGroupsRequest) -> None:
        self._project = (request.project_id.name, request.project_id.domain)
        self._start: Micros = from_timestamp(request.start_date) if request.HasField("start_date") else 0
        self.closed = request.HasField("end_date")
        self._end: Micros | None = from_timestamp(request.end_date) if self.closed else None
        self._groups: dict[GroupKey, TaskRuns] = {}

    def read(self, ledger: Ledger) -> Iterator[ActionRecord]:
        """The runs in question, newest first."""
        project, domain = self._project
        end = self._end if self._end is not None else 1 << 62
        before, last = end, 0
        while True:
            rows = ledger.rows(
                "WHERE a.parent IS NULL AND a.project = ? AND a.domain = ? AND a.created_at >= ? "
                "AND (a.created_at < ? OR (a.created_at = ? AND a.id < ?)) "
                "ORDER BY a.created_at DESC, a.id DESC LIMIT ?",
                (project, domain, self._start, before, before, last, PAGE),
            )
            for row in rows:
                record = ledger.load(row)
                before, last = record.created_at, record.id
                yield record
            if len(rows) < PAGE:
                return

    def put(self, record: ActionRecord) -> GroupKey | None:
        """Takes in a run; tells which group it changes."""
        inside = record.created_at >= self._start and (self._end is None or record.created_at < self._end)
        if (record.key.project, record.key.domain) != self._project or not inside:
            return None
        key = (record.task.name if record.task else "", record.environment)
        self._groups.setdefault(key, TaskRuns()).runs[record.id] = record
        return key

    def messages(self, keys: Iterable[GroupKey] | None = None) -> list[pb.TaskGroup]:
        """The groups, those with the newest runs first."""
        wanted = self._groups if keys is None else keys
        groups = [self._groups[key].message(key) for key in wanted]
        return sorted(groups, key=lambda group: group.latest_run_time.ToMicroseconds(), reverse=True)
