"""Container tasks that no variable of the module holds are converted, and their environment is left to do."""

from flytekit import ContainerTask, workflow

TOOLS = {"echo": ContainerTask(name="echo", image="alpine:3.20", command=["echo", "hello"])}


@workflow
def wf():
    TOOLS["echo"]()
