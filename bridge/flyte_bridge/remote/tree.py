"""An execution's nodes as a tree that shows where it stands, redrawn until it ends."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import grpc
from flyteidl.admin import common_pb2, execution_pb2, node_execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.flyte1.names import SENTINELS
from flyte_bridge_translators.flyte1.nodes import ArrayNode, Awaited, BranchNode, GateNode, Key, Node, SubWorkflowNode
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flyteidl.core import compiler_pb2, identifier_pb2
    from rich.console import Console

    from flyte_bridge_translators.flyte1.closure import Workflow

    Shape = dict[str, Node]

_Execution = core_execution_pb2.WorkflowExecution
_Node = core_execution_pb2.NodeExecution

ENDED = {_Execution.SUCCEEDED, _Execution.FAILED, _Execution.ABORTED, _Execution.TIMED_OUT}
"""An execution's last phases."""

_STYLES = {
    "SUCCEEDED": ("✔", "green"),
    "RECOVERED": ("✔", "green"),
    "FAILED": ("✘", "red"),
    "FAILING": ("✘", "red"),
    "TIMED_OUT": ("✘", "red"),
    "ABORTED": ("■", "magenta"),
    "ABORTING": ("■", "magenta"),
    "SKIPPED": ("–", "dim"),
    "RUNNING": ("▶", "cyan"),
    "DYNAMIC_RUNNING": ("▶", "cyan"),
}
_WAITING = ("·", "dim")
_PAGE = 100


def watch(
    stub: Any,
    execution: identifier_pb2.WorkflowExecutionIdentifier,
    console: Console,
    *,
    poll: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> execution_pb2.Execution:
    """Shows an execution until it ends.

    On a terminal the tree is redrawn in place; elsewhere a line is written for each change.

    Args:
        stub: AdminService's.
        execution: Which one.
        console: Where to.
        poll: Seconds between looks.
        sleep: How to wait.

    Returns:
        The execution as it ended.
    """
    told: dict[str, str] = {}
    shapes = Shapes(stub)
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            found: execution_pb2.Execution = stub.GetExecution(execution_pb2.WorkflowExecutionGetRequest(id=execution))
            if console.is_terminal:
                live.update(tree(stub, found, shapes), refresh=True)
            else:
                _tell(stub, found, told, console, shapes)
            if found.closure.phase in ENDED:
                return found
            sleep(poll)


def follow(remote: Any, execution: Any) -> bool:
    """Shows an execution until it ends, then its outputs or its error.

    Args:
        remote: The `FlyteRemote` that started it.
        execution: The `FlyteWorkflowExecution`.

    Returns:
        Whether it succeeded.
    """
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    ended = watch(remote.client._stub, execution.id.to_flyte_idl(), console)
    if ended.closure.phase != _Execution.SUCCEEDED:
        if ended.closure.error.message:
            console.print(Text(ended.closure.error.message, "red"))
        return False
    outputs = remote.sync_execution(execution).outputs or {}
    for name in outputs:
        console.print(Text.assemble((f"{name}: ", "bold"), _shown(outputs, name)))
    return True


def _shown(outputs: Any, name: str) -> str:
    """A value as Python has it; where it is, if it is in the object store; as Flyte has it, if its type cannot be told."""
    scalar = outputs.literals[name].scalar
    stored = scalar and (scalar.blob or scalar.structured_dataset)
    if stored:
        return str(stored.uri)
    try:
        return repr(outputs[name])
    except (ValueError, TypeError, AttributeError, AssertionError):
        return str(outputs.literals[name])


def tree(stub: Any, execution: execution_pb2.Execution, shapes: Shapes | None = None) -> Tree:
    """An execution and its nodes, those of nodes included.

    Args:
        stub: AdminService's.
        execution: As it stands.
        shapes: What is known of its workflow from an earlier look.
    """
    shapes = shapes or Shapes(stub)
    phase = _Execution.Phase.Name(execution.closure.phase)
    root = Tree(_line(execution.id.name, phase, execution.closure))
    _grow(root, stub, execution.id, "", shapes, shapes.of_execution(execution))
    return root


def _grow(
    branch: Tree,
    stub: Any,
    execution: identifier_pb2.WorkflowExecutionIdentifier,
    parent: str,
    shapes: Shapes,
    known: Shape,
) -> None:
    for node in nodes(stub, execution, parent):
        shape = known.get(node.metadata.spec_node_id)
        twig = branch.add(_line(_name(node), _Node.Phase.Name(node.closure.phase), node.closure, _what(shape)))
        if node.metadata.is_parent_node:
            _grow(twig, stub, execution, node.id.node_id, shapes, shapes.within(node, shape))


class Shapes:
    """What the nodes of an execution are, by the workflows they are of; asked for once."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub
        self._top: Shape | None = None
        self._workflows: dict[Key, Shape] = {}
        self._dynamic: dict[str, Shape] = {}

    def of_execution(self, execution: execution_pb2.Execution) -> Shape:
        """The nodes of the execution's workflow."""
        if self._top is None:
            self._top = {}
            with contextlib.suppress(grpc.RpcError):  # names are worth no failure
                found = self._stub.GetWorkflow(common_pb2.ObjectGetRequest(id=execution.closure.workflow_id))
                self._top = self._read(found.closure.compiled_workflow)
        return self._top

    def within(self, node: node_execution_pb2.NodeExecution, shape: Node | None) -> Shape:
        """The nodes inside a node."""
        if node.metadata.is_dynamic:
            return self._of_dynamic(node)
        if isinstance(shape, SubWorkflowNode):
            return self._workflows.get(shape.workflow, {})
        return {arm.id: arm for arm in shape.arms} if shape is not None else {}

    def _of_dynamic(self, node: node_execution_pb2.NodeExecution) -> Shape:
        key = node.id.node_id
        if key not in self._dynamic:
            with contextlib.suppress(grpc.RpcError):
                found = self._stub.GetDynamicNodeWorkflow(node_execution_pb2.GetDynamicNodeWorkflowRequest(id=node.id))
                self._dynamic[key] = self._read(found.compiled_workflow)
        return self._dynamic.get(key, {})

    def _read(self, compiled: compiler_pb2.CompiledWorkflowClosure) -> Shape:
        closure = read.closure(compiled)
        self._workflows.update({key: _by_id(workflow) for key, workflow in closure.workflows.items()})
        return _by_id(closure.primary)


def _by_id(workflow: Workflow) -> Shape:
    return {node.id: node for node in workflow.nodes}


def _what(node: Node | None) -> str:
    """What a node runs: the name of its task, workflow or launch plan, without the module."""
    match node:
        case GateNode():
            return (
                "sleep" if node.awaited is Awaited.TIME else "approve" if node.awaited is Awaited.APPROVAL else "signal"
            )
        case BranchNode():
            return node.title
        case ArrayNode():
            return f"[{_what(node.element)}]"
        case Node(calls=Key() as called):
            return identifier.short_name(called.name)
    return ""


def nodes(
    stub: Any, execution: identifier_pb2.WorkflowExecutionIdentifier, parent: str = ""
) -> Iterator[node_execution_pb2.NodeExecution]:
    """The node executions below one, less the start and the end, in the order they began.

    Args:
        stub: AdminService's.
        execution: Of which execution.
        parent: Below which node; empty for the top.
    """
    token = ""
    while True:
        request = node_execution_pb2.NodeExecutionListRequest(
            workflow_execution_id=execution, limit=_PAGE, token=token, unique_parent_id=parent
        )
        request.sort_by.key, request.sort_by.direction = "created_at", common_pb2.Sort.ASCENDING
        page = stub.ListNodeExecutions(request)
        yield from (node for node in page.node_executions if node.metadata.spec_node_id not in SENTINELS)
        token = page.token
        if not token:
            return


def _name(node: node_execution_pb2.NodeExecution, name: str = "") -> str:
    name = name or node.metadata.spec_node_id or node.id.node_id
    child = node.closure.workflow_node_metadata.executionId.name
    return f"{name} → {child}" if child else str(name)


def _line(name: str, phase: str, closure: Any, what: str = "") -> Text:
    sign, style = _STYLES.get(phase, _WAITING)
    line = Text.assemble((f"{sign} ", style), (name, "bold"), f" {what}" if what else "", " ", (phase.lower(), style))
    seconds = closure.duration.ToTimedelta().total_seconds()
    if seconds:
        line.append(f" {seconds:.1f} s", "dim")
    if closure.WhichOneof("output_result") == "error":
        line.append(f" {closure.error.code}", "red")
    return line


def _tell(
    stub: Any, execution: execution_pb2.Execution, told: dict[str, str], console: Console, shapes: Shapes
) -> None:
    """Writes a line for every node whose phase is another than was told of it."""

    def walk(parent: str, known: Shape) -> None:
        for node in nodes(stub, execution.id, parent):
            shape = known.get(node.metadata.spec_node_id)
            phase = _Node.Phase.Name(node.closure.phase)
            if told.get(node.id.node_id) != phase:
                told[node.id.node_id] = phase
                name = f"{execution.id.name} {_name(node, node.id.node_id)}"
                console.print(_line(name, phase, node.closure, _what(shape)))
            if node.metadata.is_parent_node:
                walk(node.id.node_id, shapes.within(node, shape))

    walk("", shapes.of_execution(execution))
    phase = _Execution.Phase.Name(execution.closure.phase)
    if told.get("") != phase:
        told[""] = phase
        console.print(_line(execution.id.name, phase, execution.closure))
