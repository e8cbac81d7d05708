"""Decks and their renderers."""

import asyncio

import flyte
import flyte.report
from markdown_it import MarkdownIt
import pandas as pd

env = flyte.TaskEnvironment(name="tabs")
driver = flyte.TaskEnvironment(
    name="tabs-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task(report=True)
def shown(rows: int) -> pd.DataFrame:
    frame = pd.DataFrame({"row": range(rows)})
    flyte.report.get_tab("frame").log(frame.to_html(max_rows=3, max_cols=100))
    notes = flyte.report.get_tab("notes")
    notes.log(MarkdownIt().render("# Notes"))
    notes.log("<p>more</p>")
    flyte.report.log(MarkdownIt().render("*done*"))
    flyte.report.flush()
    return frame


@env.task(report=True)
async def waiting(rows: int) -> int:
    deck = flyte.report.get_tab("live")
    deck.log(f"<p>{rows}</p>")
    await flyte.report.log.aio("<p>main</p>")
    await flyte.report.flush.aio()
    return rows


@env.task
def kept_to_itself() -> int:
    flyte.report.get_tab("nobody sees it").log("<p>hidden</p>")
    return 1


def log_numbers(numbers: list) -> None:
    flyte.report.get_tab("main").log(", ".join(map(str, numbers)))


@driver.task
async def wf() -> int:
    _, _, kept_to_itself_result = await asyncio.gather(
        shown.aio(rows=4), waiting(rows=2), kept_to_itself.aio()
    )
    return kept_to_itself_result
