"""Formats, aliases and string annotations."""

from __future__ import annotations

import csv
import tempfile
from typing import Annotated, Optional

from flytekit import task, workflow
from flytekit.types.file import CSVFile, FileExt, FlyteFile, JPEGImageFile

TAR_GZ = Annotated[str, FileExt("tar.gz")]

Table = FlyteFile["csv"]


def place(name: str) -> str:
    return f"{tempfile.mkdtemp()}/{name}"


@task
def table(rows: int) -> FlyteFile["csv"]:
    path = place("table.csv")
    with open(path, "w") as out:
        csv.writer(out).writerows([row, row * row] for row in range(rows))
    return path


@task
def archive(table: Table) -> FlyteFile[TAR_GZ]:
    path = place("table.tar.gz")
    with open(path, "wb") as out, open(table, "rb") as data:
        out.write(data.read())
    return FlyteFile[TAR_GZ](path)


@task
def picture() -> "JPEGImageFile":
    path = place("picture.jpeg")
    with open(path, "wb") as out:
        out.write(b"\xff\xd8\xff")
    return JPEGImageFile(path)


@task
def sizes(table: CSVFile, archive: FlyteFile[TAR_GZ], picture: Optional["JPEGImageFile"] = None) -> int:
    total = 0
    for file in (table, archive):
        total += len(open(file, "rb").read())
    if picture is not None:
        total += len(open(picture, "rb").read())
    return total


@workflow
def wf(rows: int = 3) -> int:
    made = table(rows=rows)
    return sizes(table=made, archive=archive(table=made), picture=picture())


if __name__ == "__main__":
    print(wf(rows=4))
