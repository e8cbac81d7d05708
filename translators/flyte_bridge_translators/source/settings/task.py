"""Tasks: Flyte 1's decorators become `@env.task`, with every parameter carried over, moved to the environment or reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import DECORATORS, Facts, Kind, entity_decorator
from flyte_bridge_translators.source.engine.entity_names import flyte1_name
from flyte_bridge_translators.source.engine.house_decorators import applied_in_place, tasks_of
from flyte_bridge_translators.source.engine.imports import said_of
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.syntax import Verbatim, parsed
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import (
    cache,
    launch_plan_reading,
    pod_template,
    remote_reference,
    retries,
)
from flyte_bridge_translators.source.settings.decorated import ACTOR, Decorated, Valued, decorated
from flyte_bridge_translators.source.settings.environment_groups import ONLY, homes

CARRIED = ("timeout", "interruptible", "docs")
"""Parameters with the same name and meaning; a bare number is seconds in both."""

NOTHING = frozenset({"execution_mode", "node_dependency_hints", "pickle_untyped"})
"""Parameters with nothing left to say: a driver's kind is its body, dependencies are in `depends_on`, and what has no type is
pickled anyway."""

GRAPH = frozenset({"failure_policy", "on_failure"})
"""Parameters of a workflow that become part of its body."""


def translate(module: Module, context: Context) -> Plan:
    """Rewrite the decorator of every task and workflow at module level."""
    work = Work.of(module, context, "task")
    facts = context.facts.get(module.name, Facts(module.name))
    variables = {one.function: home.variable for home in homes(module, facts) for one in home.members}
    triggers = launch_plan_reading.triggers(module, facts)
    wrappers: set[str] = set()
    for one in decorated(module):
        variable = variables[one.function]
        wrapper = _rewrite(work, one, variable, triggers.get(one.function.name.value, ()))
        if wrapper is not None:
            wrappers.add(wrapper)
        _called(work, one.function.name.value, variable, one.decorator)
    for home in homes(module, facts):
        for value in home.values:
            _rewrite_value(work, value, home.variable)
            for function in tasks_of(module, value.value):
                _called(work, function, home.variable, value.value.whole)
    retries.define(work, wrappers)
    _elsewhere(work)
    return work.plan


def _called(work: Work, function: str, variable: str, where: cst.CSTNode) -> None:
    """Enter an entity in the table of names; a name that an earlier conversion gave and that cannot stay is reported."""
    flyte1 = flyte1_name(work.module, function)
    name = f"{work.context.environment_name(work.module.name, variable)}.{function}"
    work.plan.renames[flyte1] = name
    recorded = work.module.naming.recorded(flyte1, work.module.name)
    if recorded not in {None, name}:
        work.report("FB318", where, f"{flyte1} was {recorded}, and is {name} now")


def _elsewhere(work: Work) -> None:
    """Entities that are not at module level stay as they are; references refer to what is registered in Flyte 2."""
    for function in work.module.functions:
        found = entity_decorator(work.module, function)
        if found is None:
            continue
        if found[1] is Kind.REFERENCE:
            remote_reference.write(work, function, found[0])
        elif not work.module.is_top_level(function):
            work.report("FB107", function, f"{function.name.value} is defined inside a function or class")


def _rewrite(work: Work, one: Decorated, variable: str, triggers: Sequence[str]) -> str | None:
    """Rewrite one decorator; returns what keeps Flyte 1's rule of retries around the function, if it needs that."""
    values, wrapped = _values(work, one)
    if triggers:
        values["triggers"] = triggers[0] if len(triggers) == 1 else layout.joined(triggers)
    indent = 4 * sum(isinstance(above, cst.IndentedBlock) for above in work.module.ancestors(one.function))
    text = f"{variable}.task"
    if any(value is not None for value in values.values()):
        text = layout.render(layout.call(text, **values), work.limit, column=1 + indent, indent=indent)
    comments = [comment for comment in layout.comments(one.decorator.decorator) if comment not in text]
    flyte1 = _decorators_of_flyte1(work, one)
    comments += [f"# {line}" for each in flyte1 for line in f"@{code(each.decorator)}".splitlines()]
    lines = [cst.EmptyLine(comment=cst.Comment(comment)) for comment in comments]
    made = one.decorator.with_changes(
        decorator=Verbatim(text),
        leading_lines=[*one.decorator.leading_lines, *lines],
        whitespace_after_at=cst.SimpleWhitespace(""),
    )
    why = "a workflow is a task that calls others" if one.kind.is_driver else "tasks belong to an environment"
    wrapper = retries.name(work, one) if wrapped else None
    if wrapper is not None:
        extra = cst.Decorator(cst.Call(cst.Name(wrapper)))
        work.plan.replace(one.decorator, lambda _: _both(made, extra), why)
    else:
        work.plan.replace(one.decorator, made, why)
    others = [each for each in one.function.decorators if each is not one.decorator and each not in flyte1]
    if others:
        names = ", ".join(code(each.decorator) for each in others)
        work.report("FB108", one.decorator, f"{names} on {one.function.name.value}")
    return wrapper


def _rewrite_value(work: Work, one: Valued, variable: str) -> None:
    """`task(retries=1)` and `partial(task, retries=1)` where `task` is a value: `env.task(retries=1)`, `partial(env.task, …)`."""
    value = one.value
    stand_in = cst.ensure_type(cst.parse_statement(f"def {value.name}(): ..."), cst.FunctionDef)
    settings, _ = _values(
        work, Decorated(stand_in, cast("cst.Decorator", value.whole), one.kind, one.settings, one.stars)
    )
    given = {name: doc for name, doc in settings.items() if doc is not None}
    decorator = f"{variable}.task"
    if value.whole is value.reference:
        text = decorator
    elif isinstance(value.whole, cst.Call) and value.whole.func is value.reference:
        text = layout.flat(layout.call(decorator, **given)) if given else decorator
    else:
        assert isinstance(value.whole, cst.Call)
        text = layout.flat(layout.call(code(value.whole.func), decorator, **given)) if given else decorator
    work.plan.replace(value.whole, parsed(text), "one environment for a decorator of the house")
    other = [
        name for name, applied in applied_in_place(work.module).items() if applied is value and name != value.applied
    ]
    for name in other:
        message = f"{name} is made of {value.applied}: Flyte 2 finds a task by the name of its function"
        work.report("FB107", value.whole, message)


def _decorators_of_flyte1(work: Work, one: Decorated) -> list[cst.Decorator]:
    """The other Flyte 1 decorators of a function (a plugin's `wandb_init`): they wrap a task of Flyte 1, and importing them
    would import flytekit, so each becomes a comment."""
    found: list[cst.Decorator] = []
    for each in one.function.decorators:
        target = each.decorator.func if isinstance(each.decorator, cst.Call) else each.decorator
        name = work.module.names.qualified(target)
        if each is not one.decorator and is_v1(name) and name not in DECORATORS:
            found.append(each)
            work.plan.remove(each, "a decorator of Flyte 1 wraps no task of Flyte 2")
            code_, message = said_of(name or "")
            work.report(code_, each, f"{message}; the decorator is a comment now")
    return found


def _both(first: cst.Decorator, second: cst.Decorator) -> cst.FlattenSentinel[cst.BaseStatement]:
    return cast("cst.FlattenSentinel[cst.BaseStatement]", cst.FlattenSentinel([first, second]))


def _values(work: Work, one: Decorated) -> tuple[dict[str, Doc | None], bool]:
    """The arguments of the new decorator, and whether retries need Flyte 1's rule."""
    given = {name: value for name, value in one.settings.items() if not arguments.is_none(value)}
    where = one.decorator
    if one.stars:
        stars = ", ".join(f"{star.star}{code(star.value)}" for star in one.stars)
        work.report("FB302", where, f"{stars} holds settings that cannot be read here; they are not carried over")
    values: dict[str, Doc | None] = {"cache": cache.setting(work, given, where)}
    wrapped = False
    if "retries" in given:
        values["retries"], wrapped = retries.setting(work, given["retries"], one.function)
    if one.kind is Kind.WORKFLOW:
        _workflow(work, given, values, where)
    else:
        for name in CARRIED:
            # `interruptible=False` is a choice; a timeout of zero is none.
            if name in given and (name == "interruptible" or arguments.constant(given[name]) != 0):
                values[name] = work.doc(given[name])
    values["pod_template"] = pod_template.setting(work, given, where)
    values["report"] = _report(work, given, where)
    if "task_resolver" in given:
        work.report("FB302", where, f"task_resolver={code(given['task_resolver'])} is an object of Flyte 1")
    if "deprecated" in given and arguments.constant(given["deprecated"]) != "":
        work.report(
            "FB301", where, f"deprecated={code(given['deprecated'])}: say it in the docstring, or warn in the body"
        )
    known = {*ONLY, *cache.KEYWORDS, *CARRIED, *pod_template.KEYWORDS, *NOTHING, *GRAPH, *DECKS}
    for name, value in given.items():
        if name not in known | {"retries", "task_resolver", "deprecated", "default_options"} | (
            {*ACTOR, "name"} if one.base else set()
        ):
            work.report("FB301", where, f"{name}={code(value)} is no setting of a task in Flyte 2")
    return values, wrapped


def _workflow(
    work: Work, given: Mapping[str, cst.BaseExpression], values: dict[str, Doc | None], where: cst.CSTNode
) -> None:
    if "docs" in given:
        values["docs"] = work.doc(given["docs"])
    if "interruptible" in given and arguments.constant(given["interruptible"]) is not False:
        work.report(
            "FB301",
            where,
            f"interruptible={code(given['interruptible'])} of a workflow was the default of its tasks; set it on them, or start "
            "the run with `flyte.with_runcontext(interruptible=True)`",
        )
    if "default_options" in given:
        work.report(
            "FB301",
            where,
            f"default_options={code(given['default_options'])}: give them to `flyte.with_runcontext` or to a trigger",
        )


DECKS = frozenset({"enable_deck", "disable_deck", "deck_fields"})


def _report(work: Work, given: Mapping[str, cst.BaseExpression], where: cst.CSTNode) -> Doc | None:
    """`report=` for `enable_deck` and its older opposite."""
    if "deck_fields" in given:
        work.report("FB307", where, f"deck_fields={code(given['deck_fields'])} was left out")
    if "enable_deck" in given:
        known = arguments.constant(work.value(given["enable_deck"]))
        return None if known is False else ("True" if known is True else work.doc(given["enable_deck"]))
    if "disable_deck" in given:
        known = arguments.constant(work.value(given["disable_deck"]))
        return (
            None
            if known is True
            else ("True" if known is False else f"not {layout.flat(work.doc(given['disable_deck']))}")
        )
    return None
