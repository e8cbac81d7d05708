"""Shell tasks: with inputs, files in and out, more than one output, a script of its own file, and settings."""

import os
import flyte
from flyte.io import Dir, File
import subprocess
from typing import NamedTuple, Tuple

env = flyte.TaskEnvironment(name="shell")
greet_env = flyte.TaskEnvironment(name="shell-greet", resources=flyte.Resources(memory="200Mi"))
driver = flyte.TaskEnvironment(
    name="shell-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env, greet_env]
)


@greet_env.task
def greet(word: str, times: int) -> File:
    script = f"""
    set -e
    # awk's braces are doubled in a template
    echo "{word} {times}" | awk '{{print $1}}' > said.txt
    """
    print(script)
    subprocess.run(["/bin/sh", "-c", script], check=True)
    return File.from_local_sync("said.txt")


# two outputs, named after the input
BothOutputs = NamedTuple("BothOutputs", copy=File, folder=Dir)


@env.task
def both(text: File, name: str) -> BothOutputs:
    script = f"mkdir -p {name}.d && cat {text.download_sync()} > {name}.txt && cp {name}.txt {name}.d/"
    subprocess.run(["/bin/sh", "-c", script], check=True)
    return File.from_local_sync(f"{name}.txt"), Dir.from_local_sync(f"{name}.d")


@env.task
def quiet() -> None:
    script = "true"
    subprocess.run(["/bin/bash", "-c", script], check=True)


@env.task
def read(text: File, folder: Dir) -> Tuple[str, int]:
    with open(text.download_sync()) as file:
        return file.read().strip(), len(os.listdir(folder.download_sync()))


@driver.task
async def wf(word: str = "hello") -> Tuple[str, int]:
    await quiet.aio()
    said = await greet.aio(word=word, times=2)
    copy, folder = await both.aio(text=said, name="kept")
    text, size = await read.aio(text=copy, folder=folder)
    return text, size


try:
    from flytekit.extras.tasks.shell import ShellTask

    # TODO(flyte-bridge FB471): ShellTask: use flyte.extras.shell.create, or subprocess in a task
    computed = ShellTask(name="computed", script="echo " + "hello")
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    computed = None
