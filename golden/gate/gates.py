"""Approvals, inputs and a pause."""

import asyncio
from datetime import timedelta
from typing import List

import flyte
import flyte.durable

env = flyte.TaskEnvironment(name="gates")
driver = flyte.TaskEnvironment(
    name="gates-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def report(rows: List[int]) -> str:
    return f"{len(rows)} rows"


@env.task
def publish(text: str, title: str) -> str:
    return f"{title}: {text}"


@driver.task
async def signed(rows: List[int] = [1, 2]) -> str:
    """The title is asked for while the report is written."""

    async def run_approve():
        text = await report.aio(rows=rows)
        approval = await flyte.new_condition.aio("text-is-fine", prompt="Approve?", data_type=bool, timeout=timedelta(hours=2))
        if not await approval.wait.aio():
            raise RuntimeError('"text-is-fine" was not approved')
        return text

    async def run_wait_for_input() -> str:
        answer = await flyte.new_condition.aio("title", data_type=str, timeout=timedelta(hours=1))
        return await answer.wait.aio()

    approved, title = await asyncio.gather(run_approve(), run_wait_for_input())
    return await publish.aio(text=approved, title=title)


@driver.task
async def paused(rows: List[int] = [1, 2]) -> str:
    await flyte.durable.sleep.aio(1)
    text = await report.aio(rows=rows)
    return text


@driver.task
async def parsed(rows: List[int] = [1, 2]) -> str:
    # TODO(flyte-bridge FB232): a condition carries bool, int, float or str, not `List[int]`
    answer = await flyte.new_condition.aio("extra", data_type=List[int], timeout=timedelta(hours=1))
    extra = await answer.wait.aio()
    return await report.aio(rows=extra)
