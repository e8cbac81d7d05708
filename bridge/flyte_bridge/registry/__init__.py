"""Flyte 1's tasks, workflows and launch plans, kept in Flyte 2 as deployed tasks, with Flyte 1's immutability.

```python
registry = Registry(backend, settings)
await registry.put_task(request)
task = await registry.get_task(identifier)
```

Every gateway and every in-process client sees the same state, and none has a database: what is not a deployed task is a
document (`documents`). Which version of a launch plan is active, and its schedule, is `registry.plans`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flyte_bridge.registry.registry import Registry

__all__ = ["Registry"]


def __getattr__(name: str) -> Any:  # Registry takes flyteidl, which the driver may want without
    if name == "Registry":
        from flyte_bridge.registry.registry import Registry

        return Registry
    raise AttributeError(name)
