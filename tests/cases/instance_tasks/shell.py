"""Shell tasks: with inputs, files in and out, more than one output, a script of its own file, and settings."""

import os
from typing import Tuple

from flytekit import Resources, kwtypes, task, workflow
from flytekit.extras.tasks.shell import OutputLocation, ShellTask
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile

greet = ShellTask(
    name="greet",
    debug=True,
    script="""
    set -e
    # awk's braces are doubled in a template
    echo "{inputs.word} {inputs.times}" | awk '{{print $1}}' > {outputs.said}
    """,
    inputs=kwtypes(word=str, times=int),
    output_locs=[OutputLocation(var="said", var_type=FlyteFile, location="said.txt")],
    requests=Resources(mem="200Mi"),
)

# two outputs, named after the input
both = ShellTask(
    "both",
    script="mkdir -p {outputs.folder} && cat {inputs.text} > {outputs.copy} && cp {outputs.copy} {outputs.folder}/",
    inputs={"text": FlyteFile, "name": str},
    output_locs=[
        OutputLocation(var="copy", var_type=FlyteFile, location="{inputs.name}.txt"),
        OutputLocation(var="folder", var_type=FlyteDirectory, location="{inputs.name}.d"),
    ],
)

quiet = ShellTask(name="quiet", script="true", shell="/bin/bash")


@task
def read(text: FlyteFile, folder: FlyteDirectory) -> Tuple[str, int]:
    with open(text) as file:
        return file.read().strip(), len(os.listdir(folder))


@workflow
def wf(word: str = "hello") -> Tuple[str, int]:
    said = greet(word=word, times=2)
    copy, folder = both(text=said, name="kept")
    done = quiet()
    text, size = read(text=copy, folder=folder)
    done >> said
    return text, size


computed = ShellTask(name="computed", script="echo " + "hello")
