import tempfile
from dataclasses import dataclass

from flytekit import task, workflow
from flytekit.types.file import FlyteFile


@dataclass
class Out:
    file: FlyteFile


@task
def never_closed() -> Out:
    handle = tempfile.NamedTemporaryFile(delete=False)
    handle.write(b"hello")
    return Out(file=FlyteFile(handle.name))


@task
def inside_with() -> FlyteFile:
    path = "inside.txt"
    with open(path, "w") as f:
        f.write("hello")
        return FlyteFile(path)


@task
def a_path_returned() -> FlyteFile:
    f = open("returned.txt", "w")
    f.write("hello")
    return "returned.txt"


@task
def closed() -> FlyteFile:
    f = open("closed.txt", "w")
    f.write("hello")
    f.close()
    return FlyteFile("closed.txt")


@task
def after_with() -> FlyteFile:
    with open("after.txt", "w") as f:
        f.write("hello")
    return FlyteFile("after.txt")


@task
def written_afterwards() -> Out:
    handle = tempfile.NamedTemporaryFile(delete=False)
    out = Out(file=FlyteFile(handle.name))
    handle.write(b"hello")
    handle.close()
    return out


@task
def of_this_file() -> Out:
    return Out(file=__file__)


@task
def unknown(values: dict) -> Out:
    return Out(file=values["path"])


@task
def with_metadata() -> FlyteFile:
    with open("metadata.txt", "w") as f:
        f.write("hello")
    return FlyteFile("metadata.txt", metadata={"k": "v"})


@task
def read(out: Out) -> str:
    with open(out.file) as f:
        return f.read()


@task
def metadata_of(f: FlyteFile) -> str:
    return str(f.metadata)


@workflow
def wf() -> str:
    return read(out=never_closed())
