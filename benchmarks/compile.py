"""How long Flyte 1's workflows take to be compiled and read as graphs, and how much memory that needs.

`python benchmarks/compile.py` prints one line per shape and size: processor seconds to compile and to read, how many times
those of a tenth of the nodes, the closure's bytes, and by how much the process has grown. Each line is a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

from flyteidl.core import identifier_pb2, tasks_pb2, workflow_pb2

from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.wire import workflow

SIZES = (100, 1_000, 10_000)
Parts = tuple[workflow_pb2.WorkflowTemplate, list[workflow_pb2.WorkflowTemplate], list[tasks_pb2.TaskTemplate]]


def task(name: str) -> tasks_pb2.TaskTemplate:
    """A task of two inputs, one of them a dataclass with its schema, as flytekit registers it; it gives a subclass."""
    template = tasks_pb2.TaskTemplate(type="python-task")
    template.id.CopyFrom(_id(identifier_pb2.TASK, name))
    template.container.image = "registry.example/app:1"
    template.container.args.extend(["pyflyte-execute", "--inputs", "{{.input}}", "--resolver", f"app.{name}"])
    template.interface.inputs.variables["a"].type.simple = 1
    for variables, fields in ((template.interface.inputs.variables, 8), (template.interface.outputs.variables, 9)):
        variables["o0"].type.simple = 9
        properties = {f"f{n}": {"type": "integer"} for n in range(fields)}
        variables["o0"].type.metadata.update({"type": "object", "properties": properties, "title": f"Row{fields}"})
    return template


def chain(size: int) -> Parts:
    """One after the other, all the same task."""
    return _nodes(size, lambda at: at - 1, lambda _: "step")


def wide(size: int) -> Parts:
    """All at once."""
    return _nodes(size, lambda _: -1, lambda _: "step")


def tree(size: int) -> Parts:
    """Each after the one at half its number; every node a task of its own."""
    return _nodes(size, lambda at: at // 2 - 1, lambda at: f"step{at}")


def nested(size: int) -> Parts:
    """A sub-workflow of ten nodes for each ten nodes, with a branch in it."""
    main, _, tasks = _nodes(1, lambda _: -1, lambda _: "step")
    subs = []
    for number in range(size // 10):
        sub, _, _ = _nodes(9, lambda at: at - 1, lambda _: "step")
        sub.id.name = f"app.sub{number}"
        branch = sub.nodes.add(id="n9")
        _bind(branch.inputs.add(var="a"), "", "x")
        case = branch.branch_node.if_else.case
        case.condition.comparison.left_value.var = "a"
        case.condition.comparison.right_value.primitive.integer = number
        case.then_node.CopyFrom(sub.nodes[1])
        case.then_node.id = "n0"
        branch.branch_node.if_else.error.message = "no"
        subs.append(sub)
        node = main.nodes.add(id=f"s{number}")
        node.workflow_node.sub_workflow_ref.CopyFrom(sub.id)
        for name in ("x", "row"):
            _bind(node.inputs.add(var=name), "", name)
    return main, subs, tasks


def _nodes(size: int, before: Callable[[int], int], of: Callable[[int], str]) -> Parts:
    tasks = {name: task(name) for name in {of(at): None for at in range(size)}}
    template = workflow_pb2.WorkflowTemplate(id=_id(identifier_pb2.WORKFLOW, "app.flow"))
    row = next(iter(tasks.values())).interface.inputs.variables["o0"]
    template.interface.inputs.variables["x"].type.simple = 1
    template.interface.inputs.variables["row"].CopyFrom(row)
    template.interface.outputs.variables["o0"].CopyFrom(row)
    for at in range(size):
        node = template.nodes.add(id=f"n{at}")
        node.metadata.name = of(at)
        node.task_node.reference_id.CopyFrom(tasks[of(at)].id)
        _bind(node.inputs.add(var="a"), "", "x")
        source = before(at)
        _bind(node.inputs.add(var="o0"), *(("", "row") if source < 0 else (f"n{source}", "o0")))
    _bind(template.outputs.add(var="o0"), f"n{size - 1}", "o0")
    return template, [], list(tasks.values())


def _bind(binding: workflow_pb2.literals__pb2.Binding, node: str, variable: str) -> None:
    binding.binding.promise.node_id, binding.binding.promise.var = node, variable


def _id(kind: int, name: str) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(resource_type=kind, project="p", domain="d", name=name, version="v1")


SHAPES = {shape.__name__: shape for shape in (chain, wide, tree, nested)}


def measure(shape: str, size: int) -> None:
    """Print seconds to compile, seconds to read, bytes, kibibytes."""
    template, subs, tasks = SHAPES[shape](size)
    read.closure(workflow.compile(*chain(3)))  # imports are not what is measured
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    closure = workflow.compile(template, subs, tasks)
    compiled = time.process_time()
    read.closure(closure)
    done = time.process_time()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(compiled - start, done - compiled, closure.ByteSize(), after - before)


def main() -> None:
    if len(sys.argv) > 1:
        measure(sys.argv[1], int(sys.argv[2]))
        return
    print(
        f"{'shape':<8} {'nodes':>7} {'compile s':>10} {'x':>6} {'read s':>8} {'x':>6} {'closure MB':>11} {'grown MiB':>10}"
    )
    for shape in SHAPES:
        last: list[float] = []
        for size in SIZES:
            command = [sys.executable, __file__, shape, str(size)]
            now = [
                float(part)
                for part in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            ]
            ratios = [f"{new / old:.1f}" if old else "" for new, old in zip(now, last, strict=False)] or ["", ""]
            print(
                f"{shape:<8} {size:>7} {now[0]:>10.3f} {ratios[0]:>6} {now[1]:>8.3f} {ratios[1]:>6} "
                f"{now[2] / 1e6:>11.2f} {now[3] / 1024:>10.1f}"
            )
            last = now


if __name__ == "__main__":
    main()
