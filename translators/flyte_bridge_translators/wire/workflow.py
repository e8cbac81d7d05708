"""Workflows: compiled as flyteadmin compiles them at registration, and propeller when a dynamic task has answered.

```
requirements(template, sub_workflows)  ->  which tasks and launch plans to fetch
compile(template, ...)                 ->  CompiledWorkflowClosure, or CompileError with everything that is wrong
compile_dynamic(spec, ...)             ->  the same for the `futures.pb` of a dynamic task
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import compiler_pb2, dynamic_job_pb2, identifier_pb2, tasks_pb2, workflow_pb2

from flyte_bridge_translators.flyte1.names import START
from flyte_bridge_translators.wire.compiler.build import build, prepared
from flyte_bridge_translators.wire.compiler.interfaces import complete
from flyte_bridge_translators.wire.compiler.model import Interface, Key, Library, SubWorkflow, key
from flyte_bridge_translators.wire.compiler.problems import CompileError, CompileErrorCode, Problem, Problems, text
from flyte_bridge_translators.wire.compiler.requirements import Requirements, Walk
from flyte_bridge_translators.wire.task import compile as compile_task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flyteidl.admin import launch_plan_pb2

__all__ = [
    "CompileError",
    "CompileErrorCode",
    "Problem",
    "Requirements",
    "compile",
    "compile_dynamic",
    "dynamic_requirements",
    "requirements",
]


def requirements(
    template: workflow_pb2.WorkflowTemplate, sub_workflows: Iterable[workflow_pb2.WorkflowTemplate] = ()
) -> Requirements:
    """What has to be fetched before `compile` can be called.

    Args:
        template: The workflow.
        sub_workflows: The sub-workflows it came with.

    Raises:
        CompileError: A sub-workflow is missing, is there twice, or contains itself.
    """
    problems = Problems()
    walk = Walk(_templates(sub_workflows, problems), problems)
    walk.workflow(template)
    if not problems.ok:
        raise problems.error()
    return walk.result()


def compile(  # noqa: A001 - what the field calls it, and called as `workflow.compile`
    template: workflow_pb2.WorkflowTemplate,
    sub_workflows: Iterable[workflow_pb2.WorkflowTemplate] = (),
    tasks: Iterable[tasks_pb2.TaskTemplate] = (),
    launch_plans: Iterable[launch_plan_pb2.LaunchPlan] = (),
) -> compiler_pb2.CompiledWorkflowClosure:
    """Compile a workflow with everything it is made of.

    Args:
        template: The workflow, as flytekit sends it; it stays as it is.
        sub_workflows: The sub-workflows it came with, at any depth.
        tasks: The tasks that `requirements` names; the closure has them in this order.
        launch_plans: The launch plans that `requirements` names, registered: `closure.expected_inputs` and
            `expected_outputs` are their interface.

    Raises:
        CompileError: It does not compile; every problem is in it, with Flyte 1's code.
    """
    problems = Problems()
    templates = _templates(sub_workflows, problems)
    if not problems.ok:
        raise problems.error()
    closure = compiler_pb2.CompiledWorkflowClosure()
    library = Library(
        tasks=_tasks(tasks, closure, problems),
        interfaces={},
        sub_workflows={at: SubWorkflow(sub) for at, sub in templates.items()},
        launch_plans={key(plan.id): plan for plan in launch_plans},
    )
    _check_requirements(template, templates, library, problems)
    if not problems.ok:
        raise problems.error()
    for at, task in library.tasks.items():
        library.interfaces[at] = complete(task.interface) if task.HasField("interface") else Interface()
    compiled = prepared(template)
    build(compiled, library, problems)
    if not problems.ok:
        raise problems.error()
    closure.primary.CopyFrom(compiled)
    for sub in library.sub_workflows.values():
        closure.sub_workflows.append(sub.compiled or compiler_pb2.CompiledWorkflow(template=sub.template))
    return closure


def dynamic_requirements(spec: dynamic_job_pb2.DynamicJobSpec) -> Requirements:
    """What a dynamic task's answer needs; its tasks are in the spec, its launch plans are to be fetched.

    Raises:
        CompileError: As `requirements`.
    """
    return requirements(workflow_pb2.WorkflowTemplate(nodes=spec.nodes), spec.subworkflows)


def compile_dynamic(
    spec: dynamic_job_pb2.DynamicJobSpec,
    *,
    task: tasks_pb2.TaskTemplate,
    project: str,
    domain: str,
    node_id: str,
    version: str,
    tasks: Iterable[tasks_pb2.TaskTemplate] = (),
    launch_plans: Iterable[launch_plan_pb2.LaunchPlan] = (),
) -> compiler_pb2.CompiledWorkflowClosure:
    """Compile what a dynamic task has answered.

    After `flytepropeller/pkg/controller/nodes/dynamic/dynamic_workflow.go` (v1.16.8): the workflow is called
    `dynamic_<node id>`, takes nothing, gives what the task gives, and its tasks inherit the parent's container config.

    Args:
        spec: The task's `futures.pb`; it stays as it is.
        task: The dynamic task itself.
        project: The execution's.
        domain: The execution's.
        node_id: The dynamic node's id, in its own workflow.
        version: Any; Flyte 1 makes one up each time, a deterministic one lets a restarted driver find its own.
        tasks: Tasks that the spec refers to without bringing them, such as fetched ones. Flyte 1 does not have these.
        launch_plans: As for `compile`.

    Raises:
        CompileError: As `compile`, and as `task.compile` for a task that the spec brings.
    """
    template = workflow_pb2.WorkflowTemplate(
        id=identifier_pb2.Identifier(
            resource_type=identifier_pb2.WORKFLOW,
            project=project,
            domain=domain,
            name=f"dynamic_{node_id}",
            version=version,
        ),
        nodes=spec.nodes,
        outputs=spec.outputs,
    )
    if task.interface.HasField("outputs"):
        template.interface.outputs.CopyFrom(task.interface.outputs)
    own: dict[Key, tasks_pb2.TaskTemplate] = {}
    for given in spec.tasks:
        copy = own[key(given.id)] = tasks_pb2.TaskTemplate()
        copy.CopyFrom(given)
        if copy.HasField("container") and task.HasField("container"):
            copy.container.config.extend(task.container.config)
        compile_task(copy)
    fetched = [given for given in tasks if key(given.id) not in own]
    return compile(template, spec.subworkflows, [*own.values(), *fetched], launch_plans)


def _templates(
    sub_workflows: Iterable[workflow_pb2.WorkflowTemplate], problems: Problems
) -> dict[Key, workflow_pb2.WorkflowTemplate]:
    templates: dict[Key, workflow_pb2.WorkflowTemplate] = {}
    for sub in sub_workflows:
        if not sub.HasField("id"):
            problems.collect(CompileErrorCode.VALUE_REQUIRED, "root", "Value required [SubWorkflow.Id].")
        elif key(sub.id) in templates:
            problems.collect(
                CompileErrorCode.DUPLICATE_ID, text(sub.id), "Trying to insert two nodes with the same id."
            )
        else:
            templates[key(sub.id)] = sub
    return templates


def _tasks(
    tasks: Iterable[tasks_pb2.TaskTemplate], closure: compiler_pb2.CompiledWorkflowClosure, problems: Problems
) -> dict[Key, tasks_pb2.TaskTemplate]:
    """The tasks by identifier, each copied once into the closure."""
    found: dict[Key, tasks_pb2.TaskTemplate] = {}
    for task in tasks:
        if not task.HasField("id"):
            problems.collect(CompileErrorCode.VALUE_REQUIRED, "task", "Value required [Template.Id].")
        elif key(task.id) not in found:
            found[key(task.id)] = closure.tasks.add(template=task).template
    return found


def _check_requirements(
    template: workflow_pb2.WorkflowTemplate,
    templates: dict[Key, workflow_pb2.WorkflowTemplate],
    library: Library,
    problems: Problems,
) -> None:
    walk = Walk(templates, problems)
    walk.workflow(template)
    for at, task in sorted(walk.tasks.items()):
        if at not in library.tasks:
            problems.collect(
                CompileErrorCode.TASK_REFERENCE_NOT_FOUND, START, f"Referenced Task [{text(task)}] not found."
            )
    for at, plan in sorted(walk.launch_plans.items()):
        if at not in library.launch_plans:
            missing = f"Referenced Workflow [{text(plan)}] not found."
            problems.collect(CompileErrorCode.WORKFLOW_REFERENCE_NOT_FOUND, START, missing)
