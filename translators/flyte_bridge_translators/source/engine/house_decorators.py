"""Decorators of the house: `small = partial(task, retries=1)`, a function that returns `task(...)(fn)`, `train = task(...)(train)`.

There `task` is a value and no decorator, so what it says stands in one place for all functions it is used on: one environment each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import libcst as cst

from flyte_bridge_translators.source.engine.module import Module

PARTIAL = "functools.partial"

MAKERS = frozenset({"flytekit.task", "flytekit.dynamic", "flytekit.workflow"})


@dataclass(frozen=True)
class DecoratorValue:
    """A Flyte 1 decorator used as a value.

    Attributes:
        reference: The name itself.
        whole: The call that gives it settings, or the name when nothing does.
        maker: Its qualified name.
        settings: The settings it is given, as arguments.
        name: The variable or function it is known by.
        applied: The function it is applied to at once, in `task(...)(fn)`.
    """

    reference: cst.Name | cst.Attribute
    whole: cst.BaseExpression
    maker: str
    settings: tuple[cst.Arg, ...]
    name: str
    applied: str | None = None


def decorator_values(module: Module) -> list[DecoratorValue]:
    """Every Flyte 1 decorator of a file that is used as a value, in the order of the text."""
    if module.decorator_values is None:
        module.decorator_values = list(_read(module))
    return cast("list[DecoratorValue]", module.decorator_values)


def _read(module: Module) -> Iterator[DecoratorValue]:
    for reference, qualified in module.references:
        if qualified not in MAKERS:
            continue
        whole: cst.CSTNode = reference
        settings: tuple[cst.Arg, ...] = ()
        parent = module.parents.get(reference)
        if isinstance(parent, cst.Call) and parent.func is reference:
            whole, settings = parent, tuple(parent.args)
        elif isinstance(parent, cst.Arg) and parent.keyword is None:
            call = module.parents.get(parent)
            if isinstance(call, cst.Call) and module.names.qualified(call.func) == PARTIAL and call.args[0] is parent:
                whole, settings = call, tuple(call.args[1:])
        above = module.parents.get(whole)
        if isinstance(above, cst.Decorator) or any(one.keyword is None and one.star != "**" for one in settings):
            continue
        assert isinstance(whole, cst.BaseExpression)
        applied = None
        if isinstance(above, cst.Call) and above.func is whole and len(above.args) == 1:
            argument = above.args[0].value
            applied = argument.value if isinstance(argument, cst.Name) else None
        yield DecoratorValue(reference, whole, qualified, settings, _known_by(module, whole), applied)


def _known_by(module: Module, node: cst.CSTNode) -> str:
    """The module-level function or variable a node belongs to."""
    name = "task"
    for above in module.ancestors(node):
        if isinstance(above, cst.FunctionDef):
            name = above.name.value
        elif isinstance(above, cst.Assign) and isinstance(above.targets[0].target, cst.Name):
            name = above.targets[0].target.value
    return name


def house_maker(module: Module, target: cst.BaseExpression) -> str | None:
    """Which Flyte 1 decorator a decorator of the house applies, when it is defined in the same file."""
    if not isinstance(target, cst.Name) or module.names.qualified(target) != f"{module.name}.{target.value}":
        return None
    return next((value.maker for value in decorator_values(module) if value.name == target.value), None)


def tasks_of(module: Module, value: DecoratorValue) -> Iterator[str]:
    """The module-level names that a decorator used as a value makes entities of."""
    for name, applied in applied_in_place(module).items():
        if applied is value:
            yield name
    for function in module.functions:
        for decorator in function.decorators:
            target = decorator.decorator.func if isinstance(decorator.decorator, cst.Call) else decorator.decorator
            if isinstance(target, cst.Name) and target.value == value.name and house_maker(module, target) is not None:
                yield function.name.value


def applied_in_place(module: Module) -> Mapping[str, DecoratorValue]:
    """`train = task(...)(train)` at module level: variable → what makes a task of which function."""
    found: dict[str, DecoratorValue] = {}
    calls = {module.parents.get(value.whole): value for value in decorator_values(module) if value.applied is not None}
    for name, assigned, _ in module.assignments:
        value = calls.get(assigned)
        if value is not None:
            found[name] = value
    return found
