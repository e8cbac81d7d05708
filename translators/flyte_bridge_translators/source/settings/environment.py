"""Task environments: which task lives in which, what they are called, and where they are written.

`assign(module)` is part of a file's facts, so it looks at this file only; everything that needs the whole project (the
`depends_on` of drivers) is written by `translate`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import Entity, Facts, Kind
from flyte_bridge_translators.source.engine.house_decorators import tasks_of
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.naming import NO_NAMES
from flyte_bridge_translators.source.engine.syntax import Verbatim
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, used_names
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import (
    container_task,
    flytekit_packages,
    image_spec,
    launch_plan_reading,
    resources,
    secret,
    task_config,
)
from flyte_bridge_translators.source.settings.container_task import ContainerEnvironment
from flyte_bridge_translators.source.settings.decorated import unique
from flyte_bridge_translators.source.settings.environment_groups import EnvironmentGroup, homes
from flyte_bridge_translators.source.settings.places import Places
from flyte_bridge_translators.source.settings.references import References

SHORTEST_IDLE = 30
"""`flyte.ReusePolicy` refuses a shorter idle time, in seconds."""

DRIVER_RESOURCES = layout.call("flyte.Resources", cpu="1", memory='"500Mi"')
"""A driver waits; it computes nothing."""


def assign(module: Module, facts: Facts) -> Mapping[str, str]:
    """Entity name → the variable of its task environment."""
    if not facts.entities:
        return {}
    found: dict[str, str] = {}
    for home in homes(module, facts):
        for one in home.members:
            found[one.function.name.value] = home.variable
        for value in home.values:
            for name in tasks_of(module, value.value):
                found[name] = home.variable
        if home.driver and not home.settings:
            for entity in facts.entities.values():
                if entity.kind is Kind.LAUNCH_PLAN:
                    found[entity.name] = home.variable
    for container in container_task.environments(module, facts):
        found[container.task] = container.variable
    return found


def kept(module: Module, facts: Facts) -> Mapping[str, str]:
    """Variable of an environment → the name that it keeps from an earlier conversion."""
    if not facts.entities or module.naming.table == NO_NAMES:
        return {}
    return {home.variable: home.kept_name for home in homes(module, facts) if home.kept_name is not None}


# -- what they hold --------------------------------------------------------------------------------------------------


@dataclass
class Written:
    """An environment to be written: after which statement of the file, and with what.

    Attributes:
        needs: The variables of the file's environments whose tasks its own call.
        depends_on: What its definition names; only what stands above it can be.
        late: What of `needs` is defined below it, and is added there.
    """

    home: EnvironmentGroup
    arguments: dict[str, Doc | None]
    position: int
    needs: set[str] = field(default_factory=set)
    depends_on: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)


def translate(module: Module, context: Context) -> Plan:
    """Write the `flyte.TaskEnvironment` definitions of a file."""
    work = Work.of(module, context, "environment")
    facts = context.facts.get(module.name, Facts(module.name))
    found = [
        home
        for home in homes(module, facts)
        if home.members or home.values or home.declared or _launches(module, context)
    ]
    containers = list(container_task.environments(module, facts))
    for container in containers:
        _contain(work, container)
    if not found:
        return work.plan
    places = Places(module)
    work.plan.want("import flyte")
    found.sort(key=lambda home: (home.driver, home.variable != "env"))
    written = [_written(work, home, places) for home in found]
    # All that may stand together do, after the last definition any of them needs above the first task.
    together = max((each.position for each in written if each.position < places.first), default=places.imports)
    for each in written:
        each.position = max(each.position, together)
    by_variable = {each.home.variable: each for each in written}
    references = References(module, context)
    taken = module.taken() | set(by_variable)
    packages = flytekit_packages.needed(context, module.name)
    if packages:
        _add_packages(work, [each for each in written if not each.home.driver], packages)
    for each in written:
        if each.home.driver:
            _depend(work, each, references, taken)
            for container in containers:
                if container.variable in each.needs:
                    _depend_on_container(work, each, container, places)
            _driver_image(work, each, written, references)
            if packages and each.arguments["image"] is None:
                each.arguments["image"] = flytekit_packages.add(work, each.home, None, packages)
    _write(work, _in_order(work, written, by_variable, places))
    return work.plan


def _add_packages(work: Work, written: Sequence[Written], packages: Sequence[str]) -> None:
    """What came with flytekit into the images of the file's tasks; those without an image share one."""
    shared: Written | None = None
    for each in written:
        image = each.arguments["image"]
        if image is None and shared is not None and shared.position <= each.position:
            each.arguments["image"] = f"{shared.home.variable}.image"
            continue
        each.arguments["image"] = flytekit_packages.add(work, each.home, image, packages)
        shared = each if image is None and shared is None else shared


def _launches(module: Module, context: Context) -> bool:
    """Whether a launch plan of the file becomes a task, its workflow being known."""
    facts = context.facts.get(module.name, Facts(module.name))
    return any(
        plan.mode == "task" and context.entity(plan.target) is not None
        for plan in launch_plan_reading.plans(module, facts)
    )


def _written(work: Work, home: EnvironmentGroup, places: Places) -> Written:
    held = home.settings
    where: cst.CSTNode = home.members[0].decorator if home.members else work.module.tree
    where = home.values[0].value.whole if home.values and not home.members else where
    config = held.get("task_config")
    plugin: Doc | None = None
    if config is not None:
        if task_config.known(work, config):
            plugin = work.doc(config)
        else:
            name = work.qualified(work.value(config)) or code(config)
            said = f"{name} has no counterpart in Flyte 2 that is known here"
            work.report("FB302", where, f"task_config={layout.brief(config)}: {said}")
    environment = held.get("environment")
    size = resources.merged(work, held, where)
    image = image_spec.setting(work, held["container_image"]) if "container_image" in held else None
    name = work.context.environment_name(work.module.name, home.variable)
    clash = work.context.environment_names.clashes.get((work.module.name, home.variable))
    if clash is not None:
        work.report("FB319", where, f"{clash} is another environment's name; {home.variable} is called {name}")
    values: dict[str, Doc | None] = {
        "name": layout.quoted(name),
        "image": image,
        "resources": size if size is not None or not home.driver else DRIVER_RESOURCES,
        "env_vars": work.doc(environment) if environment is not None else None,
        "secrets": secret.setting(work, held),
        "plugin_config": plugin,
        "reusable": _reuse(work, home),
    }
    users = [*(places.of(one.function) for one in home.members), *(places.of(one.value.whole) for one in home.values)]
    first = min(users, default=None)
    needed = [places.of_name(used, first) for value in held.values() for used in used_names(value)]
    if home.declared:
        needed = [places.of_name(cst.Name(home.variable))]
    position = max([places.imports, *needed])
    return Written(home, values, min(position, first - 1) if home.values and first is not None else position)


def _reuse(work: Work, home: EnvironmentGroup) -> Doc | None:
    """The reuse policy of what was an actor environment."""
    if not home.actor:
        return None
    value = {name: work.doc(node) for name, node in home.actor.items()}
    seconds = arguments.constant(home.actor.get("ttl_seconds"))
    if isinstance(seconds, int) and seconds < SHORTEST_IDLE:
        value["ttl_seconds"] = str(SHORTEST_IDLE)
    return layout.call(
        "flyte.ReusePolicy",
        replicas=value.get("replica_count", "1"),
        concurrency=value.get("parallelism"),
        idle_ttl=value.get("ttl_seconds"),
    )


def _depend(work: Work, each: Written, references: References, taken: set[str]) -> None:
    """Fill in what a driver's environment depends on: every environment of a task its functions call."""
    module = work.module
    imported: dict[tuple[str, str], str] = {}
    for entity, chain in references.of(each.home):
        variable = entity.environment
        if variable is None or (entity.module == module.name and variable == each.home.variable):
            continue
        if entity.module == module.name:
            each.needs.add(variable)
        elif work.context.imports.closes_circle(module.name, entity.module):
            where = each.home.members[0].decorator if each.home.members else module.tree
            message = f"{each.home.variable} calls `{entity.name}` of {entity.module}, which imports this module: no dependency"
            work.report("FB317", where, message)
        elif (entity.module, variable) not in imported:
            imported[entity.module, variable] = _imported(work, entity, variable, chain, taken)
    references.local.update(imported)
    each.depends_on += sorted(imported.values())


def _contain(work: Work, container: ContainerEnvironment) -> None:
    """The environment of a container task, below the task."""
    name = layout.quoted(work.context.environment_name(work.module.name, container.variable))
    doc = layout.call("flyte.TaskEnvironment.from_task", name, container.task)
    made = layout.statement(doc, work.limit, target=container.variable)
    work.plan.insert_after(container.statement, [made])
    work.plan.want("import flyte")


def _depend_on_container(work: Work, each: Written, container: ContainerEnvironment, places: Places) -> None:
    """A driver's environment depends on a container task's, which is there before it or is added below itself."""
    if places.of(container.statement) < each.position:
        each.depends_on.append(container.variable)
        return
    doc = layout.call(f"{each.home.variable}.add_dependency", container.variable)
    work.plan.insert_after(container.statement, [layout.statement(doc, work.limit)])


def _in_order(
    work: Work, written: Sequence[Written], by_variable: Mapping[str, Written], places: Places
) -> list[Written]:
    """The environments, each after those it depends on. What is defined below its driver's first task is added there.

    Flyte 2 cannot plan a deployment whose environments depend on each other in a circle (flyte 2.5 recurses for ever), so
    the dependency that would close one is left out and reported.
    """
    ordered: list[Written] = []
    above: list[Written] = []

    def place(each: Written) -> None:
        if each in ordered:
            return
        above.append(each)
        first = places.first_of(each.home.members)
        own: list[str] = []
        for variable, other in by_variable.items():
            if variable not in each.needs:
                continue
            if other in above:
                where = each.home.members[0].decorator if each.home.members else work.module.tree
                message = (
                    f"{each.home.variable} and {variable} call each other's tasks; only {variable} depends on the other"
                )
                work.report("FB317", where, message)
                continue
            place(other)
            if other.position >= first:
                each.late.append(variable)
            else:
                own.append(variable)
                each.position = max(each.position, other.position)
        each.depends_on = [*own, *each.depends_on]
        above.pop()
        ordered.append(each)

    for each in written:
        place(each)
    return ordered


def _imported(work: Work, entity: Entity, variable: str, chain: cst.BaseExpression, taken: set[str]) -> str:
    """How an environment of another module is called here; imports it in the style of the task's own import."""
    module = work.module
    root: cst.BaseExpression = chain
    while isinstance(root, cst.Attribute):
        root = root.value
    at_top = isinstance(root, cst.Name) and root.value in module.scope.bindings
    if at_top and isinstance(chain, cst.Attribute) and module.names.qualified(chain.value) == entity.module:
        return f"{code(chain.value)}.{variable}"
    alias = work.aliases.get(f"{entity.module}.{variable}")
    if alias is not None:
        return alias
    last = re.sub(r"\W", "_", entity.module.rpartition(".")[2])
    alias = unique((f"{last}_{variable}", f"{entity.module.replace('.', '_')}_{variable}"), taken)
    work.aliases[f"{entity.module}.{variable}"] = alias
    source = module.names.spelled(entity.module)
    if isinstance(root, cst.Name):
        for binding in module.names.bindings(root):
            node = binding.node
            if isinstance(node, cst.ImportFrom) and node.relative:
                source = module.names.relative(entity.module)
    work.plan.want(f"from {source} import {variable} as {alias}")
    return alias


def _driver_image(work: Work, each: Written, written: Sequence[Written], references: References) -> None:
    """A driver's pod imports its module, which the image of any task of that module can; without one, that of its callees."""
    if each.arguments["image"] is not None:
        return
    imaged = [other for other in written if not other.home.driver and other.arguments["image"] is not None]
    first = references.places.first_of(each.home.members)
    known = [other for other in imaged if other.position < first]
    if imaged and not known:
        message = f"the image of {imaged[0].home.variable} is defined below {each.home.variable}'s first workflow"
        work.report("FB315", imaged[0].home.members[0].decorator, message)
    if known:
        most = max(known, key=lambda other: len(other.home.members))
        texts = {layout.flat(other.arguments["image"] or "") for other in known}
        image = most.home.settings.get("container_image")
        simple = image is not None and isinstance(image, (cst.Name, cst.Attribute, cst.SimpleString))
        written_simply = simple and isinstance(most.arguments["image"], str)
        each.arguments["image"] = most.arguments["image"] if written_simply else f"{most.home.variable}.image"
        each.position = max(each.position, most.position)
        if len(texts) > 1 and most.home.members:
            work.report(
                "FB315",
                most.home.members[0].decorator,
                f"{each.home.variable} has the image of {most.home.variable}; the other tasks' images differ",
            )
        return
    images: dict[str, str] = {}
    for entity, _ in references.of(each.home):
        callee = _image_of(work.context, entity)
        local = references.local.get((entity.module, entity.environment or ""))
        if callee is not None and local is not None:
            images.setdefault(callee, local)
    if images:
        nearest = next(iter(images.values()))
        each.arguments["image"] = f"{nearest}.image"
        if len(images) > 1 and each.home.members:
            others = ", ".join(list(images)[1:])
            work.report(
                "FB315",
                each.home.members[0].decorator,
                f"{each.home.variable} has the image of {nearest}; it also calls tasks with {others}",
            )


def _image_of(context: Context, entity: Entity) -> str | None:
    """What tells the image of another module's entity from others: of a driver, the commonest of its module's tasks."""
    facts = context.facts.get(entity.module)
    if facts is None:
        return entity.image
    text = entity.image
    if text is None and entity.kind.is_driver:
        known = Counter(each.image for each in facts.entities.values() if each.image is not None)
        text = max(known, key=lambda each: known[each], default=None)
    if text is None:
        return None
    return facts.reexports.get(text, f"{entity.module}.{text}" if text.isidentifier() else text)


# -- writing -----------------------------------------------------------------------------------------------------------


def _write(work: Work, written: Sequence[Written]) -> None:
    body = work.module.tree.body
    by_position: dict[int, list[Written]] = {}
    for each in written:
        each.arguments["depends_on"] = layout.listed(each.depends_on) if each.depends_on else None
        if each.home.declared:
            _redeclare(work, each)
        else:
            by_position.setdefault(each.position, []).append(each)
    for position, group in sorted(by_position.items()):
        host = body[position] if position >= 0 else None
        gap = 0 if isinstance(host, cst.SimpleStatementLine) and isinstance(host.body[0], cst.Assign) else 1
        if isinstance(host, (cst.FunctionDef, cst.ClassDef)):
            gap = 2
        statements: list[cst.BaseStatement] = []
        for number, each in enumerate(group):
            doc = layout.call("flyte.TaskEnvironment", **each.arguments)
            statements.append(
                layout.statement(doc, work.limit, target=each.home.variable, blank=gap if number == 0 else 0)
            )
        if host is not None:
            work.plan.insert_after(host, statements)
        elif body:
            start = 1 if work.module.tree.get_docstring() and len(body) > 1 else 0
            work.plan.insert_before(body[start], statements)
    _late(work, written)


def _late(work: Work, written: Sequence[Written]) -> None:
    """Dependencies that are defined after their driver are added after them."""
    positions = {each.home.variable: each.position for each in written}
    for each in written:
        for late in each.late:
            added = layout.statement(layout.call(f"{each.home.variable}.add_dependency", late), work.limit)
            work.plan.insert_after(work.module.tree.body[positions[late]], [added])


def _redeclare(work: Work, each: Written) -> None:
    """`env = flytekit.Environment(…)` becomes an environment where it stands."""
    for name, value, _ in work.module.assignments:
        if name == each.home.variable and isinstance(value, cst.Call):
            doc = layout.call("flyte.TaskEnvironment", **each.arguments)
            text = layout.render(doc, work.limit, column=len(name) + 3)
            work.plan.replace(value, Verbatim(text), "Flyte 1's Environment is a task environment")
