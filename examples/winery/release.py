"""From a score to a released model: a gate, an audit line, and a registry that wants a token."""

import json
import os
from datetime import timedelta
from typing import NamedTuple, Optional

from flytekit import Secret, conditional, current_context, task, workflow
from flytekit.types.file import FlyteFile

from winery.schema import Grade, Scores
from winery.settings import laboratory, small
from winery.training import train

Release = NamedTuple("Release", card=FlyteFile, where=str)

REGISTRY_TOKEN = Secret(group="registry", key="token")


@task(container_image=laboratory, timeout=timedelta(minutes=5), interruptible=True)
def grade(scores: Scores) -> Grade:
    return Grade.RESERVE if scores.f1 > 0.9 else Grade.TABLE


@task(container_image=laboratory)
def is_reserve(grade: Grade) -> bool:
    return grade is Grade.RESERVE


@task(container_image=laboratory)
def weakest(scores: Scores) -> float:
    """How often the cultivar that is hardest to tell is told right."""
    return min(scores.per_cultivar.values())


@task
def reserve_note(accuracy: float) -> str:
    return f"reserve: {accuracy:.3f}"


@task
def table_note(accuracy: float) -> str:
    return f"table wine: {accuracy:.3f}"


@task(container_image=laboratory, environment={"CARD_INDENT": "2"})
def write_card(note: str, scores: Scores) -> FlyteFile:
    path = os.path.join(current_context().working_directory, "card.json")
    with open(path, "w") as card:
        json.dump({"note": note, "mistakes": scores.mistakes}, card, indent=2)
    return FlyteFile(path)


@task(container_image=laboratory)
def audit(note: str) -> None:
    print(f"released: {note}")


@task(container_image=laboratory, requests=small, secret_requests=[REGISTRY_TOKEN])
def publish(card: FlyteFile, registry: Optional[str] = None) -> str:
    """Send the card to a registry; without one it stays where it is."""
    with open(card) as lines:
        note = json.load(lines)["note"]
    if registry is None:
        return f"kept ({note})"
    token = current_context().secrets.get(group="registry", key="token")
    return f"{registry}?as={token[:2]}*** ({note})"


@workflow
def release(registry: Optional[str] = None) -> Release:
    """Train, grade, and publish; the audit line is written before anything leaves the house."""
    scores, accuracy = train()
    reserve = is_reserve(grade=grade(scores=scores))
    lowest = weakest(scores=scores)
    note = (
        conditional("quality")
        .if_(reserve.is_true())
        .then(reserve_note(accuracy=accuracy))
        .elif_((lowest > 0.5) & (reserve.is_false()))
        .then(table_note(accuracy=accuracy))
        .else_()
        .fail("too many mistakes to release")
    )
    card = write_card(note=note, scores=scores)
    audited = audit(note=note)
    where = publish(card=card, registry=registry)
    audited >> where
    return Release(card=card, where=where)
