"""Documents: texts by name; and what is kept in memory, for how long it is true."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl2.task import task_definition_pb2
from hypothesis import given
from hypothesis import strategies as st

from flyte_bridge.admin.entities import TASKS
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.errors import InternalError
from flyte_bridge.registry.cache import BodyCache, Row, VersionCache
from flyte_bridge.registry.listing import ListQuery
from flyte_bridge.registry.plans import PlanState
from flyte_bridge_translators.wire import document
from flyte_bridge_translators.wire.filter import SortOrder

from .entities import square_request

if TYPE_CHECKING:
    from flyte_bridge.registry import Registry

    from .conftest import Use

WHERE = ("flytesnacks", "development")


@given(st.text())
def test_any_text_is_kept(text: str) -> None:
    """In the task that carries it; a short one in its description, too, of a long one what changes with it."""
    spec = document.to_spec(document.task_id(*WHERE, "kind.name", org="local"), text)
    again = task_definition_pb2.TaskSpec.FromString(spec.SerializeToString())
    assert document.text_of(again.task_template.custom) == text
    told, mark = document.listed(again.documentation.short_description)
    assert told in (text, None)
    assert told is not None or len(text.encode()) > document.MOST_INLINE or not text.isprintable()
    assert len(mark.encode()) <= 255


@given(st.text(min_size=1), st.text(min_size=1))
def test_documents_about_different_things_have_different_names(one: str, other: str) -> None:
    """Also those whose names are too long to be kept whole."""
    for long in ("", "x" * 300):
        names = [document.name("kind", long + of) for of in (one, other)]
        assert (names[0] == names[1]) == (one == other)
        for name in names:
            assert len(document.task_id(*WHERE, name, org="local").name) <= 255


def test_a_document_is_replaced_and_read(use: Use) -> None:
    """One that was never written is empty."""
    name = f"test.{uuid.uuid4().hex}"

    async def act(registry: Registry) -> list[str]:
        found = [await registry.documents.get(*WHERE, name)]
        for text in ("one", "two " * 100, ""):
            await registry.documents.put(*WHERE, name, text)
            found.append(await registry.documents.get(*WHERE, name))
        return found

    assert use(act) == ["", "one", "two " * 100, ""]


def test_documents_of_a_kind_are_read_with_one_call(use: Use) -> None:
    """Short ones with the list; long ones once, and again when they have changed; empty ones are left out."""
    kind = f"kind{uuid.uuid4().hex[:8]}"
    long = "many words " * 50

    async def act(registry: Registry) -> None:
        documents, asked = registry.documents, []
        get = registry.deployed.get

        async def counting(task_id: Any) -> Any:
            asked.append(task_id.name)
            return await get(task_id)

        registry.deployed.get = counting  # type: ignore[method-assign]
        await documents.put_all(*WHERE, {f"{kind}.a": "short", f"{kind}.b": long, f"{kind}.c": "", f"{kind}x.d": "no"})

        async def found() -> dict[str, str]:
            return {row.name.rpartition(".")[2]: text for row, text in await documents.of_kind(kind, *WHERE)}

        assert await found() == {"a": "short", "b": long}
        assert await found() == {"a": "short", "b": long}
        assert asked == [f"flyte1.document.{kind}.b"]
        await documents.put(*WHERE, f"{kind}.b", long + "!")
        assert (await found())["b"] == long + "!"
        assert len(asked) == 2

    use(act)


def test_something_else_under_a_reserved_name_is_told(use: Use) -> None:
    """A task that somebody deployed there is no document."""
    name = f"test.{uuid.uuid4().hex}"

    async def act(registry: Registry) -> None:
        where = document.task_id(*WHERE, name, org="local")
        spec = document.to_spec(where, "text")
        spec.task_template.ClearField("custom")
        await registry.deployed.put(where, spec)
        await registry.documents.get(*WHERE, name)

    with pytest.raises(InternalError, match="something else was deployed under a reserved name"):
        use(act)


def test_a_list_sees_what_another_process_registers(use: Use, caller: Any) -> None:
    """A new version of a name that was listed before, and a new name: at once, though the rest is not read again."""
    suffix = uuid.uuid4().hex[:8]
    names = [f"one.{suffix}", f"two.{suffix}"]

    def listed(order: SortOrder | None) -> ListQuery:
        return ListQuery(*WHERE, "", (), order, 0, 10_000)

    async def act(registry: Registry) -> None:
        async with BackendClient(caller()) as backend:
            from flyte_bridge.registry import Registry as Another

            another = Another(backend, registry.settings)

            async def found(order: SortOrder | None = None) -> list[str]:
                tasks = await registry.listing.page(TASKS, listed(order))
                return [f"{task.id.name}:{task.id.version}" for task in tasks if task.id.name in names]

            await registry.put_task(square_request("v1", names[0]))
            assert await found() == [f"{names[0]}:v1"]
            await another.put_task(square_request("v2", names[0]))
            await another.put_task(square_request("v1", names[1]))
            expected = [f"{names[0]}:v1", f"{names[0]}:v2", f"{names[1]}:v1"]
            assert await found() == expected
            assert await found(SortOrder("created_at", descending=True)) == expected[::-1]

    use(act)


def test_the_newest_are_found_without_reading_every_name(use: Use) -> None:
    """Newest first with a limit: only names that can have one of them are asked for their versions."""
    suffix = uuid.uuid4().hex[:8]

    async def act(registry: Registry) -> list[str]:
        for number in range(40):
            await registry.put_task(square_request("v1", f"n{number}.{suffix}"))
        asked: list[str] = []
        all_versions = registry.deployed.all_versions

        async def counting(latest: Row) -> Any:
            asked.append(latest.name)
            return await all_versions(latest)

        registry.deployed.all_versions = counting  # type: ignore[method-assign]
        newest = ListQuery(*WHERE, "", (), SortOrder("created_at", descending=True), 0, 3)
        tasks = await registry.listing.page(TASKS, newest)
        assert [task.id.name for task in tasks] == [f"n{number}.{suffix}" for number in (39, 38, 37)]
        return asked

    assert len(use(act)) <= 32


def row(name: str, version: str = "v1", at: int = 0) -> Row:
    return Row("p", "d", name, version, datetime.fromtimestamp(at, timezone.utc))


def test_versions_are_known_while_the_latest_is_the_same() -> None:
    """Another latest, or the same deployed anew, forgets them."""
    cache = VersionCache()
    versions = (row("n", "v2", 2), row("n", "v1", 1))
    cache.put(versions[0], versions)
    assert cache.get(row("n", "v2", 2)) == versions
    assert cache.get(row("n", "v3", 3)) is None
    assert cache.get(row("n", "v2", 9)) is None
    assert cache.get(row("m", "v2", 2)) is None


def test_the_memory_for_entities_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were not asked for longest go first."""
    monkeypatch.setattr(BodyCache, "_MOST", 1000)
    cache = BodyCache()
    for number in range(5):
        cache.put(row(f"n{number}"), task_definition_pb2.TaskSpec(short_name="x" * 300))
        cache.get(row("n0"))
    kept = [number for number in range(5) if cache.get(row(f"n{number}")) is not None]
    assert kept == [0, 3, 4]


def test_a_state_that_cannot_be_read_says_what_to_do() -> None:
    """Activating a version again writes it anew."""
    at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    state = PlanState("plan", "v2", "v1", at)
    assert PlanState.read(state.text()) == state
    for broken in ("", "[]", '{"name": "plan"}'):
        with pytest.raises(InternalError, match="activate a version of it again"):
            PlanState.read(broken)


def test_reads_do_not_run_all_at_once() -> None:
    """However many there are, a few are under way."""
    from flyte_bridge.registry.deployed import TOGETHER, together

    running = most = 0

    async def one(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return number

    async def act() -> list[int]:
        return await together((lambda n=n: one(n)) for n in range(100))  # type: ignore[misc]

    assert asyncio.run(act()) == list(range(100))
    assert most == TOGETHER
