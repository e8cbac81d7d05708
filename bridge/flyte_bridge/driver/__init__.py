"""Runs a compiled Flyte 1 workflow inside an action of Flyte 2: one child action per node.

```
main        arguments and environment → execution → outputs.pb or error.pb
execution   what all nodes of a run share: the backend, the storage, settings, the room for parallel nodes
children    a0's child actions: enqueued once, watched to their end
work        what a node can have done: a task, a record, a condition, a child run
scope       one (sub-)workflow under way: which node starts when, what becomes of failures
nodes/      what each kind of node does
```

Nothing here imports `flyte` or `flytekit`; values stay literals.
"""
