"""`>>` and `runs_before`: an order without data."""

from flytekit import task, workflow
from flytekit.core.node_creation import create_node


@task
def create(name: str) -> str:
    print("create", name)
    return name


@task
def fill(rows: int) -> int:
    print("fill", rows)
    return rows


@task
def drop(name: str) -> None:
    print("drop", name)


@workflow
def ordered(name: str = "t") -> int:
    made = create(name=name)
    rows = fill(rows=3)
    dropped = drop(name=name)
    # the table must be there before it is filled
    made >> rows >> dropped
    return rows


@workflow
def nodes(name: str = "t") -> int:
    made = create_node(create, name=name)
    filled = create_node(fill, rows=4)
    dropped = create_node(drop, name=made.o0)
    made.runs_before(filled)
    filled >> dropped
    return filled.o0


@workflow
def direct(name: str = "t") -> None:
    create(name=name) >> drop(name=name)
