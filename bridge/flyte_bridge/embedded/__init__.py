"""The embedded Flyte 2 backend: one process, SQLite, local files, subprocesses."""
