"""A compiled Flyte 1 workflow as graphs of `model` nodes; the payload of each node is its v1 `Node` message.

`start-node` and `end-node` are left out: an edge from the first says nothing, and the end is the template's `outputs`.
What runs only in an arm of a branch is in that `Arm`'s own graph.

`read` expects what flyteadmin's compiler, or ours (`wire.workflow`), has made, and checks what a reader relies on, with
that compiler's codes: a closure may come from another version or may have been damaged.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flyte_bridge_translators.graph import model
from flyte_bridge_translators.wire.compiler.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import networkx

START = "start-node"
END = "end-node"

Key = tuple[str, str, str, str]
"""Project, domain, name and version of a task, workflow or launch plan."""


class BadClosure(ValueError):
    """Raised when a closure cannot be read.

    Attributes:
        problems: All that was found.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        listed = "\n".join(f"\tError {number}: {problem}" for number, problem in enumerate(self.problems))
        super().__init__(f"the compiled workflow cannot be used; register it again.\n{listed}")


@dataclass(frozen=True, eq=False, slots=True)
class Workflow:
    """A workflow of a closure.

    Attributes:
        template: Its v1 `WorkflowTemplate`: interface, output bindings, failure policy.
        graph: Its nodes. An edge's `kind` is `model.DATA`, `ORDER` or `ARM`.
        nodes: Its nodes by id, those in arms of branches included, as their ids are unique in the workflow.
        failure: What runs after a failure.
    """

    template: Any
    graph: networkx.DiGraph
    nodes: dict[str, model.Node]
    failure: model.Node | None = None

    @property
    def key(self) -> Key:
        """Its identifier."""
        return key(self.template.id)


@dataclass(frozen=True, eq=False, slots=True)
class Closure:
    """Everything that a compiled workflow carries along.

    Attributes:
        primary: The workflow itself.
        sub_workflows: The static ones it uses.
        tasks: v1 `TaskTemplate`s.
        launch_plans: v1 `LaunchPlanTemplate`s, where the closure has them (those of dynamic nodes do).
    """

    primary: Workflow
    sub_workflows: dict[Key, Workflow] = field(default_factory=dict)
    tasks: dict[Key, Any] = field(default_factory=dict)
    launch_plans: dict[Key, Any] = field(default_factory=dict)

    def task_of(self, node: model.Node) -> Any | None:
        """The template of a node's task; for a map, of its elements' task. None when the node has no task."""
        payload = node.payload
        if payload.HasField("array_node"):
            payload = payload.array_node.node
        if not payload.HasField("task_node"):
            return None
        return self.tasks[key(payload.task_node.reference_id)]

    def sub_workflow_of(self, node: model.Node) -> Workflow | None:
        """The workflow that a node runs in the same execution, or None when it runs none."""
        payload = node.payload
        if payload.HasField("array_node"):
            payload = payload.array_node.node
        reference = payload.workflow_node
        if not payload.HasField("workflow_node") or not reference.HasField("sub_workflow_ref"):
            return None
        return self.sub_workflows[key(reference.sub_workflow_ref)]


def key(identifier: Any) -> Key:
    """What tells one v1 `Identifier` from another of its kind."""
    return (identifier.project, identifier.domain, identifier.name, identifier.version)


def read(closure: Any) -> Closure:
    """A `CompiledWorkflowClosure` as graphs.

    Raises:
        BadClosure: Something it refers to is missing, two nodes have one id, or the nodes wait for each other.
    """
    problems: list[Problem] = []
    tasks = {key(task.template.id): task.template for task in closure.tasks}
    templates = {key(one.template.id): one for one in closure.sub_workflows}
    # A workflow that names itself as its own sub-workflow is the primary.
    known = (tasks.keys(), {*templates, key(closure.primary.template.id)})
    primary = _Reader(closure.primary, known, problems).workflow()
    sub_workflows = {name: _Reader(one, known, problems).workflow() for name, one in templates.items()}
    if problems:
        raise BadClosure(problems)
    launch_plans = {key(plan.template.id): plan.template for plan in closure.launch_plans}
    return Closure(primary, sub_workflows, tasks, launch_plans)


def promised(node: Any) -> Iterator[str]:
    """Ids of the nodes whose outputs a v1 `Node` is bound to; arms of a branch are nodes of their own."""
    for binding in node.inputs:
        yield from _promised(binding.binding)


class _Reader:
    """Reads one `CompiledWorkflow`."""

    def __init__(self, compiled: Any, known: tuple[Any, Any], problems: list[Problem]) -> None:
        self.template = compiled.template
        # Without connections the closure is a bare template (a workflow that nobody has compiled yet).
        self.upstream = compiled.connections.upstream or None
        self.tasks, self.workflows = known
        self.problems = problems
        self.nodes: dict[str, model.Node] = {}

    def workflow(self) -> Workflow:
        template = self.template
        graph = model.workflow()
        top = [node for node in template.nodes if node.id not in {START, END}]
        if not top:
            self.problem(
                Code.NO_NODES_FOUND, template.id.name, f"Can't find any nodes in workflow [{template.id.name}]."
            )
        for payload in top:
            graph.add_node(self.node(payload))
        failure = self.node(template.failure_node) if template.HasField("failure_node") else None
        for payload in top:
            node = self.nodes[payload.id]
            self.connect(graph, node, payload, None)
            for inner in _arms(payload):
                self.connect(graph, node, inner, model.ARM)
        for source in (source for binding in template.outputs for source in _promised(binding.binding)):
            self.known(source, END)
        self.check_order(graph)
        return Workflow(template, graph, self.nodes, failure)

    def node(self, payload: Any) -> model.Node:
        if not payload.id:
            self.problem(Code.VALUE_REQUIRED, "<node>", "Value required [Id].")
        made = self.make(payload)
        if payload.id in self.nodes:
            self.problem(Code.DUPLICATE_ID, payload.id, "Trying to insert two nodes with the same id.")
        self.nodes[payload.id] = made
        return made

    def make(self, payload: Any) -> model.Node:
        match payload.WhichOneof("target"):
            case "task_node" | "workflow_node":
                return model.Call(name=payload.id, payload=payload, target=self.target(payload, payload.id))
            case "array_node":
                return self.array(payload)
            case "branch_node":
                return model.Branch(name=payload.id, payload=payload, cost=0, arms=self.arms(payload))
            case "gate_node":
                return self.gate(payload)
        self.problem(Code.VALUE_REQUIRED, payload.id, "Value required [Target].")
        return model.Node(name=payload.id, payload=payload)

    def target(self, payload: Any, node: str) -> str:
        """The name of what a node calls."""
        if payload.HasField("task_node"):
            reference = payload.task_node.reference_id
            if key(reference) not in self.tasks:
                self.problem(Code.TASK_REFERENCE_NOT_FOUND, node, f"Referenced Task [{_named(reference)}] not found.")
            return str(reference.name)
        kind = payload.workflow_node.WhichOneof("reference")
        if kind is None:
            self.problem(Code.VALUE_REQUIRED, node, "Value required [WorkflowNode.Reference].")
            return ""
        reference = getattr(payload.workflow_node, kind)
        if kind == "sub_workflow_ref" and key(reference) not in self.workflows:
            self.problem(
                Code.WORKFLOW_REFERENCE_NOT_FOUND, node, f"Referenced Workflow [{_named(reference)}] not found."
            )
        return str(reference.name)

    def array(self, payload: Any) -> model.Map:
        array = payload.array_node
        if array.node.WhichOneof("target") not in {"task_node", "workflow_node"}:
            self.problem(Code.VALUE_REQUIRED, payload.id, "Value required [ArrayNode.Node: a task or a launch plan].")
            return model.Map(name=payload.id, payload=payload)
        given = array.WhichOneof("success_criteria")
        return model.Map(
            name=payload.id,
            payload=payload,
            target=self.target(array.node, payload.id),
            concurrency=array.parallelism or None,
            min_successes=array.min_successes if given == "min_successes" else None,
            min_success_ratio=array.min_success_ratio if given == "min_success_ratio" else None,
        )

    def gate(self, payload: Any) -> model.Node:
        match payload.gate_node.WhichOneof("condition"):
            case "approve":
                return model.Gate(name=payload.id, payload=payload, waits_for="approval")
            case "signal":
                return model.Gate(name=payload.id, payload=payload, waits_for="input")
            case "sleep":
                return model.Gate(name=payload.id, payload=payload, waits_for="time")
        self.problem(Code.NO_CONDITION_FOUND, payload.id, f"Can't find any condition in gate node [{payload.id}].")
        return model.Gate(name=payload.id, payload=payload)

    def arms(self, payload: Any) -> tuple[model.Arm, ...]:
        block = payload.branch_node.if_else
        arms = []
        for case in (block.case, *block.other):
            if not case.HasField("condition"):
                message = "One of the branches on the node doesn't have a condition."
                self.problem(Code.BRANCH_NODE_HAS_NO_CONDITION, payload.id, message)
            if not case.HasField("then_node"):
                self.problem(Code.BRANCH_NODE_ID_NOT_FOUND, payload.id, "BranchNode not assigned")
                continue
            arms.append(model.Arm(case.condition, model.workflow([self.node(case.then_node)])))
        match block.WhichOneof("default"):
            case "else_node":
                arms.append(model.Arm(None, model.workflow([self.node(block.else_node)])))
            case "error":
                arms.append(model.Arm(None, None, str(block.error.message)))
            case _:
                message = "Branch Node must have either the else case set or a default error."
                self.problem(Code.BRANCH_NODE_HAS_NO_DEFAULT, payload.id, message)
        return tuple(arms)

    def connect(self, graph: networkx.DiGraph, node: model.Node, payload: Any, kind: str | None) -> None:
        """Add the edges into a node; those of a node in an arm go to the branch at the top, with `kind`."""
        data = dict.fromkeys(promised(payload))
        if self.upstream is None:
            before = [*data, *payload.upstream_node_ids]
        else:
            before = [*data, *(self.upstream[payload.id].ids if payload.id in self.upstream else ())]
        for source in dict.fromkeys(before):
            if source in {"", START} or not self.known(source, payload.id):
                continue
            other = self.nodes[source]
            if other not in graph:
                # Within an arm, only a nested branch names a node that is not at the top.
                self.problem(
                    Code.NODE_REFERENCE_NOT_FOUND, payload.id, f"Referenced node [{source}] is in another branch."
                )
                continue
            model.connect(graph, other, node, kind or (model.DATA if source in data else model.ORDER))

    def known(self, source: str, node: str) -> bool:
        if source in {"", START} or source in self.nodes:
            return True
        self.problem(Code.NODE_REFERENCE_NOT_FOUND, node, f"Referenced node [{source}] not found.")
        return False

    def check_order(self, graph: networkx.DiGraph) -> None:
        """Take away what can start until nothing is left; what stays waits for itself."""
        missing = {node: graph.in_degree(node) for node in graph}
        ready = deque(node for node, count in missing.items() if not count)
        while ready:
            node = ready.popleft()
            del missing[node]
            for after in graph.successors(node):
                missing[after] -= 1
                if not missing[after]:
                    ready.append(after)
        if missing:
            names = ">".join(sorted(node.name for node in missing))
            message = f"A cycle has been detected while traversing the Workflow [{names}]."
            self.problem(Code.CYCLE_DETECTED, START, message)

    def problem(self, code: Code, node: str, message: str) -> None:
        self.problems.append(Problem(code.value, node, message))


def _arms(payload: Any) -> Iterator[Any]:
    """The v1 nodes in the arms of a branch, and in the arms of branches in them."""
    if not payload.HasField("branch_node"):
        return
    block = payload.branch_node.if_else
    inner = [case.then_node for case in (block.case, *block.other) if case.HasField("then_node")]
    if block.HasField("else_node"):
        inner.append(block.else_node)
    for node in inner:
        yield node
        yield from _arms(node)


def _promised(data: Any) -> Iterator[str]:
    match data.WhichOneof("value"):
        case "promise":
            yield data.promise.node_id
        case "collection":
            for one in data.collection.bindings:
                yield from _promised(one)
        case "map":
            for one in data.map.bindings.values():
                yield from _promised(one)


def _named(identifier: Any) -> str:
    return ":".join(key(identifier))
