"""Text where a file is wanted: defaults, literals, remote files."""

from typing import Optional

from flytekit import task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile

BUCKET = "s3://bucket/data"


@task
def remote(uri: str) -> FlyteFile:
    return FlyteFile(uri)


@task
def constant() -> FlyteFile:
    return FlyteFile(f"{BUCKET}/x.csv")


@task
def unknown(path: str) -> FlyteFile:
    return FlyteFile(path=path)


@task
def elsewhere(target: str) -> FlyteFile:
    with open("/tmp/flyte_bridge_case_out.txt", "w") as out:
        out.write("x")
    return FlyteFile(path="/tmp/flyte_bridge_case_out.txt", remote_path=target)


@task
def source(file: FlyteFile = "s3://bucket/default.csv", folder: Optional[FlyteDirectory] = None) -> str:
    return file.remote_source


@workflow
def wf(file: FlyteFile = "s3://bucket/data.csv", local: FlyteFile = "data/local.csv") -> str:
    source(file=file)
    source(file=local)
    return source(file="https://example.com/a.csv")
