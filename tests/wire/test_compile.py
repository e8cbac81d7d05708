"""Compiling Flyte 1's workflows as flyteadmin does."""

from __future__ import annotations

import networkx
import pytest
from flyteidl.core import dynamic_job_pb2, identifier_pb2, tasks_pb2, types_pb2, workflow_pb2
from hypothesis import given
from hypothesis import strategies as st

from flyte_bridge_translators.wire import workflow

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import FlyteContextManager, conditional, dynamic, map_task, task
from flytekit import workflow as wf
from flytekit.core.context_manager import ExecutionState

from wire.serialized import SETTINGS, Serialized, serialize


@task
def plus(a: int, b: int = 1) -> int:
    return a + b


@wf
def inner(a: int) -> int:
    return plus(a=a)


@wf
def outer(a: int) -> int:
    x = inner(a=a)
    y = conditional("size").if_(x > 3).then(plus(a=x)).elif_(x > 2).then(inner(a=x)).else_().fail("small")
    z = map_task(plus)(a=[x, y], b=[x, x])
    plus(a=1)
    return plus(a=y, b=z[0])


@pytest.fixture(scope="module")
def serialized() -> Serialized:
    return serialize(outer)


def _edges(compiled: object) -> dict[str, list[str]]:
    return {node: list(ids.ids) for node, ids in compiled.connections.downstream.items()}  # type: ignore[attr-defined]


def test_start_and_end_are_nodes(serialized: Serialized) -> None:
    """They come first; the end node is bound to the workflow's outputs; promises of inputs name the start node."""
    primary = serialized.compiled(outer.name).primary
    assert [node.id for node in primary.template.nodes] == ["start-node", "end-node", "n0", "n1", "n2", "n3", "n4"]
    assert primary.template.nodes[1].inputs == primary.template.outputs
    assert primary.template.nodes[2].inputs[0].binding.promise.node_id == "start-node"


def test_connections(serialized: Serialized) -> None:
    """Downstream from the start node to the end node; a node nobody waits for leads to the end node."""
    closure = serialized.compiled(outer.name)
    assert _edges(closure.primary) == {
        "start-node": ["n0", "n3"],
        "n0": ["n1", "n2"],
        "n1": ["n2", "n4"],
        "n2": ["n4"],
        "n3": ["end-node"],
        "n4": ["end-node"],
    }
    upstream = {node: list(ids.ids) for node, ids in closure.primary.connections.upstream.items()}
    assert upstream["n1-n0"] == ["n0"]
    assert upstream["end-node"] == ["n3", "n4"]


def test_nodes_in_a_branch_carry_its_id(serialized: Serialized) -> None:
    """`<branch>-<node>`, as executions show it."""
    branch = serialized.compiled(outer.name).primary.template.nodes[3].branch_node.if_else
    assert [branch.case.then_node.id, branch.other[0].then_node.id] == ["n1-n0", "n1-n1"]


def test_tasks_and_sub_workflows_are_collected(serialized: Serialized) -> None:
    """Each once, the sub-workflow compiled."""
    closure = serialized.compiled(outer.name)
    assert len(closure.tasks) == 2
    assert [sub.template.id.name for sub in closure.sub_workflows] == [inner.name]
    assert _edges(closure.sub_workflows[0]) == {"start-node": ["n0"], "n0": ["end-node"]}


def test_everything_wrong_is_said_at_once(serialized: Serialized) -> None:
    """With Flyte 1's codes, sorted; in flyteadmin's layout."""
    template = workflow_pb2.WorkflowTemplate()
    template.CopyFrom(serialized.workflows[inner.name].template)
    template.nodes[0].inputs[0].binding.promise.node_id = "n9"
    template.outputs[0].binding.promise.var = "o7"
    with pytest.raises(workflow.CompileError) as error:
        workflow.compile(template, tasks=[serialized.tasks[plus.name].template])
    assert error.value.codes == {"NodeReferenceNotFound", "ParameterNotBound", "VariableNameNotFound"}
    assert str(error.value).startswith(
        "Collected Errors: 4\n\tError 0: Code: NodeReferenceNotFound, Node Id: n9, Description: Referenced node [n9] not found.\n"
    )


@wf
def choosing(a: int) -> int:
    return conditional("c").if_(a > 1).then(plus(a=a)).else_().then(plus(a=1))


@wf
def around(a: int) -> int:
    return choosing(a=a)


@wf
def twice(a: int) -> int:
    return plus(a=around(a=a), b=choosing(a=a))


def test_a_sub_workflow_of_two_levels_is_compiled_for_each() -> None:
    """As in Flyte 1, which renames the nodes in its branches each time; executions show these ids."""
    closure = serialize(twice).compiled(twice.name)
    (compiled,) = (sub for sub in closure.sub_workflows if sub.template.id.name == choosing.name)
    branch = compiled.template.nodes[2].branch_node.if_else
    assert [branch.case.then_node.id, branch.else_node.id] == ["n0-n0-n0", "n0-n0-n1"]
    assert [node.id for node in compiled.template.nodes] == ["start-node", "end-node", "n0"]


def test_what_was_compiled_can_be_compiled_again(serialized: Serialized) -> None:
    """A template that has its start and end node already is registered as any other."""
    closure = serialized.compiled(inner.name)
    again = workflow.compile(closure.primary.template, tasks=[task.template for task in closure.tasks])
    assert again == closure


def test_requirements_are_sorted_and_told_once(serialized: Serialized) -> None:
    """Those of sub-workflows, branches, array nodes and failure nodes too."""
    spec = serialized.workflows[outer.name]
    needs = workflow.requirements(spec.template, spec.sub_workflows)
    names = [one.name for one in needs.tasks]
    assert names == sorted(names)
    assert len(names) == 2
    assert not needs.launch_plans
    with pytest.raises(workflow.CompileError, match="WorkflowReferenceNotFound"):
        workflow.requirements(spec.template)


@dynamic
def spawning(n: int) -> int:
    made = [plus(a=i) for i in range(n)]
    return plus(a=inner(a=made[-1]), b=made[0])


def _futures() -> tuple[dynamic_job_pb2.DynamicJobSpec, tasks_pb2.TaskTemplate]:
    """What the dynamic task answers, and the task."""
    context = FlyteContextManager.current_context()
    with FlyteContextManager.with_context(
        context.with_serialization_settings(SETTINGS).with_execution_state(
            context.new_execution_state().with_params(mode=ExecutionState.Mode.TASK_EXECUTION)
        )
    ) as inside:
        answer = spawning.compile_into_workflow(inside, spawning.task_function, n=3)
    template = serialize(around_spawning).tasks[spawning.name].template
    template.container.config.add(key="parent", value="1")
    return answer.to_flyte_idl(), template


@wf
def around_spawning(n: int) -> int:
    return spawning(n=n)


def test_a_dynamic_tasks_answer() -> None:
    """A workflow that takes nothing and gives what the task gives; its tasks inherit the container's configuration."""
    spec, template = _futures()
    before = spec.SerializeToString(deterministic=True)
    needs = workflow.dynamic_requirements(spec)
    assert [one.name for one in needs.tasks] == [plus.name]
    closure = workflow.compile_dynamic(spec, task=template, project="p", domain="d", node_id="n4", version="x")
    primary = closure.primary.template
    assert (primary.id.name, primary.id.version, primary.id.resource_type) == (
        "dynamic_n4",
        "x",
        identifier_pb2.WORKFLOW,
    )
    assert primary.interface.outputs == template.interface.outputs
    assert not primary.interface.inputs.variables
    assert _edges(closure.primary)["start-node"] == ["dn0", "dn1", "dn2"]
    assert [{one.key: one.value for one in task.template.container.config}["parent"] for task in closure.tasks] == ["1"]
    assert [sub.template.id.name for sub in closure.sub_workflows] == [inner.name]
    assert spec.SerializeToString(deterministic=True) == before


def test_a_dynamic_tasks_answer_with_a_bad_task() -> None:
    """The tasks it brings are checked as those that are registered."""
    spec, template = _futures()
    spec.tasks[0].container.image = ""
    with pytest.raises(workflow.CompileError, match=r"Value required \[image\]"):
        workflow.compile_dynamic(spec, task=template, project="p", domain="d", node_id="n4", version="x")


def test_a_dynamic_task_that_refers_to_a_fetched_one() -> None:
    """Flyte 1 does not have it; given along, it is compiled with the others."""
    spec, template = _futures()
    task_ = spec.tasks.pop()
    with pytest.raises(workflow.CompileError, match="TaskReferenceNotFound"):
        workflow.compile_dynamic(spec, task=template, project="p", domain="d", node_id="n4", version="x")
    closure = workflow.compile_dynamic(
        spec, task=template, project="p", domain="d", node_id="n4", version="x", tasks=[task_]
    )
    assert [one.template.id.name for one in closure.tasks] == [plus.name]


@st.composite
def _graphs(draw: st.DrawFn) -> tuple[int, set[tuple[int, int]], set[tuple[int, int]], int | None]:
    """Nodes, edges by promise, edges by order, and perhaps one that closes a cycle."""
    size = draw(st.integers(1, 12))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(lambda pair: pair[0] < pair[1])
    edges = st.sets(pairs, max_size=20) if size > 1 else st.just(set())
    return size, draw(edges), draw(edges), draw(st.none() | st.integers(0, size - 1))


@given(_graphs())
def test_any_graph(graph: tuple[int, set[tuple[int, int]], set[tuple[int, int]], int | None]) -> None:
    """Connections are its edges, with start and end where it begins and ends; one with a cycle does not compile."""
    size, promised, ordered, back = graph
    task_ = tasks_pb2.TaskTemplate()
    task_.id.name = "t"
    for at in range(size):
        task_.interface.inputs.variables[f"i{at}"].type.union_type.variants.add(simple=types_pb2.INTEGER)
        task_.interface.inputs.variables[f"i{at}"].type.union_type.variants.add(simple=types_pb2.NONE)
    task_.interface.outputs.variables["o"].type.simple = types_pb2.INTEGER
    template = workflow_pb2.WorkflowTemplate()
    template.id.name = "w"
    expected = networkx.DiGraph(promised | ordered)
    expected.add_nodes_from(range(size))
    if back is not None and back != size - 1:
        ordered = ordered | {(size - 1, back)}
        expected.add_edge(size - 1, back)
    for at in range(size):
        node = template.nodes.add(id=f"n{at}")
        node.task_node.reference_id.name = "t"
        node.upstream_node_ids.extend(f"n{one}" for one, other in sorted(ordered) if other == at)
        for one, other in promised:
            if other == at:
                binding = node.inputs.add(var=f"i{one}").binding.promise
                binding.node_id, binding.var = f"n{one}", "o"
    if not networkx.is_directed_acyclic_graph(expected):
        with pytest.raises(workflow.CompileError) as error:
            workflow.compile(template, tasks=[task_])
        assert error.value.codes <= {"CycleDetected", "UnreachableNodes"}
        return
    compiled = workflow.compile(template, tasks=[task_]).primary
    wanted = {(f"n{one}", f"n{other}") for one, other in expected.edges}
    wanted |= {("start-node", f"n{node}") for node in expected if not expected.in_degree(node)}
    wanted |= {(f"n{node}", "end-node") for node in expected if not expected.out_degree(node)}
    assert {(one, other) for one, others in _edges(compiled).items() for other in others} == wanted
    upstream = compiled.connections.upstream
    assert {(one, other) for other in upstream for one in upstream[other].ids} == wanted
    assert all(list(ids.ids) == sorted(ids.ids) for ids in upstream.values())
