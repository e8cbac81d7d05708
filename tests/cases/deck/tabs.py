"""Decks and their renderers."""

from typing import Annotated

import flytekit
import pandas as pd
from flytekit import Deck, task, workflow
from flytekit.deck import MarkdownRenderer, TopFrameRenderer


@task(enable_deck=True)
def shown(rows: int) -> Annotated[pd.DataFrame, TopFrameRenderer(5)]:
    frame = pd.DataFrame({"row": range(rows)})
    Deck("frame", TopFrameRenderer(max_rows=3).to_html(frame))
    notes = Deck("notes", MarkdownRenderer().to_html("# Notes"))
    notes.append("<p>more</p>")
    markdown = MarkdownRenderer()
    flytekit.current_context().default_deck.append(markdown.to_html("*done*"))
    Deck.publish()
    return frame


@task(disable_deck=False)
async def waiting(rows: int) -> int:
    deck = Deck("live")
    deck.append(f"<p>{rows}</p>")
    flytekit.current_context().default_deck.append("<p>main</p>")
    Deck.publish()
    return rows


@task
def kept_to_itself() -> int:
    flytekit.Deck("nobody sees it", "<p>hidden</p>")
    flytekit.Deck.publish()
    return 1


def log_numbers(numbers: list) -> None:
    flytekit.current_context().default_deck.append(", ".join(map(str, numbers)))


@workflow
def wf() -> int:
    shown(rows=4)
    waiting(rows=2)
    return kept_to_itself()
