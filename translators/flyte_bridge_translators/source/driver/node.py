"""Calls of entities: `f(x=1)`, `create_node(f, x=1)`, `.with_overrides(...)`, launch plans as nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from flyte_bridge_translators.source.driver.any_call import AnyCallee, GeneratorCallee
from flyte_bridge_translators.source.driver.eager import is_direct
from flyte_bridge_translators.source.driver.entity_callee import EntityCallee
from flyte_bridge_translators.source.driver.scene import AwaitedCall, Scene, arguments
from flyte_bridge_translators.source.driver.steps import UNKNOWN
from flyte_bridge_translators.source.engine import layout, reading
from flyte_bridge_translators.source.engine.entities import Entity, Kind, launch_plan_target
from flyte_bridge_translators.source.engine.flow import Callees
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.tree import code, dotted
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import resources

PARTIAL = "functools.partial"
CREATE_NODE = "flytekit.core.node_creation.create_node"
SAME = frozenset({"retries", "timeout", "interruptible", "pod_template", "resources"})
RENAMED = {"node_name": "short_name", "name": "short_name", "task_config": "plugin_config"}
TASK_MAKERS = frozenset(
    {"flytekit.extras.sqlite3.task.SQLite3Task", "flytekit.core.task.Echo", "flytekit.sensor.file_sensor.FileSensor"}
)
"""Constructors of tasks that live in flytekit itself and make nothing that this project converts yet."""

REMOVED = {
    "container_image": "the image belongs to the task environment: declare the task again in one with this image",
    "aliases": "outputs are plain Python values; name the variable instead",
    "cache_serialize": "write it into the cache: `flyte.Cache(..., serialize=True)`",
}


def recognize(scene: Scene, call: cst.Call, overrides: tuple[cst.Call, ...]) -> AwaitedCall | None:
    """A call of an entity or of a helper that calls entities, or None."""
    func, first = call.func, 0
    if scene.qualified(func) == CREATE_NODE and call.args:
        func, first = call.args[0].value, 1
    func, partial = unpartial(scene, func)
    entity = scene.entity(func) or instance(scene, func)
    callees = scene.callees(func) if entity is None or scene.is_bound_again(func) else None
    if callees is not None and len(callees.entities & scene.context.entities.keys()) > 1:
        entity = None
    settings = tuple(settings_of(scene, overrides))
    inner = (
        *((one.value, "") for one in partial),
        *list(arguments(call))[first:],
        *((value, "") for _, value in settings),
    )
    if entity is None:
        if callees is None or not (callees.awaits or (callees.unknown and _may_hold(scene, func))):
            return None
        held = None if _is_global(scene, func) else func
        return AwaitedCall(
            _of(scene, callees, func, call, first, settings, partial), (*inner, *([(held, "")] if held else []))
        )
    replaced: cst.BaseExpression | None = None
    bound: Sequence[tuple[str, str]] = ()
    target = entity
    if entity.kind is Kind.LAUNCH_PLAN:
        workflow = scene.context.entity(entity.target)
        if workflow is None:
            scene.plan.report(
                "FB205", call, f"the launch plan `{code(func)}` is called, but its workflow is not known here"
            )
            return None
        target, bound = workflow, entity.bound
        replaced = parsed(local_name(scene, workflow))
        scene.plan.report(
            "FB206", call, f"`{code(func)}` ran as an execution of its own; now `{workflow.name}` is called"
        )
    callee = EntityCallee(
        target.name,
        scene.context.outputs(target),
        func,
        call,
        is_direct(target),
        first,
        settings,
        bound,
        replaced,
        partial,
    )
    return AwaitedCall(callee, inner)


def _taken_by_steps(scene: Scene, call: cst.Call) -> bool:
    """Whether what a generator gives is handed to `next`, at once or through a variable."""
    parents = scene.module.parents
    parent = parents.get(call)
    if isinstance(parent, cst.Arg):
        taker = parents.get(parent)
        return isinstance(taker, cst.Call) and isinstance(taker.func, cst.Name) and taker.func.value == "next"
    if not (isinstance(parent, cst.Assign) and isinstance(parent.targets[0].target, cst.Name)):
        return False
    function = scene.module.function(call)
    return any(
        isinstance(taker.func, cst.Name) and taker.func.value == "next"
        for taker in (reading.calls(function.body) if function is not None else ())
    )


def _may_hold(scene: Scene, func: cst.BaseExpression) -> bool:
    """Whether a callee that nothing is known of may be a task: a variable, an item, a result; not a method of a value."""
    if isinstance(func, cst.Name):
        return bool(scene.module.names.bindings(func)) and scene.qualified(func) is None
    if isinstance(func, cst.Attribute):
        return False
    return isinstance(func, (cst.Subscript, cst.Call, cst.IfExp, cst.BooleanOperation))


def _is_global(scene: Scene, func: cst.BaseExpression) -> bool:
    return isinstance(func, cst.Name) and scene.qualified(func) is not None


def _of(
    scene: Scene,
    callees: Callees,
    func: cst.BaseExpression,
    call: cst.Call,
    first: int,
    settings: Sequence[tuple[str, cst.BaseExpression]],
    partial: Sequence[cst.Arg],
) -> EntityCallee:
    """A call of what a variable, a container, a parameter or an attribute holds."""
    name = (dotted(func) or "call").rpartition(".")[2]
    entities = [scene.context.entities[each] for each in sorted(callees.entities) if each in scene.context.entities]
    for entity in entities:
        if entity.kind is Kind.LAUNCH_PLAN:
            scene.plan.report(
                "FB205", call, f"`{code(func)}` may be the launch plan `{entity.name}`: call its workflow"
            )
    if callees.generators and not callees.entities:
        item = scene.fresh("item", "one_item")
        return GeneratorCallee(name, UNKNOWN, func, call, True, item=item, as_iterator=_taken_by_steps(scene, call))
    mixed = callees.partial or callees.others or callees.unknown or bool(callees.entities and callees.coroutines)
    if mixed:
        if settings:
            scene.plan.report("FB204", call, f"`{code(func)}` may be plain Python: its overrides are left out")
        scene.any_call.used = True
        scene.any_call.partial = scene.any_call.partial or callees.partial
        return AnyCallee(name, UNKNOWN, func, call, True, first, partial=partial, by=scene.any_call.name)
    outputs = {scene.context.outputs(entity) for entity in entities}
    known = len(entities) == len(callees.entities) and len(outputs) == 1
    return EntityCallee(
        name,
        outputs.pop() if known and entities else UNKNOWN,
        func,
        call,
        not callees.entities,
        first,
        settings,
        partial=partial,
    )


def unpartial(scene: Scene, target: cst.BaseExpression) -> tuple[cst.BaseExpression, list[cst.Arg]]:
    """`partial(partial(f, a=1), b=2)` as `f` and its arguments; a variable that holds a partial is looked through."""
    bound: list[cst.Arg] = []
    while True:
        made: cst.CSTNode | None = target
        if isinstance(target, cst.Name) and scene.entity(target) is None:
            made = scene.mappers.get(target.value) or scene.module.definition(target.value)
        if not (isinstance(made, cst.Call) and scene.qualified(made.func) == PARTIAL and made.args):
            return target, bound
        later = {argument.keyword.value for argument in bound if argument.keyword is not None}
        bound = [
            *(one for one in made.args[1:] if one.keyword is None or one.keyword.value not in later),
            *bound,
        ]
        target = made.args[0].value


def instance(scene: Scene, func: cst.BaseExpression) -> Entity | None:
    """A task made by a constructor of a plugin, or a launch plan made where it is called."""
    made: cst.CSTNode | None = func
    if isinstance(func, cst.Name):
        made = scene.mappers.get(func.value) or scene.module.definition(func.value)
    if not isinstance(made, cst.Call):
        return None
    maker = scene.qualified(made.func)
    if maker is None or not is_v1(maker):
        return None
    name = func.value if isinstance(func, cst.Name) else maker.rpartition(".")[2]
    if maker.startswith("flytekit.LaunchPlan"):
        target, bound = launch_plan_target(scene.module, made)
        return Entity(Kind.LAUNCH_PLAN, name, scene.module.name, target=target, bound=bound)
    if maker.startswith("flytekitplugins.") or maker in TASK_MAKERS:
        return Entity(Kind.INSTANCE, name, scene.module.name)
    return None


def local_name(scene: Scene, entity: Entity) -> str:
    """A name for an entity that this file can use, importing it when nobody has."""
    if entity.module == scene.module.name:
        return entity.name
    for name, bindings in scene.module.scope.bindings.items():
        if scene.context.resolve(bindings[-1].qualified) == entity.qualified:
            return name
    scene.plan.want(f"from {scene.module.names.spelled(entity.module)} import {entity.name}")
    return entity.name


def settings_of(scene: Scene, overrides: Sequence[cst.Call]) -> Iterator[tuple[str, cst.BaseExpression]]:
    """The keywords of `.override(...)` for those of `.with_overrides(...)`; what has no counterpart is reported."""
    plan = scene.plan
    given = {
        argument.keyword.value: argument.value
        for call in overrides
        for argument in call.args
        if argument.keyword is not None
    }
    amounts = {name: given.pop(name) for name in sorted(resources.KEYWORDS & set(given))}
    if len(amounts) == 1 and not set(amounts) & {"accelerator", "shared_memory"}:
        yield "resources", next(iter(amounts.values()))
    elif amounts:
        work = Work(scene.module, scene.context, plan)
        merged = resources.merged(work, amounts, next(iter(amounts.values())))
        if merged is not None:
            yield "resources", parsed(layout.flat(merged))
    version = given.pop("cache_version", None)
    cache = given.pop("cache", None)
    if version is not None:
        plan.want("import flyte")
        yield "cache", parsed(f'flyte.Cache("auto", version_override={code(version)})')
    elif cache is not None:
        truth = {"True": '"auto"', "False": '"disable"'}.get(code(cache))
        yield "cache", parsed(truth) if truth else cache
    for name, value in given.items():
        if name in SAME:
            if name == "retries" and code(value) == "0":
                plan.report("FB204", value, "`override(retries=0)` cannot reset a retry count in Flyte 2")
            yield name, value
        elif name in RENAMED:
            yield RENAMED[name], value
        else:
            why = REMOVED.get(name, "it has no counterpart in `task.override(...)`")
            plan.report("FB204", value, f"`with_overrides({name}=...)` was left out: {why}")
