"""Parameters Flyte 2 has nothing for are reported, one by one."""

from flytekit import task, workflow
from flytekit.deck import DeckField


@task(deprecated="use the other one", enable_deck=True, deck_fields=(DeckField.INPUT,))
def old(x: int) -> int:
    return x


@workflow(interruptible=True)
def wf(x: int = 1) -> int:
    return old(x=x)
