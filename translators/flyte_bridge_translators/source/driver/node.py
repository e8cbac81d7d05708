"""Calls of entities: `f(x=1)`, `create_node(f, x=1)`, `.with_overrides(...)`, launch plans as nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.driver.eager import is_direct
from flyte_bridge_translators.source.driver.scene import Found, Scene, arguments
from flyte_bridge_translators.source.driver.steps import UNKNOWN
from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.entities import Entity, Kind, Outputs, launch_plan_target
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.syntax import keyword
from flyte_bridge_translators.source.engine.tree import code, dotted
from flyte_bridge_translators.source.settings import resources
from flyte_bridge_translators.source.settings.expressions import Work
from flyte_bridge_translators.source.settings.setting import CONVERTERS, OTHERS

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


@dataclass
class EntityCallee:
    """A task, workflow or launch plan that is called.

    Attributes:
        func: What is called, as the user wrote it.
        call: The call that holds the arguments.
        direct: Whether the callee is async in Flyte 2, so that calling it gives something to await.
        first: How many leading arguments are not the entity's (`create_node(f, ...)`).
        settings: The keywords of `.override(...)`, with the original values.
        bound: What a launch plan gives besides, name → text.
        partial: The arguments that `functools.partial` bound before.
    """

    name: str
    outputs: Outputs
    func: cst.BaseExpression
    call: cst.Call
    direct: bool
    first: int = 0
    settings: Sequence[tuple[str, cst.BaseExpression]] = ()
    bound: Sequence[tuple[str, str]] = ()
    replaced: cst.BaseExpression | None = None
    partial: Sequence[cst.Arg] = ()
    simple: bool = field(default=True, init=False)
    awaits: bool = field(default=True, init=False)
    prepares: bool = field(default=False, init=False)

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """Nothing."""
        return []

    def function(self, rewrite: Rewrite) -> cst.BaseExpression:
        """What is called in Flyte 2, overrides applied."""
        func = self.replaced if self.replaced is not None else rewrite(self.func)
        if self.settings:
            override = cst.Attribute(func, cst.Name("override"))
            func = cst.Call(override, [keyword(name, rewrite(value)) for name, value in self.settings])
        return func if self.direct else cst.Attribute(func, cst.Name("aio"))

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """`f.aio(x=1)`, or `f(x=1)` when it is async already."""
        call = rewrite.inside(self.call)
        given = list(call.args[self.first :])
        named = {argument.keyword.value for argument in given if argument.keyword is not None}
        before = [cst.Arg(rewrite(one.value)) for one in self.partial if one.keyword is None]
        before += [
            keyword(one.keyword.value, rewrite(one.value))
            for one in self.partial
            if one.keyword is not None and one.keyword.value not in named
        ]
        extra = [keyword(name, cst.parse_expression(text)) for name, text in self.bound if name not in named]
        if extra and given:
            given[-1] = given[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return call.with_changes(func=self.function(rewrite), args=[*before, *given, *extra], lpar=[], rpar=[])


def recognize(scene: Scene, call: cst.Call, overrides: tuple[cst.Call, ...]) -> Found | None:
    """A call of an entity or of a helper that calls entities, or None."""
    func, first = call.func, 0
    if scene.qualified(func) == CREATE_NODE and call.args:
        func, first = call.args[0].value, 1
    func, partial = unpartial(scene, func)
    entity = scene.entity(func) or instance(scene, func)
    settings = tuple(settings_of(scene, overrides))
    inner = (
        *((one.value, "") for one in partial),
        *list(arguments(call))[first:],
        *((value, "") for _, value in settings),
    )
    if entity is None:
        qualified = scene.qualified(func)
        if qualified is None or qualified not in scene.helpers:
            return None
        name = (dotted(func) or "helper").rpartition(".")[2]
        return Found(EntityCallee(name, UNKNOWN, func, call, True), inner)
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
        replaced = cst.parse_expression(local_name(scene, workflow))
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
    return Found(callee, inner)


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
    scene.plan.want(f"from {entity.module} import {entity.name}")
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
        work = Work(scene.module, scene.context, plan, CONVERTERS, OTHERS)
        merged = resources.merged(work, amounts, next(iter(amounts.values())))
        if merged is not None:
            yield "resources", cst.parse_expression(layout.flat(merged))
    version = given.pop("cache_version", None)
    cache = given.pop("cache", None)
    if version is not None:
        plan.want("import flyte")
        yield "cache", cst.parse_expression(f'flyte.Cache("auto", version_override={code(version)})')
    elif cache is not None:
        truth = {"True": '"auto"', "False": '"disable"'}.get(code(cache))
        yield "cache", cst.parse_expression(truth) if truth else cache
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
