"""Files that are written, returned, taken and read."""

import asyncio
import json
import os
import tempfile
from pathlib import Path

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="read_and_write")
driver = flyte.TaskEnvironment(
    name="read_and_write-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def write_text(text: str) -> File:
    path = os.path.join(tempfile.mkdtemp(), "words.txt")
    with open(path, "w") as out:
        out.write(text)
    return File.from_local_sync(path)


@env.task
def write_later(words: int) -> File:
    # the file is made first and written afterwards
    report = "/tmp/flyte_bridge_case_report.json"
    with open(report, "w") as out:
        json.dump({"words": words}, out)
    print(os.path.basename(report))
    return File.from_local_sync(report)


@env.task
def count(words: File) -> int:
    """How many words there are, read twice."""
    words_path = words.download_sync()
    with open(words_path) as lines:
        first = len(lines.read().split())
    second = len(Path(words_path).read_text().split())
    assert first == second
    return first


@env.task
def shout(words: File) -> File:
    loud = File.new_remote(file_name="loud.txt")
    with words.open_sync("r") as lines, loud.open_sync("w") as out:
        out.write(lines.read().upper())
    return loud


@env.task
def name_of(words: File) -> str:
    return os.path.basename(words.path)


@env.task
def content(words: File) -> str:
    local = words.download_sync()
    return open(local).read()


@driver.task
async def wf(text: str = "two words") -> tuple[int, str, str, str]:
    words = await write_text.aio(text=text)

    async def run_content() -> tuple[int, str]:
        counted = await count.aio(words=words)
        report = await write_later.aio(words=counted)
        content_result_2 = await content.aio(words=report)
        return counted, content_result_2

    async def run_content_2() -> str:
        loud = await shout.aio(words=words)
        return await content.aio(words=loud)

    (counted, content_result_2), content_result, name_of_result = await asyncio.gather(
        run_content(), run_content_2(), name_of.aio(words=words)
    )
    return counted, content_result, name_of_result, content_result_2


if __name__ == "__main__":
    flyte.init()
    counted, loud, name, report = flyte.run(wf).outputs()
    print(counted, loud, name, report)
    print(open(flyte.run(write_text, text="by itself").outputs()[0].download_sync()).read())
