from typing import List

from flytekit import Workflow, task


@task
def t1(a: str) -> str:
    return a + " world"


@task
def t3(a: List[str]) -> str:
    return ",".join(a)


@task
def t4() -> None:
    pass


# Built piece by piece.
wf = Workflow(name="my.imperative.workflow")
in1 = wf.add_workflow_input("in1", str)
wf.add_workflow_input("in2", str)
n1 = wf.add_entity(t1, a=in1)
n3 = wf.add_entity(t3, a=[in1, wf.inputs["in2"]])
n4 = wf.add_entity(t4)
n3 >> n4
wf.add_workflow_output("one", n1.outputs["o0"])
wf.add_workflow_output("two", [n1.outputs["o0"], n3.outputs["o0"]], python_type=List[str])

single = Workflow(name="single")
word = single.add_workflow_input("word", str)
node = single.add_entity(t1, a=word)
single.add_workflow_output("greeting", node.outputs["o0"])


if __name__ == "__main__":
    print(single(word="hello"))
