"""The embedded backend as the open-source Go backend of August 2026 behaves where the two differ: for tests.

`FLYTE_BRIDGE_EMBEDDED_LIKE=go` turns it on. Nothing here is wished for; a bridge that is right with this mode and without it is
right on both. Measured on the real one, whose source files (flyteorg/flyte) are named.

| what | the Go backend | where |
|---|---|---|
| answers | compressed for whoever accepts that | `compressed` |
| a snapshot of children | custom resources: the parent's too, no traces (`actions/service/actions_service.go`) | `actions` |
| what has ended | is collected after an hour (`executor/pkg/config`) | `actions` |
| a watch of an action that is not there | empty, and stays open | `actions` |
| enqueued twice | a trace and a condition are taken, a task is INTERNAL (`actions/k8s/client.go`) | `actions` |
| enqueued when it was collected | runs again | `actions` |
| why a child was aborted | told by nobody | `actions` |
| a child of a run that has ended | INTERNAL: its parent is not found | `actions` |
| time-outs in a watch | without an error | `actions` |
| an action just enqueued | NOT_FOUND to readers and to RunService's abort, until an informer writes its row | `runs` |
| errors in details | message and kind, no code (`ErrorInfo`) | `runs` |
| an abort of a run that has ended | overwrites what it had come to (`runs/repository/impl/action.go`) | `runs` |
| a filter by a list of one value | INTERNAL | `runs` |
| who asks | known from the headers of what stands before it; else UNAUTHENTICATED | `identity` |
| a run's name that exists | the run that is there is the answer, and has the new inputs | `runs` |
| a name that a run of another project or domain holds | queued for ever (`buildTaskActionName` knows neither) | `behaviour` |
| the data of a trace that names an error | INTERNAL: the error is no outputs (`runs/service/run_service.go`) | `data` |
| a failed trace | recorded as succeeded (`runs/service/internal_run_service.go`) | `behaviour` |
| a process without `error.pb` that ends badly | is started anew, in the same attempt, without end | `behaviour` |
| a task's time-outs | enforced by nobody | `behaviour` |
| outputs | a missing `outputs.pb` is a system failure; an empty one is success with an `error.pb` beside it | `behaviour` |
| reports | told of every attempt, at `report.html`; no `deck.html` is found | `behaviour`, `data` |
| recovery | unknown: the driver's own is all there is | `recovery` |
| an upload's headers | a `Content-Length` that is the checksum's | `data` |
| triggers | looked at every 30 seconds (`runs/scheduler`) | the scheduler's `poll` |

Not so here: a fixed rate of zero, which it stores and fires without end, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

POLL = 30.0
"""Seconds between two looks at the triggers."""


@dataclass(frozen=True)
class GoLike:
    """How much like it.

    Attributes:
        forgets_after: Seconds after which what has ended is collected; an hour there.
        row_after: Seconds after which a reader finds an action that was enqueued.
        restart_pause: Seconds before a process that ended badly is started anew.
    """

    forgets_after: float = 3600.0
    row_after: float = 0.3
    restart_pause: float = 0.5
