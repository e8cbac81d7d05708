"""A file of plain Python with names that only look like Flyte's."""

from collections import namedtuple

File = namedtuple("File", "path")


def open_file(file: File) -> str:
    with open(file.path) as lines:
        return lines.read()


def current_context() -> dict:
    return {"execution_id": 1}


print(current_context()["execution_id"])
