"""Runs a compiled Flyte 1 workflow inside a Flyte 2 action: one child action per node.

```
main        arguments and environment → outputs.pb or error.pb
drive       the action's own template, inputs and settings → one workflow under way
scope       a (sub-)workflow under way: which node starts when, what becomes of failures
nodes/      what each kind of node does; array and dynamic beside it
binding     a node's inputs; condition decides branches
work        what a node can have done: a task, a record, a condition
children    the actions below the driver's: enqueued once, watched to their end; ended asks for those no watch tells of
execution   what all nodes share: the backend, the storage, settings, the room for parallel nodes
enforce     what an execution sets and a backend does not see to; timing keeps the time of nodes of many actions
recover     the run whose results are taken over (recover_record: an imported one); parent ends a child run with its parent
failure     Flyte 1's codes, error.pb; journal and report tell what happened
```

It imports neither `flyte` nor `flytekit`, and values stay literals. See docs/driver.md.
"""
