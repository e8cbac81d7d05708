"""`>>` between the node of one iteration and the next: they run in turn."""

from typing import List

from flytekit import dynamic, task
from flytekit.core.node_creation import create_node


@task
def step(x: int) -> int:
    return x


@dynamic
def in_turn(n: int = 2) -> List[int]:
    previous = create_node(step, x=0)
    found = []
    for i in range(n):
        # one after the other
        current = create_node(step, x=i)
        previous >> current
        previous = current
        found.append(current.o0)
    return found


if __name__ == "__main__":
    print(in_turn(n=3))
