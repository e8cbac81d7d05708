"""Runs a compiled Flyte 1 workflow inside a Flyte 2 action: one child action per node."""
