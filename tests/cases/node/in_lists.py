"""Nodes kept in a list: their order and their outputs are left to do by hand."""

from typing import List

from flytekit import task, workflow
from flytekit.core.node_creation import create_node


@task
def step(x: int) -> int:
    return x


@workflow
def listed(x: int = 3) -> List[int]:
    nodes = [create_node(step, x=x), create_node(step, x=4)]
    # the first comes first
    nodes[0] >> nodes[1]
    return [nodes[0].o0, nodes[1].o0]


if __name__ == "__main__":
    print(listed(x=3))
