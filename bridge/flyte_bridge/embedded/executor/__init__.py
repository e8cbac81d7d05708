"""Runs attempts: one subprocess each, with its own work directory, log file and process group.

```
Job ──► refuse ──► slots ──► environment, template ──► launcher ──► process ──► result ──► Outcome
        by name    room      whitelist, {{.input}}     forkserver               error.pb, futures.pb,
                                                       or plain process         exit code, outputs.pb
```

`Executor.run` is safe to call again for an attempt that an earlier server began: what finished meanwhile is picked up,
what still
runs is re-attached, what is lost is a system failure. Nothing is run twice.
"""

from flyte_bridge.embedded.executor.environment import backend as backend_env
from flyte_bridge.embedded.executor.executor import Executor
from flyte_bridge.embedded.executor.job import (
    AttemptEnding,
    AttemptEvent,
    AttemptFailure,
    AttemptJob,
    AttemptOutcome,
    JobStorage,
)
from flyte_bridge.embedded.executor.options import ExecutorOptions
from flyte_bridge.embedded_client.room import Room

__all__ = [
    "AttemptEnding",
    "AttemptEvent",
    "AttemptFailure",
    "AttemptJob",
    "AttemptOutcome",
    "Executor",
    "ExecutorOptions",
    "JobStorage",
    "Room",
    "backend_env",
]
