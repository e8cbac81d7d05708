"""Pure translators between Flyte 1 and Flyte 2: no I/O, no clock, no network, no global state.

- `source`: Flyte 1 Python text to Flyte 2 Python text.
- `graph`: the compile step, shared by everything that needs the shape of a workflow.
- `wire`: Flyte 1 messages to and from Flyte 2 messages.
"""
