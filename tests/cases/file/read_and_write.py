"""Files that are written, returned, taken and read."""

import json
import os
from pathlib import Path

import flytekit
from flytekit import task, workflow
from flytekit.types.file import FlyteFile


@task
def write_text(text: str) -> FlyteFile:
    path = os.path.join(flytekit.current_context().working_directory, "words.txt")
    with open(path, "w") as out:
        out.write(text)
    return FlyteFile(path)


@task
def write_later(words: int) -> FlyteFile:
    # the file is made first and written afterwards
    report = FlyteFile("/tmp/flyte_bridge_case_report.json")
    with open(report, "w") as out:
        json.dump({"words": words}, out)
    print(os.path.basename(report.path))
    return report


@task
def count(words: FlyteFile) -> int:
    """How many words there are, read twice."""
    with open(words) as lines:
        first = len(lines.read().split())
    second = len(Path(words).read_text().split())
    assert first == second
    return first


@task
def shout(words: FlyteFile) -> FlyteFile:
    loud = FlyteFile.new_remote_file("loud.txt")
    with words.open("r") as lines, loud.open("w") as out:
        out.write(lines.read().upper())
    return loud


@task
def name_of(words: FlyteFile) -> str:
    return os.path.basename(words.path)


@task
def content(words: FlyteFile) -> str:
    local = words.download()
    return open(local).read()


@workflow
def wf(text: str = "two words") -> tuple[int, str, str, str]:
    words = write_text(text=text)
    counted = count(words=words)
    report = write_later(words=counted)
    loud = shout(words=words)
    return counted, content(words=loud), name_of(words=words), content(words=report)


if __name__ == "__main__":
    counted, loud, name, report = wf()
    print(counted, loud, name, report)
    print(open(write_text(text="by itself")).read())
