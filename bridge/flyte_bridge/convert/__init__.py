"""Flyte 1 source files to Flyte 2 source files: reading, the passes in order, writing."""
