import tempfile
from dataclasses import dataclass

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="open_handles")
driver = flyte.TaskEnvironment(
    name="open_handles-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@dataclass
class Out:
    file: File


@env.task
def never_closed() -> Out:
    handle = tempfile.NamedTemporaryFile(delete=False)
    handle.write(b"hello")
    handle.flush()
    return Out(file=File.from_local_sync(handle.name))


@env.task
def inside_with() -> File:
    path = "inside.txt"
    with open(path, "w") as f:
        f.write("hello")
        f.flush()
        return File.from_local_sync(path)


@env.task
def a_path_returned() -> File:
    f = open("returned.txt", "w")
    f.write("hello")
    f.flush()
    return File.from_local_sync("returned.txt")


@env.task
def closed() -> File:
    f = open("closed.txt", "w")
    f.write("hello")
    f.close()
    return File.from_local_sync("closed.txt")


@env.task
def after_with() -> File:
    with open("after.txt", "w") as f:
        f.write("hello")
    return File.from_local_sync("after.txt")


@env.task
def written_afterwards() -> Out:
    handle = tempfile.NamedTemporaryFile(delete=False)
    out = Out(file=File.from_local_sync(handle.name))
    handle.write(b"hello")
    handle.close()
    return out


@env.task
def of_this_file() -> Out:
    return Out(file=File.from_local_sync(__file__))


@env.task
def unknown(values: dict) -> Out:
    return Out(file=values["path"])


@env.task
def with_metadata() -> File:
    with open("metadata.txt", "w") as f:
        f.write("hello")
    # TODO(flyte-bridge FB416): metadata={"k": "v"} was left out: a File has none
    return File.from_local_sync("metadata.txt")


@env.task
def read(out: Out) -> str:
    with open(out.file.download_sync()) as f:
        return f.read()


@env.task
def metadata_of(f: File) -> str:
    # TODO(flyte-bridge FB416): f.metadata: a File has no metadata
    return str(f.metadata)


@driver.task
async def wf() -> str:
    return await read.aio(out=await never_closed.aio())
