"""Paths that Flyte 1 turned into files on the way out."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

from flytekit import task, workflow
from flytekit.types.file import FlyteFile

Pair = NamedTuple("Pair", left=FlyteFile, size=int)


@dataclass
class Bundle:
    data: FlyteFile
    note: str = ""


def scratch(name: str) -> str:
    path = Path(tempfile.mkdtemp()) / name
    path.write_text(name)
    return str(path)


@task
def one() -> FlyteFile:
    return scratch("one")


@task
def path() -> FlyteFile:
    place = Path(tempfile.mkdtemp()) / "path"
    place.write_text("path")
    return place


@task
def several() -> List[FlyteFile]:
    return [scratch(name) for name in ("a", "b")]


@task
def collected(n: int) -> List[FlyteFile]:
    files = []
    for index in range(n):
        files.append(FlyteFile(path=scratch(f"file{index}")))
    return files


@task
def appended(n: int) -> List[FlyteFile]:
    paths: List[str] = []
    for index in range(n):
        paths.append(scratch(f"path{index}"))
    return paths


@task
def by_name() -> Dict[str, FlyteFile]:
    return {"x": FlyteFile(scratch("x")), "y": FlyteFile(scratch("y"))}


@task
def pair() -> Pair:
    return Pair(left=FlyteFile(scratch("left")), size=4)


@task
def two() -> Tuple[FlyteFile, int]:
    return scratch("two"), 2


@task
def bundle() -> Bundle:
    return Bundle(data=FlyteFile(scratch("bundled")), note="n")


@task
def maybe(give: bool) -> Optional[FlyteFile]:
    return FlyteFile(scratch("given")) if give else None


@task
def read(
    one: FlyteFile,
    several: List[FlyteFile],
    by_name: Dict[str, FlyteFile],
    bundle: Bundle,
    maybe: Optional[FlyteFile] = None,
) -> str:
    words = [open(one).read()]
    for file in several:
        words.append(open(file).read())
    words += [open(file).read() for _, file in sorted(by_name.items())]
    words.append(Path(bundle.data).read_text() + bundle.note)
    if maybe:
        words.append(open(maybe).read())
    return " ".join(words)


@task
def content(file: FlyteFile) -> str:
    with open(file, "r", encoding="utf-8") as lines:
        return lines.read()


@workflow
def wf() -> Tuple[str, str, str, str, str]:
    left, _ = pair()
    second, _ = two()
    text = read(one=one(), several=several(), by_name=by_name(), bundle=bundle(), maybe=maybe(give=True))
    more = read(one=path(), several=collected(n=2), by_name=by_name(), bundle=bundle())
    last = read(one=path(), several=appended(n=1), by_name=by_name(), bundle=bundle())
    return text, more, last, content(file=left), content(file=second)


if __name__ == "__main__":
    a, b, c, d, e = wf()
    print(a, b, c, d, e, sep="\n")
