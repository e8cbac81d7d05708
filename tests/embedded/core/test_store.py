"""The store: what is written stays, follows from the log, and is never half a record."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.backend.keys import ActionKey, TaskKey, TriggerKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import events
from flyte_bridge.embedded.events import StatusChange
from flyte_bridge.embedded.ledger import ActionExists, Ledger
from flyte_bridge.embedded.migrations import MIGRATIONS
from flyte_bridge.embedded.model import ActionRecord, ActionType, EventKind
from flyte_bridge.embedded.store import Store
from flyte_bridge.embedded.watch import Hub, of_action
from flyte_bridge.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = ActionKey("p", "d", "r", "a0")


def record(key: ActionKey = ROOT, **fields: object) -> ActionRecord:
    """An action as it begins."""
    given = {"parent": None if key.is_root else "a0", "type": ActionType.TASK, "phase": Phase.QUEUED, **fields}
    return ActionRecord(id=0, version=0, key=key, created_at=1, updated_at=1, **given)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = Store(tmp_path / "flyte.db")
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    """Its actions."""
    return Ledger(store, Hub())


def test_a_record_comes_back_as_it_was_written(ledger: Ledger) -> None:
    """Every field survives the way to the row and back."""
    written = ledger.create(
        record(
            group="g",
            subject="me",
            source=2,
            trigger=TriggerKey("p", "d", "t", "n"),
            trigger_revision=3,
            task=TaskKey("p2", "d2", "t", "v"),
            cache_key="k",
            input_uri="s3://in",
            run_output_base="s3://out",
            spec=b"\x00\xff",
            run_spec=b"\x01",
        ),
        task_spec=b"spec",
    )
    assert ledger.find(ROOT) == written
    assert ledger.task_spec(written) == b"spec"


def test_the_row_is_the_fold_of_the_log(ledger: Ledger) -> None:
    """Replaying an action's entries gives its row, at every step."""
    ledger.create(record())
    for change in (
        StatusChange(Phase.RUNNING, started_at=5),
        StatusChange(Phase.QUEUED, attempts=2),
        StatusChange(Phase.RUNNING, started_at=9),
        StatusChange(Phase.FAILED, ended_at=12, error=b"\xff\x00", cache_status=1),
    ):
        ledger.change(ROOT, change)
        row = ledger.find(ROOT)
        assert row is not None
        entries = ledger.entries(row)
        assert events.replay(entry for entry in entries if entry.kind is not EventKind.ATTEMPT) == row
    assert (row.started_at, row.ended_at, row.attempts, row.error) == (5, 12, 2, b"\xff\x00")


def test_the_first_end_is_final(ledger: Ledger) -> None:
    """After an end nothing changes and nothing is logged."""
    ledger.create(record())
    ended = ledger.change(ROOT, StatusChange(Phase.SUCCEEDED))
    assert ended is not None
    assert ledger.change(ROOT, StatusChange(Phase.ABORTED)) is None
    assert ledger.find(ROOT) == ended
    assert len(ledger.entries(ended)) == 2


def test_the_log_is_append_only(store: Store, ledger: Ledger) -> None:
    """The database itself refuses to change or forget an entry."""
    ledger.create(record())
    for sql in ("UPDATE log SET phase = 5", "DELETE FROM log"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store.run(sql)


def test_a_second_action_of_a_name_changes_nothing(ledger: Ledger) -> None:
    """The one that is there is told."""
    first = ledger.create(record())
    with pytest.raises(ActionExists) as caught:
        ledger.create(record(group="other"))
    assert caught.value.record == first == ledger.find(ROOT)


def test_ten_thousand_children_share_one_spec(store: Store, ledger: Ledger) -> None:
    """A task's spec is stored once."""
    with store.transaction():
        ledger.create(record())
        for number in range(50):
            ledger.create(record(ROOT.sibling(f"c{number}")), task_spec=b"x" * 1000)
    assert store.one("SELECT count(*) FROM task_specs")[0] == 1


def test_a_transaction_is_all_or_nothing_and_tells_after_the_commit(store: Store, ledger: Ledger) -> None:
    """What is rolled back was never there, and nobody hears of it."""
    heard: list[ActionRecord] = []
    ledger.hub.listen(heard.append)

    def fail() -> None:
        with store.transaction():
            ledger.create(record())
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert (ledger.find(ROOT), heard) == (None, [])
    with store.transaction():
        ledger.create(record())
        assert heard == []
    assert [one.key for one in heard] == [ROOT]


def test_subtrees_have_all_that_is_below(ledger: Ledger) -> None:
    """An action's subtree is itself and its descendants, not its siblings."""
    ledger.create(record())
    for name, parent in (("b", "a0"), ("c", "b"), ("d", "c"), ("e", "a0")):
        ledger.create(record(ROOT.sibling(name), parent=parent))
    assert [one.key.name for one in ledger.subtree(ROOT.sibling("b"))] == ["b", "c", "d"]
    assert [one.key.name for one in ledger.subtree(ROOT)] == ["a0", "b", "c", "d", "e"]


async def _next(subscription: object) -> ActionRecord:
    return await subscription.next()  # type: ignore[attr-defined]


def test_a_subscription_does_not_repeat_the_snapshot(ledger: Ledger) -> None:
    """A change between subscribing and reading is told once: by the snapshot."""
    import asyncio

    ledger.create(record())
    with ledger.hub.subscribe(of_action(ROOT)) as changes:
        ledger.change(ROOT, StatusChange(Phase.INITIALIZING))
        snapshot = ledger.find(ROOT)
        assert snapshot is not None
        changes.seen(snapshot)
        ledger.change(ROOT, StatusChange(Phase.RUNNING))
        assert asyncio.run(_next(changes)).phase is Phase.RUNNING
    assert ledger.hub.watchers == 0


# -- what can be wrong with a database --------------------------------------------------------------------------------


def test_an_older_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    """A database that knows only the first step gets the rest, and keeps what it has."""
    path = tmp_path / "flyte.db"
    database = sqlite3.connect(path)
    database.executescript(MIGRATIONS[0].sql)
    database.execute("INSERT INTO task_specs VALUES (x'01', x'02')")
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    store = Store(path)
    assert store.one("PRAGMA user_version")[0] == len(MIGRATIONS)
    assert store.one("SELECT count(*) FROM task_specs")[0] == 1
    assert store.one("SELECT count(*) FROM projects")[0] == 0
    store.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A database of a newer flyte-bridge is left alone, and the message says what to do."""
    path = tmp_path / "flyte.db"
    Store(path).close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    database.close()
    with pytest.raises(StoreError, match=r"newer flyte-bridge.*Upgrade"):
        Store(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Garbage is refused with a message and not overwritten."""
    path = tmp_path / "flyte.db"
    path.write_bytes(b"not a database at all, but long enough to look" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="damaged"):
        Store(path)
    assert path.read_bytes() == before


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    """A page overwritten in the middle is found when the database is opened."""
    path = tmp_path / "flyte.db"
    store = Store(path)
    ledger = Ledger(store, Hub())
    with store.transaction():
        ledger.create(record())
        for number in range(500):
            ledger.create(record(ROOT.sibling(f"c{number}")))
    store.close()
    damaged = bytearray(path.read_bytes())
    for page in range(20, len(damaged) // 4096):
        damaged[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged"):
        Store(path)


def test_a_full_disk_refuses_and_keeps_what_was_there(store: Store, ledger: Ledger) -> None:
    """No room: the change is refused as a whole with a message; once there is room again, it works."""
    ledger.create(record())
    pages = store.one("PRAGMA page_count")[0]
    store.run(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreError, match="The disk is full"):
        ledger.create(record(ROOT.sibling("big"), spec=b"x" * 100_000))
    assert ledger.find(ROOT.sibling("big")) is None
    assert ledger.change(ROOT, StatusChange(Phase.RUNNING)) is not None
    store.run("PRAGMA max_page_count = 1000000")
    assert ledger.create(record(ROOT.sibling("big"), spec=b"x" * 100_000)).id


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A path that cannot be opened is refused with a message."""
    with pytest.raises(StoreError, match="cannot open"):
        Store(tmp_path / "missing" / "flyte.db")
