"""Whether a closure can be relied on: with the codes of the compiler that should have made it.

A closure is what flyteadmin's compiler, or ours (`wire.compiler`), has made; it may come from another version or may have been
damaged. The driver runs what it can and fails at the node that is broken; who draws a closure, or compares two, asks first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from flyte_bridge_translators.flyte1 import bindings
from flyte_bridge_translators.flyte1.names import END, START
from flyte_bridge_translators.flyte1.nodes import (
    ArrayNode,
    Awaited,
    BranchNode,
    GateNode,
    LaunchPlanNode,
    SubWorkflowNode,
    TaskNode,
)
from flyte_bridge_translators.graph import model
from flyte_bridge_translators.wire.compiler.problems import CompileErrorCode, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import networkx

    from flyte_bridge_translators.flyte1.closure import Closure, Workflow
    from flyte_bridge_translators.flyte1.nodes import Node


class BadClosure(ValueError):
    """Raised when a closure cannot be read.

    Attributes:
        problems: All that was found.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        listed = "\n".join(f"\tError {number}: {problem}" for number, problem in enumerate(self.problems))
        super().__init__(f"the compiled workflow cannot be used; register it again.\n{listed}")


def checked(closure: Closure) -> Closure:
    """The closure itself, if it can be relied on.

    Raises:
        BadClosure: Something it refers to is missing, two nodes have one id, or the nodes wait for each other.
    """
    workflows = (closure.primary, *closure.workflows.values())
    problems = [problem for workflow in workflows for problem in _problems(workflow, closure)]
    if problems:
        raise BadClosure(problems)
    return closure


def _problems(workflow: Workflow, closure: Closure) -> Iterator[Problem]:
    if not workflow.nodes:
        name = workflow.key.name
        yield _problem(CompileErrorCode.NO_NODES_FOUND, name, f"Can't find any nodes in workflow [{name}].")
    for name, count in Counter(node.id for node in workflow.walk()).items():
        if not name:
            yield _problem(CompileErrorCode.VALUE_REQUIRED, "<node>", "Value required [Id].")
        if count > 1:
            yield _problem(CompileErrorCode.DUPLICATE_ID, name, "Trying to insert two nodes with the same id.")
    for node in workflow.walk():
        yield from _of_node(node, node.id, closure)
    yield from _edges(workflow)
    cycle = sorted(node.id for node in _waiting_for_themselves(model.of(workflow)))
    if cycle:
        message = f"A cycle has been detected while traversing the Workflow [{'>'.join(cycle)}]."
        yield _problem(CompileErrorCode.CYCLE_DETECTED, START, message)


def _of_node(node: Node, name: str, closure: Closure) -> Iterator[Problem]:
    match node:
        case TaskNode():
            if node.task not in closure.tasks:
                yield _problem(
                    CompileErrorCode.TASK_REFERENCE_NOT_FOUND, name, f"Referenced Task [{node.task}] not found."
                )
        case SubWorkflowNode():
            # a workflow that names itself as its own sub-workflow is the primary
            if node.workflow not in {*closure.workflows, closure.primary.key}:
                message = f"Referenced Workflow [{node.workflow}] not found."
                yield _problem(CompileErrorCode.WORKFLOW_REFERENCE_NOT_FOUND, name, message)
        case LaunchPlanNode():
            pass
        case ArrayNode():
            if node.element.calls is None:
                yield _problem(
                    CompileErrorCode.VALUE_REQUIRED, name, "Value required [ArrayNode.Node: a task or a launch plan]."
                )
            else:
                yield from _of_node(node.element, name, closure)
        case GateNode():
            if node.awaited is Awaited.NOTHING:
                message = f"Can't find any condition in gate node [{name}]."
                yield _problem(CompileErrorCode.NO_CONDITION_FOUND, name, message)
        case BranchNode():
            yield from _of_branch(node)
        case _:
            yield _problem(CompileErrorCode.VALUE_REQUIRED, name, "Value required [Target].")


def _of_branch(branch: BranchNode) -> Iterator[Problem]:
    for case in branch.cases:
        if case.condition is None:
            message = "One of the branches on the node doesn't have a condition."
            yield _problem(CompileErrorCode.BRANCH_NODE_HAS_NO_CONDITION, branch.id, message)
        if case.node is None:
            yield _problem(CompileErrorCode.BRANCH_NODE_ID_NOT_FOUND, branch.id, "BranchNode not assigned")
    if branch.otherwise is None:
        message = "Branch Node must have either the else case set or a default error."
        yield _problem(CompileErrorCode.BRANCH_NODE_HAS_NO_DEFAULT, branch.id, message)


def _edges(workflow: Workflow) -> Iterator[Problem]:
    top = {node.id for node in workflow.nodes}
    known = {node.id for node in workflow.walk()}
    wanted = [(node.id, source) for first in workflow.nodes for node in first.walk() for source in node.upstream]
    for name, source in (*wanted, *((END, source) for source in bindings.nodes(workflow.outputs))):
        if source not in known:
            yield _problem(CompileErrorCode.NODE_REFERENCE_NOT_FOUND, name, f"Referenced node [{source}] not found.")
        elif source not in top and name != END:
            message = f"Referenced node [{source}] is in another branch."
            yield _problem(CompileErrorCode.NODE_REFERENCE_NOT_FOUND, name, message)


def _waiting_for_themselves(graph: networkx.DiGraph) -> list[Node]:
    """Take away what can start until nothing is left; what stays waits for itself."""
    missing = {node: graph.in_degree(node) for node in graph}
    ready = [node for node, count in missing.items() if not count]
    while ready:
        node = ready.pop()
        del missing[node]
        for after in graph.successors(node):
            missing[after] -= 1
            if not missing[after]:
                ready.append(after)
    return list(missing)


def _problem(code: CompileErrorCode, node: str, message: str) -> Problem:
    return Problem(code.value, node, message)
