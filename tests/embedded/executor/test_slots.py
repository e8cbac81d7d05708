"""Room on the machine is given by requests, deeper actions first, and never to parents that only wait."""

from __future__ import annotations

import asyncio

from flyte_bridge.embedded.executor.slots import Slots
from flyte_bridge.embedded_client.room import DEFAULT, NOTHING, Room, whole_machine


def cores(count: float) -> Room:
    return Room(int(count * 1000), 0)


def slots(count: float) -> Slots:
    return Slots(Room(int(count * 1000), 1 << 40))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_the_machine_has_room_for_something() -> None:
    """The default request fits, several times."""
    assert DEFAULT.within(whole_machine())


def test_no_more_runs_than_fits() -> None:
    """The third of three one-core tasks waits on two cores until one is done."""

    async def main() -> None:
        room = slots(2)
        assert room.try_take("a", cores(1))
        assert room.try_take("b", cores(1))
        assert not room.try_take("c", cores(1))
        waiting = asyncio.ensure_future(room.take("c", cores(1)))
        await settle()
        assert not waiting.done()
        room.release("a")
        await waiting
        assert room.free == Room(0, 1 << 40)

    asyncio.run(main())


def test_memory_bounds_too() -> None:
    """Either of the two being short is enough to wait."""
    room = Slots(Room(8000, 100))
    assert room.try_take("a", Room(1, 60))
    assert not room.try_take("b", Room(1, 60))
    assert room.try_take("c", Room(1, 40))


def test_a_request_above_the_machine_runs_alone() -> None:
    """A laptop is smaller than a cluster; the task still runs."""

    async def main() -> None:
        room = slots(2)
        assert room.try_take("small", cores(1))
        big = asyncio.ensure_future(room.take("big", cores(64)))
        await settle()
        assert not big.done()
        room.release("small")
        await big
        assert not room.try_take("other", cores(0.1))

    asyncio.run(main())


def test_a_waiting_parent_holds_nothing() -> None:
    """With as many parents as cores, the children still run; a parent that wakes takes its share back at once."""

    async def main() -> None:
        room = slots(2)
        for parent in ("p1", "p2"):
            assert room.try_take(parent, cores(1))
            room.pause(parent)
        assert room.try_take("child1", cores(1))
        assert room.try_take("child2", cores(1))
        room.resume("p1")
        assert room.free.cpu == -1000
        waiting = asyncio.ensure_future(room.take("child3", cores(1)))
        room.release("child1")
        await settle()
        assert not waiting.done()
        room.release("p1")
        await waiting

    asyncio.run(main())


def test_deeper_actions_go_first() -> None:
    """What is begun is finished before more is begun; equals go in the order of asking."""

    async def main() -> None:
        room = slots(1)
        assert room.try_take("running", cores(1))
        order: list[str] = []

        async def ask(name: str, depth: int) -> None:
            await room.take(name, cores(1), depth=depth)
            order.append(name)
            await asyncio.sleep(0)
            room.release(name)

        asking = [asyncio.ensure_future(ask(*who)) for who in (("root1", 0), ("leaf1", 2), ("root2", 0), ("leaf2", 2))]
        await settle()
        room.release("running")
        await asyncio.gather(*asking)
        assert order == ["leaf1", "leaf2", "root1", "root2"]
        assert room.free == room.capacity

    asyncio.run(main())


def test_a_large_request_is_not_overtaken() -> None:
    """Small ones that would fit wait behind it, or it would wait forever."""

    async def main() -> None:
        room = slots(2)
        assert room.try_take("a", cores(1))
        big = asyncio.ensure_future(room.take("big", cores(2)))
        await settle()
        assert not room.try_take("small", cores(1))
        room.release("a")
        await big

    asyncio.run(main())


def test_a_cancelled_wait_takes_nothing() -> None:
    """Neither while it waits nor when room was just given to it."""

    async def main() -> None:
        room = slots(1)
        assert room.try_take("a", cores(1))
        first = asyncio.ensure_future(room.take("b", cores(1)))
        await settle()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        room.release("a")
        assert room.free == room.capacity
        assert room.try_take("a", cores(1))
        second = asyncio.ensure_future(room.take("b", cores(1)))
        await settle()
        room.release("a")
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert room.free == room.capacity

    asyncio.run(main())


def test_pausing_what_holds_nothing_is_nothing() -> None:
    """As with core-sleep, which takes no room."""
    room = slots(1)
    room.pause("nobody")
    room.resume("nobody")
    room.release("nobody")
    assert room.free == room.capacity


def test_what_needs_nothing_never_waits() -> None:
    """A driver begins on a full machine, past those who queue for it: what it adds is what they wait for."""

    async def main() -> None:
        room = slots(1)
        assert room.try_take("a", cores(1))
        queued = asyncio.ensure_future(room.take("b", cores(1)))
        room.force("c", cores(1))
        await settle()
        assert room.try_take("driver", NOTHING)
        assert not queued.done()
        room.release("a")
        room.release("c")
        await queued

    asyncio.run(main())
