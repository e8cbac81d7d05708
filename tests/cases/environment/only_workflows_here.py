"""A file whose tasks are all elsewhere."""

from flytekit import workflow


@workflow
def nothing() -> None:
    """Does nothing yet."""
