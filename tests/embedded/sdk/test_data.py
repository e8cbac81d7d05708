"""Values by reference: large files, trees and frames, where the client finds them, reports and code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import Client

MODULE = """
    import hashlib
    import os

    import flyte
    import flyte.report
    import pandas as pd
    from flyte.io import DataFrame, Dir, File

    env = flyte.TaskEnvironment(name="data")

    @env.task
    async def make(size: int) -> tuple[File, Dir, DataFrame]:
        with open("large.bin", "wb") as file:
            for number in range(size):
                file.write(bytes([number % 251]) * (1 << 20))
        os.makedirs("tree/sub/deep")
        for name in ("a.txt", "sub/b c+%.txt", "sub/deep/empty"):
            with open(f"tree/{name}", "w") as file:
                file.write("" if name.endswith("empty") else name)
        frame = pd.DataFrame({"n": range(1000)})
        return await File.from_local("large.bin"), await Dir.from_local("tree"), DataFrame.from_df(frame)

    @env.task
    async def use(large: File, tree: Dir, frame: DataFrame) -> tuple[str, list[str], int]:
        digest = hashlib.sha256()
        async with large.open("rb") as file:
            while piece := await file.read(1 << 20):
                digest.update(bytes(piece))
        place = await tree.download()
        names = sorted(
            os.path.relpath(os.path.join(root, name), place) for root, _, files in os.walk(place) for name in files
        )
        return digest.hexdigest(), names, int((await frame.open(pd.DataFrame).all())["n"].sum())

    @env.task
    async def main(size: int) -> tuple[str, list[str], int]:
        return await use(*await make(size))
"""

KINDS = """
    import os

    import flyte
    import pandas as pd
    from flyte.io import Dir, File
    from pydantic import BaseModel

    env = flyte.TaskEnvironment(name="kinds")

    class Bag(BaseModel):
        name: str
        file: File

    @env.task
    async def stream(mebibytes: int) -> File:
        remote = File.new_remote()
        async with remote.open("wb") as file:
            for number in range(mebibytes):
                await file.write(bytes([number]) * (1 << 20))
        return remote

    @env.task
    async def several(count: int) -> list[File]:
        names = [str(number) for number in range(count)]
        for name in names:
            with open(name, "w") as file:
                file.write(name)
        return [await File.from_local(name) for name in names]

    @env.task
    async def pack(file: File) -> Bag:
        return Bag(name="bag", file=file)

    @env.task
    async def count(files: list[File], bag: Bag) -> list[int]:
        total = 0
        for one in files:
            async with one.open("rb") as file:
                total += int(bytes(await file.read()))
        async with bag.file.open("rb") as file:
            return [total, len(await file.read())]

    @env.task
    async def folder() -> Dir:
        os.makedirs("x/y")
        for number in range(50):
            with open(f"x/y/{number}", "w") as file:
                file.write("a" * number)
        return await Dir.from_local("x")

    @env.task
    async def walk(place: Dir) -> int:
        return sum([1 async for _ in place.walk(recursive=True)])

    @env.task
    async def frame() -> pd.DataFrame:
        return pd.DataFrame({"a": range(100_000)})

    @env.task
    async def rows(frame: pd.DataFrame) -> int:
        return len(frame)

    @env.task
    async def text(mebibytes: int) -> str:
        return "x" * (mebibytes << 20)

    @env.task
    async def length(text: str) -> int:
        return len(text)

    @env.task
    async def main() -> list[int]:
        sizes = await count(await several(12), await pack(await stream(17)))
        return [*sizes, await walk(await folder()), await rows(await frame()), await length(await text(3))]
"""

REPORTING = """
    import asyncio
    import os
    import flyte
    import flyte.report

    env = flyte.TaskEnvironment(name="reporting")

    @env.task(report=True, retries=1)
    async def again() -> str:
        attempt = os.environ["FLYTE_ATTEMPT_NUMBER"]
        await flyte.report.replace.aio(f"<b>attempt {attempt}</b>", do_flush=True)
        if attempt == "0":
            raise RuntimeError("once more")
        return attempt

    @env.task(report=True)
    async def slow() -> None:
        await flyte.report.replace.aio("<b>so far</b>", do_flush=True)
        await asyncio.sleep(60)

    @env.task
    async def silent() -> None:
        pass
"""


def test_large_files_trees_and_frames(client: Client) -> None:
    """A file of many parts, a tree with odd names and an empty file, and a frame come to the next task as they were."""
    import hashlib

    client.write("data.py", MODULE)
    run = client.run("data.py", "main", "--size", "40")
    told = client.python(f'flyte.init_from_config(); tell(out=list(flyte.remote.Run.get("{run}").outputs()))')
    wanted = hashlib.sha256(b"".join(bytes([number % 251]) * (1 << 20) for number in range(40))).hexdigest()
    assert told["out"] == [wanted, ["a.txt", "sub/b c+%.txt", "sub/deep/empty"], 499500]


def test_values_of_every_kind(client: Client) -> None:
    """Streamed files, lists and models of files, walks, pandas' own frames and long texts pass between tasks."""
    client.write("kinds.py", KINDS)
    run = client.run("kinds.py", "main")
    told = client.python(f'flyte.init_from_config(); tell(out=flyte.remote.Run.get("{run}").outputs()[0])')
    assert told["out"] == [66, 17 << 20, 50, 100_000, 3 << 20]


def test_a_client_downloads_what_a_task_made(client: Client) -> None:
    """With the configuration that `up` prints, outputs are in `s3://flyte/…` and download to the client's disk."""
    client.write("data.py", MODULE)
    run = client.run("data.py", "make", "--size", "3")
    told = client.python(
        f"""
        import os
        from flyte.io import DataFrame, Dir, File
        flyte.init_from_config()
        large, tree, frame = flyte.remote.Run.get("{run}").outputs()
        place = tree.download_sync("tree")
        tell(paths=[large.path, tree.path, frame.uri], size=os.path.getsize(large.download_sync("large")),
             tree=sorted(os.listdir(place)))
        """
    )
    assert all(path.startswith("s3://flyte/") for path in told["paths"])
    assert told["size"] == 3 << 20
    assert told["tree"] == ["a.txt", "sub"]


def test_io_from_the_command_line(client: Client) -> None:
    """`flyte get io` shows inputs, outputs, or one of them, for a run and for an action, files by their place."""
    client.write(
        "inout.py",
        """
        import flyte
        from flyte.io import File

        env = flyte.TaskEnvironment(name="inout")

        @env.task
        async def child(word: str) -> File:
            with open("out.txt", "w") as file:
                file.write(word)
            return await File.from_local("out.txt")

        @env.task
        async def main(word: str = "hidden") -> tuple[File, int]:
            return await child(word * 2), len(word)
        """,
    )
    run = client.run("inout.py", "main", "--word", "flamingo")
    both = client.flyte("get", "io", run)
    assert "flamingo" in both
    assert "s3://flyte/" in both
    assert "s3://flyte/" not in client.flyte("get", "io", run, "--inputs-only")
    assert "flamingo" not in client.flyte("get", "io", run, "--outputs-only").replace("out.txt", "")
    told = client.python(
        f"""
        flyte.init_from_config()
        tell(names=[one.name for one in flyte.remote.Action.listall(for_run_name="{run}")])
        """
    )
    child = next(name for name in told["names"] if name != "a0")
    assert "flamingoflamingo" in client.flyte("get", "io", run, child)


def test_each_attempt_has_its_report(client: Client) -> None:
    """The report of the last attempt is the action's; that of one before can be asked for."""
    client.write("reporting.py", REPORTING)
    run = client.run("reporting.py", "again")
    told = client.python(
        f"""
        flyte.init_from_config()
        action = flyte.remote.Action.get(run_name="{run}", name="a0")
        tell(last=action.get_report(), first=action.get_report(attempt=1))
        """
    )
    assert "attempt 1" in told["last"]
    assert "attempt 0" in told["first"]


def test_a_report_is_served_while_its_task_runs(client: Client, eventually: Callable[..., Any]) -> None:
    """What a running task flushed can be read at once."""
    client.write("reporting.py", REPORTING)
    run = client.run("reporting.py", "slow", follow=False)
    ask = f"""
        flyte.init_from_config()
        try:
            tell(report=flyte.remote.Action.get(run_name="{run}", name="a0").get_report())
        except Exception as error:
            tell(error=str(error))
    """
    assert "so far" in eventually(lambda: client.python(ask).get("report"))
    client.flyte("abort", "run", run)


def test_no_report_is_said(client: Client) -> None:
    """An action without a report is NOT_FOUND, and says which."""
    client.write("reporting.py", REPORTING)
    run = client.run("reporting.py", "silent")
    told = client.python(
        f"""
        flyte.init_from_config()
        try:
            flyte.remote.Action.get(run_name="{run}", name="a0").get_report()
        except Exception as error:
            tell(error=str(error))
        """
    )
    assert f"{run}/a0 has written no report" in told["error"]


@pytest.mark.parametrize("style", ["loaded_modules", "all"])
def test_code_comes_back(client: Client, style: str) -> None:
    """The code a run ran can be downloaded without any storage credentials, whatever the copy style."""
    client.write("reporting.py", REPORTING)
    run = client.run("--copy-style", style, "reporting.py", "silent")
    told = client.python(
        f"""
        flyte.init_from_config()
        action = flyte.remote.Action.get(run_name="{run}", name="a0")
        place = action.download_code(dest="code-of-{style}")
        tell(text=(place / "reporting.py").read_text())
        """,
        env={"FLYTE_AWS_ENDPOINT": "http://127.0.0.1:9"},
    )
    assert "once more" in told["text"]
