"""Equal questions that are asked at the same time."""

from __future__ import annotations

import asyncio

import pytest

from flyte_bridge.admin.caches import Pending


class Question:
    """Is answered when it may be, with how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_be_answered = asyncio.Event()

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await self.may_be_answered.wait()
        return number


def test_they_share_an_answer_until_something_is_changed() -> None:
    """One call for all who wait; who asks after a change gets an answer from after it; one that goes away takes it from nobody."""

    async def run() -> None:
        pending: Pending[str, int] = Pending()
        question = Question()
        waiting = [asyncio.ensure_future(pending.answer("run", question)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pending.drop("run")
        late = asyncio.ensure_future(pending.answer("run", question))
        await asyncio.sleep(0)
        question.may_be_answered.set()
        assert await asyncio.gather(*waiting[1:], late) == [1, 1, 2]
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]
        assert await pending.answer("run", question) == 3

    asyncio.run(run())


def test_a_refusal_is_everybodys() -> None:
    """And is not kept."""

    async def run() -> None:
        pending: Pending[str, int] = Pending()

        async def refuse() -> int:
            raise ValueError("no")

        answers = await asyncio.gather(*(pending.answer("run", refuse) for _ in range(2)), return_exceptions=True)
        assert [str(answer) for answer in answers] == ["no", "no"]

    asyncio.run(run())
