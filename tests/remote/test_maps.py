"""Maps over tasks that are registered elsewhere, and shell tasks, through flytekit's own client."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import User

WORK = """\
    from flytekit import kwtypes, map_task, reference_task, task, workflow
    from flytekit.extras.tasks.shell import OutputLocation, ShellTask
    from flytekit.types.file import FlyteFile

    @task
    def twice(x: int) -> int:
        return 2 * x

    @reference_task(project="flytesnacks", domain="development", name="mapped_work.twice", version="v1")
    def elsewhere(x: int) -> int: ...

    count = ShellTask(
        name="mapped_work.count",
        script="echo {inputs.word} | wc -c > {outputs.out}",
        inputs=kwtypes(word=str),
        output_locs=[OutputLocation(var="out", var_type=FlyteFile, location="out.txt")],
    )

    @task
    def read(file: FlyteFile) -> int:
        return int(open(file).read())

    @workflow
    def everything(xs: list[int], word: str) -> tuple[list[int], int]:
        return map_task(elsewhere)(x=xs), read(file=count(word=word))
"""

SCRIPT = """\
    from flytekit.configuration import Config, ImageConfig, SerializationSettings
    from flytekit.remote import FlyteRemote

    import mapped_work

    remote = FlyteRemote(
        Config.for_endpoint("flyte.example"), default_project="flytesnacks", default_domain="development"
    )
    image = ImageConfig.auto(img_name="example.org/app:1")
    settings = SerializationSettings(image_config=image, project="flytesnacks", domain="development", version="v1")
    remote.register_task(mapped_work.twice, settings, "v1")
    inputs = {"xs": [1, 2, 3], "word": "abc"}
    execution = remote.execute(mapped_work.everything, inputs=inputs, version="v1", image_config=image, wait=True)
    assert execution.error is None, execution.error
    print(execution.outputs["o0"], execution.outputs["o1"])
    remote.sync(execution, sync_nodes=True)
    # flytekit takes an element's type for that of the whole array when its target has its own interface
    print(execution.node_executions["n0"].outputs.get("o0", list[int]))
"""


def test_reference_and_shell_tasks(user: User) -> None:
    """A task that is known by its name only is mapped, each element with inputs of its own; a shell task's files go on."""
    user.write("mapped_work.py", WORK)
    path = os.pathsep.join(filter(None, [user.env.get("PYTHONPATH"), str(user.where)]))
    told = user.bridge("exec", user.write("script.py", SCRIPT), PYTHONPATH=path)
    assert told.splitlines()[-2:] == ["[2, 4, 6] 4", "[2, 4, 6]"]
