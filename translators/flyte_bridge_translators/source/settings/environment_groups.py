"""Which task lives in which environment: the grouping, read from one file alone.

Two tasks share an environment when everything that only an environment can hold is the same for both; all else is a task's own
(`flyte.TaskEnvironment.task` has no parameter for these).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.engine import arguments
from flyte_bridge_translators.source.engine.entities import Facts, Kind
from flyte_bridge_translators.source.engine.entity_names import kept_environment
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code, string_value
from flyte_bridge_translators.source.settings.decorated import (
    ACTOR,
    Decorated,
    Settings,
    Valued,
    declared,
    decorated,
    unique,
    valued,
)
from flyte_bridge_translators.source.settings.launch_plan_reading import needs_driver, plans

ONLY = (
    "container_image",
    "requests",
    "limits",
    "resources",
    "accelerator",
    "shared_memory",
    "environment",
    "secret_requests",
    "task_config",
)
"""Parameters of a Flyte 1 task that only an environment can hold in Flyte 2."""


@dataclass
class EnvironmentGroup:
    """One task environment of a file.

    Attributes:
        variable: The name it is bound to.
        settings: What it holds, as in Flyte 1.
        driver: Whether workflows live in it.
        members: The functions that live in it.
        values: The decorators of the house whose tasks live in it.
        declared: Whether a `flytekit.Environment` of that name is there already.
        actor: Of a union actor environment: how it keeps its containers.
        kept_name: What it is called since an earlier conversion.
    """

    variable: str
    settings: Settings
    driver: bool = False
    members: list[Decorated] = field(default_factory=list)
    values: list[Valued] = field(default_factory=list)
    declared: bool = False
    actor: Settings = field(default_factory=dict)
    kept_name: str | None = None

    @property
    def functions(self) -> list[str]:
        """The names of those that live in it."""
        return [*(one.function.name.value for one in self.members), *(value.value.name for value in self.values)]


def environment_settings(settings: Mapping[str, cst.BaseExpression]) -> Settings:
    """What of a task's settings only an environment can hold."""
    return {
        name: settings[name]
        for name in ONLY
        if name in settings
        and not arguments.is_none(settings[name])
        and not (name == "task_config" and code(settings[name]).split("(")[0].rpartition(".")[2] == "Pod")
    }


Key = tuple[tuple[str, str], ...]


def key(settings: Mapping[str, cst.BaseExpression]) -> Key:
    """Equal for settings that are written the same, white space apart."""
    return tuple((name, re.sub(r"\s+", "", code(value))) for name, value in settings.items())


def homes(module: Module, facts: Facts) -> list[EnvironmentGroup]:
    """The environments of a file: those of tasks in the order of the text, then those of drivers."""
    found = list(decorated(module))
    kept: dict[str, EnvironmentGroup] = {}
    tasks: dict[Key, EnvironmentGroup] = {}
    drivers: dict[Key, EnvironmentGroup] = {}
    for one in found:
        settings = environment_settings(one.settings)
        if one.base is not None:
            base = environment_settings(declared(module, one.base))
            whole = declared(module, one.base)
            actor = {name: whole[name] for name in ACTOR if name in whole}
            home = kept.setdefault(one.base, EnvironmentGroup(one.base, base, declared=True, actor=actor))
            if not one.kind.is_driver and key(settings) == key(base):
                home.members.append(one)
                continue
        shelf = drivers if one.kind.is_driver else tasks
        shelf.setdefault(key(settings), EnvironmentGroup("", settings, one.kind.is_driver)).members.append(one)
    for value in valued(module):
        settings = environment_settings(value.settings)
        shelf = drivers if value.kind.is_driver else tasks
        shelf.setdefault(key(settings), EnvironmentGroup("", settings, value.kind.is_driver)).values.append(value)
    launches = any(entity.kind is Kind.LAUNCH_PLAN for entity in facts.entities.values())
    if launches and () not in drivers and needs_driver(module, facts):
        drivers[()] = EnvironmentGroup("", {}, driver=True)
    in_tasks, in_drivers = _kept(module, tasks.values()), _kept(module, drivers.values())
    _kept_by_launch_plans(module, facts, in_drivers)
    _name(in_tasks, in_drivers, module.taken() | set(kept), declared=bool(kept))
    every = [*_kept(module, kept.values(), apart=False), *in_tasks, *in_drivers]
    _once(every)
    return every


def _kept(module: Module, groups: Iterable[EnvironmentGroup], *, apart: bool = True) -> list[EnvironmentGroup]:
    """Environments with the names that their members have from an earlier conversion; members of two names live apart."""
    every: list[EnvironmentGroup] = []
    for group in groups:
        names = Counter(
            name for function in group.functions if (name := kept_environment(module, function)) is not None
        )
        by_use = [name for name, _ in names.most_common()]
        group.kept_name = by_use[0] if by_use else None
        every.append(group)
        for name in by_use[1:] if apart else ():
            own = [one for one in group.members if kept_environment(module, one.function.name.value) == name]
            values = [one for one in group.values if kept_environment(module, one.value.name) == name]
            group.members = [one for one in group.members if one not in own]
            group.values = [one for one in group.values if one not in values]
            every.append(EnvironmentGroup("", group.settings, group.driver, own, values, kept_name=name))
    return every


def _kept_by_launch_plans(module: Module, facts: Facts, drivers: Sequence[EnvironmentGroup]) -> None:
    """The environment of launch plans that are tasks of their own has the name they have from an earlier conversion."""
    table = module.naming.table.launch_plans
    plain = next((group for group in drivers if not group.settings), None)
    if not table or plain is None or plain.kept_name is not None:
        return
    for plan in plans(module, facts):
        recorded = table.get(string_value(plan.given.get("name")) or "") if plan.mode == "task" else None
        if recorded is not None:
            plain.kept_name = recorded.task.rpartition(".")[0]
            return


def _once(groups: Sequence[EnvironmentGroup]) -> None:
    """What had one name and differs in its settings now: the most keep it."""
    keepers: dict[str, EnvironmentGroup] = {}
    for group in sorted(groups, key=lambda group: -len(group.functions)):
        if group.kept_name is not None and keepers.setdefault(group.kept_name, group) is not group:
            group.kept_name = None


def _name(
    tasks: Sequence[EnvironmentGroup], drivers: Sequence[EnvironmentGroup], taken: set[str], *, declared: bool
) -> None:
    used = set(taken)
    main = None if declared else _main(tasks)
    images = Counter(code(home.settings["container_image"]) for home in tasks if "container_image" in home.settings)
    for home in tasks:
        if home is main:
            home.variable = unique(("env", "task_env", "tasks_env"), used)
    for home in tasks:
        if home is not main:
            home.variable = unique([f"{word}_env" for word in _words(home, main, images)], used)
    first = next((home for home in drivers if not home.settings), drivers[0] if drivers else None)
    for home in drivers:
        name = home.members[0].function.name.value if home.members else "workflow"
        name = home.values[0].value.name if home.values and not home.members else name
        wanted = ("driver", "workflow_driver", "driver_env") if home is first else (f"{name}_driver",)
        home.variable = unique(wanted, used)


def _main(tasks: Sequence[EnvironmentGroup]) -> EnvironmentGroup | None:
    """The one that is called `env`: the plain one, else the one with the most tasks."""
    plain = next((home for home in tasks if not home.settings), None)
    return plain or max(tasks, key=lambda home: len(home.members), default=None)


def _words(home: EnvironmentGroup, main: EnvironmentGroup | None, images: Counter[str]) -> Iterator[str]:
    """What to call an environment after, best first: its only task, what only it has, its first task."""
    names = [one.function.name.value.lstrip("_") for one in home.members]
    names += [one.value.name.lstrip("_") for one in home.values]
    if len(names) == 1:
        yield names[0]
    sizes = (home.settings[name] for name in ("requests", "limits", "resources") if name in home.settings)
    if "accelerator" in home.settings or any("gpu" in code(size).lower() for size in sizes):
        yield "gpu"
    image = home.settings.get("container_image")
    if isinstance(image, cst.Name) and (set(home.settings) == {"container_image"} or _is_rare(image, main, images)):
        yield re.sub(r"_?(image|img|spec)(_?spec)?$", "", image.value.lower()).strip("_") or image.value.lower()
    for name in ("requests", "resources", "limits"):
        value = home.settings.get(name)
        if isinstance(value, cst.Name) and value.value.islower():
            yield value.value
            break
    yield from names


def _is_rare(image: cst.Name, main: EnvironmentGroup | None, images: Counter[str]) -> bool:
    """Whether no other environment has that image."""
    other = main.settings.get("container_image") if main is not None else None
    return images[image.value] == 1 and (other is None or code(other) != image.value)
