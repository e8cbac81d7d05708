"""`core-sleep`: an action that waits, without a process.

Flyte 2 has it as a plugin inside the executor (`flyteplugins/go/tasks/plugins/core/sleep/plugin.go`): one input, a
duration. When it
began is written down, so that a restarted server waits for the rest only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flyte_bridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flyteidl2.core.literals_pb2 import Literal

    from flyte_bridge.backend.moments import Micros

FILE = "sleep.json"


def duration(inputs: Mapping[str, Literal]) -> float:
    """Return how long to sleep, in seconds.

    Raises:
        UsageError: There is not exactly one input, or it is no duration.
    """
    if len(inputs) != 1:
        raise UsageError(
            f"core-sleep takes one input, a duration; it got {len(inputs)}: {', '.join(sorted(inputs)) or 'none'}"
        )
    ((name, literal),) = inputs.items()
    if literal.scalar.primitive.WhichOneof("value") != "duration":
        raise UsageError(f"core-sleep takes a duration; its input {name!r} is none")
    return max(0.0, float(literal.scalar.primitive.duration.ToMicroseconds()) / 1e6)


def began(work_dir: Path, now: Micros) -> tuple[Micros, bool]:
    """Return when the sleep began, and whether that was before this server; `now` and False the first time."""
    path = work_dir / FILE
    try:
        return int(json.loads(path.read_text())["at"]), True
    except (OSError, ValueError, KeyError):
        work_dir.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"at": now}))
        temporary.replace(path)
        return now, False
