"""One workflow: its nodes, edges and outputs, checked and put together.

After `flytepropeller/pkg/compiler/workflow_compiler.go` and `validators/node.go` (v1.16.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import compiler_pb2, workflow_pb2

from flyte_bridge_translators.flyte1.names import END, SENTINELS, START
from flyte_bridge_translators.wire.compiler import conditions, interfaces
from flyte_bridge_translators.wire.compiler.bindings import bind, effective_outputs
from flyte_bridge_translators.wire.compiler.model import (
    Direction,
    Interface,
    Library,
    NodeState,
    WorkflowDraft,
    key,
)
from flyte_bridge_translators.wire.compiler.problems import CompileErrorCode, Problems, text

if TYPE_CHECKING:
    from flyteidl.core import identifier_pb2


def prepared(template: workflow_pb2.WorkflowTemplate) -> compiler_pb2.CompiledWorkflow:
    """A copy that begins with the start and the end node. Those of a template compiled before are replaced."""
    compiled = compiler_pb2.CompiledWorkflow()
    compiled.template.nodes.add(id=START)
    compiled.template.nodes.add(id=END)
    compiled.template.MergeFrom(template)
    stale = [n for n, node in enumerate(compiled.template.nodes) if n > 1 and node.id in SENTINELS]
    for n in reversed(stale):
        del compiled.template.nodes[n]
    return compiled


def build(compiled: compiler_pb2.CompiledWorkflow, library: Library, problems: Problems) -> None:
    """Compile a prepared workflow in place, and its sub-workflows in `library`."""
    template = compiled.template
    nodes = template.nodes[2:]
    if not nodes:
        identifier = text(template.id)
        problems.collect(
            CompileErrorCode.NO_NODES_FOUND, identifier, f"Can't find any nodes in workflow [{identifier}]."
        )
        return
    workflow = WorkflowDraft(compiled, library)
    template.interface.SetInParent()
    interface = interfaces.complete(template.interface)
    interfaces.check(START, interface, problems)
    if not problems.ok:
        return
    start, end = workflow.state(template.nodes[0]), workflow.state(template.nodes[1])
    start.interface = Interface(outputs=interface.inputs)
    end.interface = Interface(inputs=interface.outputs)
    del end.core.inputs[:]
    end.core.inputs.extend(template.outputs)
    workflow.nodes.update({START: start, END: end})

    for node in nodes:
        state = workflow.state(node)
        if state.id in workflow.nodes:
            problems.collect(CompileErrorCode.DUPLICATE_ID, state.id, "Trying to insert two nodes with the same id.")
            continue
        workflow.nodes[state.id] = state
        _node(workflow, state, problems.scope())
    for id_ in sorted(workflow.nodes):
        if id_ != START:
            _edges(workflow, workflow.nodes[id_], Direction.BOTH, problems.scope())
    if template.HasField("failure_node"):
        failure = workflow.state(template.failure_node)
        _node(workflow, failure, problems.scope())
        _edges(workflow, failure, Direction.UPSTREAM, problems.scope())
    for id_ in workflow.nodes:
        if id_ not in SENTINELS:
            if id_ not in workflow.upstream:
                workflow.edge(START, id_, Direction.BOTH)
            if id_ not in workflow.downstream:
                workflow.edge(id_, END, Direction.BOTH)
    del template.outputs[:]
    template.outputs.extend(end.core.inputs)
    _reachable(workflow, problems)
    workflow.connect()


def _node(workflow: WorkflowDraft, node: NodeState, problems: Problems) -> None:
    if not node.id:
        problems.collect(CompileErrorCode.VALUE_REQUIRED, "<node>", "Value required [Id].")
    if node.id in SENTINELS:
        return
    if interfaces.find(workflow, node, problems.scope()) is not None:
        effective_outputs(node, problems.scope())
    if len(node.core.upstream_node_ids) > 1:
        node.core.upstream_node_ids.sort()  # equal workflows compile to equal closures
    if node.kind == "branch_node":
        _branch(workflow, node, problems)
    elif node.kind == "workflow_node" and node.core.workflow_node.WhichOneof("reference") == "sub_workflow_ref":
        _sub_workflow(workflow, node, node.core.workflow_node.sub_workflow_ref, problems)


def _branch(workflow: WorkflowDraft, node: NodeState, problems: Problems) -> None:
    branch = node.core.branch_node.if_else
    if not branch.HasField("case"):
        conditions.no_condition(node, problems)
    for block in ([branch.case] if branch.HasField("case") else []) + list(branch.other):
        if block.HasField("condition"):
            conditions.check(node, block.condition, problems.scope())
        else:
            conditions.no_condition(node, problems)
        if not block.HasField("then_node"):
            problems.collect(CompileErrorCode.BRANCH_NODE_ID_NOT_FOUND, node.id, "BranchNode not assigned")
    if branch.WhichOneof("default") is None:
        missing = "Branch Node must have either the else case set or a default error."
        problems.collect(CompileErrorCode.BRANCH_NODE_HAS_NO_DEFAULT, node.id, missing)
    arms = [workflow.state(arm) for arm in interfaces.arms(node)]
    for arm in arms:
        _node(workflow, arm, problems.scope())
    if problems.ok:
        for arm in arms:
            _edges(workflow, arm, Direction.UPSTREAM, problems.scope())


def _sub_workflow(
    workflow: WorkflowDraft, node: NodeState, reference: identifier_pb2.Identifier, problems: Problems
) -> None:
    """Compile what the node refers to, once for each workflow that refers to it, as Flyte 1 does.

    Compiling again changes one thing: nodes inside its branches get the branch's id once more. Executions of Flyte 1
    show these ids, so we keep to them.
    """
    this = key(reference)
    if this in workflow.done:
        return
    found = workflow.library.sub_workflows.get(this)
    if found is None:
        missing = f"Referenced Workflow [{text(reference)}] not found."
        problems.collect(CompileErrorCode.WORKFLOW_REFERENCE_NOT_FOUND, node.id, missing)
        return
    if found.compiled is None:
        found.compiled = prepared(found.template)
    scope = problems.scope()
    build(found.compiled, workflow.library, scope)
    if scope.ok:
        workflow.done.add(this)


def _edges(workflow: WorkflowDraft, node: NodeState, direction: Direction, problems: Problems) -> None:
    if node.interface is None:
        return  # why that is so has been said
    if direction is Direction.BOTH:
        for upstream in node.core.upstream_node_ids:
            if upstream in workflow.nodes:
                workflow.edge(upstream, node.id, direction)
            else:
                missing = f"Referenced node [{upstream}] not found."
                problems.collect(CompileErrorCode.NODE_REFERENCE_NOT_FOUND, node.id, missing)
    bind(workflow, node, node.core.inputs, node.interface.inputs, problems, direction=direction)


def _reachable(workflow: WorkflowDraft, problems: Problems) -> None:
    cycle, visited = _walk(workflow)
    if cycle:
        found = f"A cycle has been detected while traversing the Workflow [{'>'.join(cycle)}]."
        problems.collect(CompileErrorCode.CYCLE_DETECTED, START, found)
        return
    unreachable = sorted(workflow.nodes.keys() - visited - {END})
    if unreachable:
        found = f"The Workflow contain unreachable nodes [{','.join(unreachable)}]."
        problems.collect(CompileErrorCode.UNREACHABLE_NODES, START, found)


def _walk(workflow: WorkflowDraft) -> tuple[list[str], set[str]]:
    """Depth first from the start node, without recursion: a chain may have thousands of nodes."""
    visited = {START}
    path, within = [START], {START}
    stack = [iter(sorted(workflow.downstream.get(START, ())))]
    while stack:
        following = next(stack[-1], None)
        if following is None:
            stack.pop()
            within.discard(path.pop())
        elif following in within:
            return [*path, following], visited
        elif following not in visited:
            visited.add(following)
            path.append(following)
            within.add(following)
            stack.append(iter(sorted(workflow.downstream.get(following, ()))))
    return [], visited
