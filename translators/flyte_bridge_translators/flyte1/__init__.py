"""A compiled workflow of Flyte 1 as the whole house reads it: frozen, typed, and free of protobuf.

`read` is the only reader of `CompiledWorkflowClosure` messages; the compiler (`wire.compiler`) and what stands for runs of
Flyte 2 (`wire.foreign`, `wire.single_task`) are the only writers. What must be carried and not looked at (literals, types,
task templates) stays a message.

names      what propeller calls things: start-node, error codes, limits
bindings   where a parameter's value comes from
conditions what decides which arm of a branch runs
nodes      the kinds of nodes
closure    workflows, and what they refer to
read       from the messages to all of these
"""
