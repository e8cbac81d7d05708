"""Data moved by hand through flytekit's file access."""

import os
from pathlib import Path

import flytekit
from flytekit import FlyteContextManager, task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile


@task
def moved(text: str) -> str:
    ctx = FlyteContextManager.current_context()
    source = os.path.join(ctx.file_access.get_random_local_directory(), "a.txt")
    Path(source).write_text(text)
    target = os.path.join(ctx.file_access.get_random_local_directory(), "b.txt")
    ctx.file_access.get_data(source, target)
    ctx = flytekit.current_context()
    Path(ctx.working_directory, "c.txt").write_text(text)
    return Path(target).read_text()


@task
def folder(names: list[str]) -> FlyteDirectory:
    made = FlyteContextManager.current_context().file_access.get_random_local_directory()
    for name in names:
        Path(made, name).write_text(name)
    return FlyteDirectory(made)


@task
def listed(folder: FlyteDirectory) -> int:
    files = FlyteDirectory.listdir(folder)
    return sum(len(Path(file).read_text()) for file in files)


@task
def size(path: str) -> int:
    return os.path.getsize(FlyteFile("/tmp/flyte_bridge_case_size.txt")) if path == "" else len(path)


@workflow
def wf(text: str = "text", names: list[str] = ["a", "bb"]) -> tuple[str, int, int]:
    return moved(text=text), listed(folder=folder(names=names)), size(path="abc")


if __name__ == "__main__":
    a, b, c = wf()
    print(a, b, c)
