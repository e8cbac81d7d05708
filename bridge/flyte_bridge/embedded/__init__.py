"""An embedded Flyte 2 backend: one process, SQLite, local files, subprocesses.

The unmodified `flyte` SDK and CLI run on it.
"""
