"""Directories that are filled, listed, walked and taken apart."""

import os
import tempfile
from pathlib import Path
from typing import List, Tuple

from flytekit import task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile


@task
def fill(names: List[str]) -> FlyteDirectory:
    folder = tempfile.mkdtemp()
    for name in names:
        Path(folder, name).write_text(name)
    return FlyteDirectory(path=folder)


@task
def fill_remote(names: List[str]) -> FlyteDirectory:
    folder = FlyteDirectory.new_remote()
    for name in names:
        file = folder.new_file(name)
        with file.open("w") as out:
            out.write(name * 2)
    return folder


@task
def names(folder: FlyteDirectory) -> List[str]:
    return sorted(os.listdir(folder))


@task
def contents(folder: FlyteDirectory) -> str:
    read = []
    for name in sorted(os.listdir(folder.path)):
        with open(os.path.join(folder.path, name)) as lines:
            read.append(lines.read())
    return " ".join(read)


@task
def walked(folder: FlyteDirectory) -> List[str]:
    folder.download()
    return sorted(relative for _, relative in folder.crawl())


@task
def first(folder: FlyteDirectory) -> FlyteFile:
    local = folder.download()
    return FlyteFile(os.path.join(local, sorted(os.listdir(local))[0]))


@task
def read(file: FlyteFile) -> str:
    return Path(file).read_text()


@workflow
def wf(files: List[str] = ["b.txt", "a.txt"]) -> Tuple[List[str], str, List[str], str]:
    folder = fill(names=files)
    remote = fill_remote(names=files)
    return names(folder=folder), contents(folder=remote), walked(folder=folder), read(file=first(folder=folder))


if __name__ == "__main__":
    a, b, c, d = wf()
    print(a, b, c, d)
