"""Following a log: what is there, what comes, and the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flyte_bridge.embedded import logs
from flyte_bridge.embedded.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def _all(path: Path) -> list[str]:
    async def read() -> list[str]:
        ended = asyncio.Event()
        ended.set()
        return [line.text async for lines in logs.follow(path, ended, SystemClock()) for line in lines]

    return asyncio.run(asyncio.wait_for(read(), 60))


def test_an_ended_log_is_read_whole(tmp_path: Path) -> None:
    """Lines keep their ends, the last one gets one, and a progress bar's returns are no ends."""
    path = tmp_path / "1.log"
    path.write_bytes(b"one\n\n 50%\r100%\ntwo\r\nlast")
    assert _all(path) == ["one\n", "\n", " 50%\r100%\n", "two\r\n", "last\n"]


def test_no_log_is_an_empty_log(tmp_path: Path) -> None:
    """An attempt that wrote nothing has no lines."""
    assert _all(tmp_path / "1.log") == []
    (tmp_path / "1.log").touch()
    assert _all(tmp_path / "1.log") == []


def test_bytes_that_are_no_text_are_shown_so(tmp_path: Path) -> None:
    """What is not UTF-8 becomes replacement characters, not an error."""
    (tmp_path / "1.log").write_bytes(b"\xff\xfe\n\xe2\x82\xac\n")
    assert _all(tmp_path / "1.log") == ["��\n", "€\n"]


def test_a_line_without_end_comes_in_pieces(tmp_path: Path) -> None:
    """A megabyte without a line end is cut, so that no message is too large, and nothing of it is lost."""
    (tmp_path / "1.log").write_bytes(b"x" * 1_000_000)
    lines = _all(tmp_path / "1.log")
    assert all(len(line) <= 64 * 1024 + 1 for line in lines)
    assert "".join(line.rstrip("\n") for line in lines) == "x" * 1_000_000


def test_a_large_log_is_read_whole(tmp_path: Path) -> None:
    """Three megabytes come complete and in order."""
    text = [f"line {number}\n" for number in range(200_000)]
    (tmp_path / "1.log").write_text("".join(text))
    assert _all(tmp_path / "1.log") == text


def test_a_log_is_followed(tmp_path: Path) -> None:
    """Lines come as they are written, half lines once they are whole, and what was written last before the end too."""
    path = tmp_path / "1.log"
    seen: list[str] = []

    async def read(ended: asyncio.Event) -> None:
        async for lines in logs.follow(path, ended, SystemClock()):
            seen.extend(line.text for line in lines)

    async def wait_for(count: int) -> None:
        while len(seen) < count:
            await asyncio.sleep(0.01)

    async def write() -> None:
        ended = asyncio.Event()
        reader = asyncio.ensure_future(read(ended))
        await asyncio.sleep(0.05)
        with path.open("ab", buffering=0) as file:
            file.write(b"one\nhal")
            await asyncio.wait_for(wait_for(1), 30)
            await asyncio.sleep(0.2)
            assert seen == ["one\n"]
            file.write(b"f\n")
            await asyncio.wait_for(wait_for(2), 30)
            file.write(b"last words\nand no end")
            ended.set()
        await asyncio.wait_for(reader, 30)

    asyncio.run(write())
    assert seen == ["one\n", "half\n", "last words\n", "and no end\n"]


def test_silence_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a quiet task hears from time to time that there is nothing new; clients give up in silence."""
    monkeypatch.setattr(logs, "QUIET", 0.05)
    batches: list[int] = []

    async def read() -> None:
        ended = asyncio.Event()
        async for lines in logs.follow(tmp_path / "1.log", ended, SystemClock()):
            batches.append(len(lines))
            if len(batches) == 3:
                ended.set()

    asyncio.run(asyncio.wait_for(read(), 30))
    assert batches[:3] == [0, 0, 0]
