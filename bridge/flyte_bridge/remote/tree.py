"""An execution's nodes as a tree that shows where it stands, redrawn until it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2, node_execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flyteidl.core import identifier_pb2
    from rich.console import Console

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
_SYSTEM = {"start-node", "end-node"}
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
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            found = stub.GetExecution(execution_pb2.WorkflowExecutionGetRequest(id=execution))
            if console.is_terminal:
                live.update(tree(stub, found), refresh=True)
            else:
                _tell(stub, found, told, console)
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
    """A value as Python has it; as Flyte has it, if its type cannot be told from here."""
    try:
        return repr(outputs[name])
    except (ValueError, TypeError, AttributeError, AssertionError):
        return str(outputs.literals[name])


def tree(stub: Any, execution: execution_pb2.Execution) -> Tree:
    """An execution and its nodes, those of nodes included."""
    phase = _Execution.Phase.Name(execution.closure.phase)
    root = Tree(_line(execution.id.name, phase, execution.closure))
    _grow(root, stub, execution.id, "")
    return root


def _grow(branch: Tree, stub: Any, execution: identifier_pb2.WorkflowExecutionIdentifier, parent: str) -> None:
    for node in nodes(stub, execution, parent):
        twig = branch.add(_line(_name(node), _Node.Phase.Name(node.closure.phase), node.closure))
        if node.metadata.is_parent_node:
            _grow(twig, stub, execution, node.id.node_id)


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
        request.sort_by.key, request.sort_by.direction = "created_at", 1
        page = stub.ListNodeExecutions(request)
        yield from (node for node in page.node_executions if node.metadata.spec_node_id not in _SYSTEM)
        token = page.token
        if not token:
            return


def _name(node: node_execution_pb2.NodeExecution) -> str:
    name = node.metadata.spec_node_id or node.id.node_id
    child = node.closure.workflow_node_metadata.executionId.name
    return f"{name} → {child}" if child else str(name)


def _line(name: str, phase: str, closure: Any) -> Text:
    sign, style = _STYLES.get(phase, _WAITING)
    line = Text.assemble((f"{sign} ", style), (name, "bold"), " ", (phase.lower(), style))
    seconds = closure.duration.ToTimedelta().total_seconds()
    if seconds:
        line.append(f" {seconds:.1f} s", "dim")
    if closure.WhichOneof("output_result") == "error":
        message = closure.error.message.strip().splitlines()
        line.append(f" {message[-1][:200]}" if message else "", "red")
    return line


def _tell(stub: Any, execution: execution_pb2.Execution, told: dict[str, str], console: Console) -> None:
    """Writes a line for every node whose phase is another than was told of it."""

    def walk(parent: str) -> None:
        for node in nodes(stub, execution.id, parent):
            phase = _Node.Phase.Name(node.closure.phase)
            if told.get(node.id.node_id) != phase:
                told[node.id.node_id] = phase
                console.print(_line(f"{execution.id.name} {node.id.node_id} {_name(node)}", phase, node.closure))
            if node.metadata.is_parent_node:
                walk(node.id.node_id)

    walk("")
    phase = _Execution.Phase.Name(execution.closure.phase)
    if told.get("") != phase:
        told[""] = phase
        console.print(_line(execution.id.name, phase, execution.closure))
