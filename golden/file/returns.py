"""Paths that Flyte 1 turned into files on the way out."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="returns")
driver = flyte.TaskEnvironment(
    name="returns-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

Pair = NamedTuple("Pair", left=File, size=int)


@dataclass
class Bundle:
    data: File
    note: str = ""


def scratch(name: str) -> str:
    path = Path(tempfile.mkdtemp()) / name
    path.write_text(name)
    return str(path)


@env.task
def one() -> File:
    return File.from_local_sync(scratch("one"))


@env.task
def path() -> File:
    place = Path(tempfile.mkdtemp()) / "path"
    place.write_text("path")
    return File.from_local_sync(place)


@env.task
def several() -> List[File]:
    return [File.from_local_sync(scratch(name)) for name in ("a", "b")]


@env.task
def collected(n: int) -> List[File]:
    files = []
    for index in range(n):
        files.append(File.from_local_sync(scratch(f"file{index}")))
    return files


@env.task
def appended(n: int) -> List[File]:
    paths: List[str] = []
    for index in range(n):
        paths.append(scratch(f"path{index}"))
    return [File.from_local_sync(path) for path in paths]


@env.task
def by_name() -> Dict[str, File]:
    return {"x": File.from_local_sync(scratch("x")), "y": File.from_local_sync(scratch("y"))}


@env.task
def pair() -> Pair:
    return Pair(left=File.from_local_sync(scratch("left")), size=4)


@env.task
def two() -> Tuple[File, int]:
    return File.from_local_sync(scratch("two")), 2


@env.task
def bundle() -> Bundle:
    return Bundle(data=File.from_local_sync(scratch("bundled")), note="n")


@env.task
def maybe(give: bool) -> Optional[File]:
    return File.from_local_sync(scratch("given")) if give else None


@env.task
def read(
    one: File,
    several: List[File],
    by_name: Dict[str, File],
    bundle: Bundle,
    maybe: Optional[File] = None,
) -> str:
    words = [open(one.download_sync()).read()]
    for file in several:
        words.append(open(file.download_sync()).read())
    words += [open(file.download_sync()).read() for _, file in sorted(by_name.items())]
    words.append(Path(bundle.data.download_sync()).read_text() + bundle.note)
    if maybe:
        words.append(open(maybe.download_sync()).read())
    return " ".join(words)


@env.task
def content(file: File) -> str:
    with open(file.download_sync(), "r", encoding="utf-8") as lines:
        return lines.read()


@driver.task
async def wf() -> Tuple[str, str, str, str, str]:
    async def run_content() -> str:
        left, _ = await pair.aio()
        return await content.aio(file=left)

    async def run_content_2() -> str:
        second, __2 = await two.aio()
        return await content.aio(file=second)

    async def run_read() -> str:
        one_result, several_result, by_name_result, bundle_result, maybe_result = await asyncio.gather(
            one.aio(), several.aio(), by_name.aio(), bundle.aio(), maybe.aio(give=True)
        )
        return await read.aio(
            one=one_result, several=several_result, by_name=by_name_result, bundle=bundle_result, maybe=maybe_result
        )

    async def run_more() -> str:
        path_result, collected_result, by_name_result_2, bundle_result_2 = await asyncio.gather(
            path.aio(), collected.aio(n=2), by_name.aio(), bundle.aio()
        )
        return await read.aio(one=path_result, several=collected_result, by_name=by_name_result_2, bundle=bundle_result_2)

    async def run_last() -> str:
        path_result_2, appended_result, by_name_result_3, bundle_result_3 = await asyncio.gather(
            path.aio(), appended.aio(n=1), by_name.aio(), bundle.aio()
        )
        return await read.aio(one=path_result_2, several=appended_result, by_name=by_name_result_3, bundle=bundle_result_3)

    content_result, content_result_2, text, more, last = await asyncio.gather(
        run_content(), run_content_2(), run_read(), run_more(), run_last()
    )
    return text, more, last, content_result, content_result_2


if __name__ == "__main__":
    flyte.init()
    a, b, c, d, e = flyte.run(wf).outputs()
    print(a, b, c, d, e, sep="\n")
