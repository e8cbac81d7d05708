"""What a team imports in one place, for all its modules."""

import flytekit as fk
from flytekit import Resources, map_task, task, workflow
from flytekit import conditional as when

__all__ = ["LIMIT", "Resources", "fk", "map_task", "step", "task", "when", "workflow"]

step = fk.task
LIMIT = 3
