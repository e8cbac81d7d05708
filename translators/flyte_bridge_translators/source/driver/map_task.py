"""`map_task`: one call per element, all at once, bounded when `concurrency` says so.

`flyte.map` is not used: it needs the mapped parameter to come first, runs one element after the other in local mode, and
zips lists of unequal length silently. A `gather` over the calls has none of these limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import libcst as cst

from flyte_bridge_translators.source.driver.entity_callee import EntityCallee
from flyte_bridge_translators.source.driver.node import recognize as recognize_call
from flyte_bridge_translators.source.driver.node import settings_of, unpartial
from flyte_bridge_translators.source.driver.scene import AwaitedCall, Scene
from flyte_bridge_translators.source.driver.steps import UNKNOWN
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.entities import Outputs
from flyte_bridge_translators.source.engine.syntax import assign, chain, keyword, parsed
from flyte_bridge_translators.source.engine.tree import code, walk

MAP = "flytekit.map_task"

METADATA = frozenset({"retries", "timeout", "interruptible", "cache", "cache_version"})
"""What `TaskMetadata` has that `task.override(...)` can set."""


@dataclass
class MapCallee:
    """A map over an entity.

    Attributes:
        callee: How one element is called, with its bound arguments.
        bound: The arguments every element gets.
        mapped: Parameter → the argument with the collection its elements come from.
        elements: Parameter → the name of one element.
        concurrency: How many run at once; None for all.
        ratio: The least share that must succeed; None when all must.
        names: The names made for this map: `limit`, `results`, `one`.
    """

    callee: EntityCallee
    bound: Sequence[cst.Arg]
    mapped: dict[str, cst.Arg]
    elements: dict[str, str]
    concurrency: cst.BaseExpression | None
    ratio: cst.BaseExpression | None
    names: dict[str, str]

    @property
    def name(self) -> str:
        return self.callee.name

    @property
    def outputs(self) -> Outputs:
        inner = self.callee.outputs.annotations
        return Outputs("single", ("o0",), (f"list[{inner[0]}]",)) if len(inner) == 1 else UNKNOWN

    @property
    def simple(self) -> bool:
        return self.ratio is None

    @property
    def prepares(self) -> bool:
        return self.concurrency is not None or self.ratio is not None

    @property
    def awaits(self) -> bool:
        return self.ratio is None

    def _one(self, rewrite: Rewrite) -> cst.BaseExpression:
        given = [keyword(name, cst.Name(self.elements[name])) for name in self.mapped]
        bound = [
            rewrite.inside(argument).with_changes(
                comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=cst.SimpleWhitespace("")
            )
            for argument in self.bound
        ]
        positional = [argument for argument in bound if argument.keyword is None]
        named = [argument for argument in bound if argument.keyword is not None]
        return self.callee.given(rewrite, [*positional, *named, *given])

    def _over(self, rewrite: Rewrite, element: cst.BaseExpression) -> cst.GeneratorExp:
        names = [cst.Name(self.elements[name]) for name in self.mapped]
        collections = [cst.ensure_type(rewrite(argument), cst.Arg).value for argument in self.mapped.values()]
        if len(names) == 1:
            loop = cst.CompFor(names[0], collections[0])
        else:
            # Flyte 1 refuses lists of unequal length; `zip` alone would cut them short.
            arguments = [*(cst.Arg(one) for one in collections), keyword("strict", cst.Name("True"))]
            target = cst.Tuple([cst.Element(one) for one in names], lpar=[], rpar=[])
            loop = cst.CompFor(target, cst.Call(cst.Name("zip"), arguments))
        return cst.GeneratorExp(element, loop, lpar=[], rpar=[])

    def _gather(self, rewrite: Rewrite) -> cst.Call:
        element = self._one(rewrite)
        if self.concurrency is not None:
            element = cst.Call(cst.Name(self.names["one"]), [cst.Arg(cst.Name(one)) for one in self.elements.values()])
        generator = self._over(rewrite, element).with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        return cst.Call(chain("asyncio.gather"), [cst.Arg(generator, star="*")])

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """A bounded coroutine per element, and what decides whether enough succeeded."""
        lines: list[cst.BaseStatement] = []
        if self.concurrency is not None:
            limit = cst.Name(self.names["limit"])
            made = cst.Call(chain("asyncio.Semaphore"), [cst.Arg(rewrite(self.concurrency))])
            lines.append(assign(limit, made))
            parameters = ", ".join(self.elements.values())
            one = cst.parse_statement(
                f"async def {self.names['one']}({parameters}):\n    async with {limit.value}:\n        return await x\n"
            )
            call = self._one(rewrite)
            lines.append(with_value(one, call))
        if self.ratio is not None:
            results = self.names["results"]
            gathered = self._gather(rewrite)
            settled = keyword("return_exceptions", cst.Name("True"))
            lines.append(assign(cst.Name(results), cst.Await(gathered.with_changes(args=[*gathered.args, settled]))))
            errors = self.names["errors"]
            lines.append(
                cst.parse_statement(
                    f"{errors} = [result for result in {results} if isinstance(result, BaseException)]\n"
                )
            )
            ratio = code(rewrite(self.ratio))
            lines.append(
                cst.parse_statement(
                    f"if {errors} and len({results}) - len({errors}) < {ratio} * len({results}):\n"
                    f"    raise {errors}[0]\n"
                )
            )
        return lines

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """The `gather`; when failures are allowed, the results with None for each of them."""
        if self.ratio is not None:
            results = self.names["results"]
            return parsed(f"[None if isinstance(result, BaseException) else result for result in {results}]")
        return self._gather(rewrite)


def with_value(function: cst.BaseStatement, call: cst.BaseExpression) -> cst.BaseStatement:
    """The two-level coroutine with `return await <call>` as its innermost line."""
    assert isinstance(function, cst.FunctionDef)
    guard = function.body.body[0]
    assert isinstance(guard, cst.With)
    line = cst.SimpleStatementLine([cst.Return(cst.Await(call))])
    inner = guard.with_changes(body=cst.IndentedBlock([line]))
    return function.with_changes(body=cst.IndentedBlock([inner]))


def recognize(scene: Scene, call: cst.Call, overrides: tuple[cst.Call, ...]) -> AwaitedCall | None:
    """`map_task(f)(x=xs)`, also through a variable that holds the `map_task(...)`; None for anything else."""
    maker = mapper(scene, call.func)
    if maker is None or not maker.args:
        return None
    options = {argument.keyword.value: argument.value for argument in maker.args if argument.keyword is not None}
    target = options.pop("map_function", None) or options.pop("target", None) or maker.args[0].value
    func, bound = unpartial(scene, target)
    if scene.entity(func) is None and not scene.callees(func).awaits:
        return None
    pretended = call.with_changes(func=func, args=[])
    inner = recognize_call(scene, pretended, overrides)
    if inner is None or not isinstance(inner.callee, EntityCallee):
        return None
    entity = scene.entity(func)
    parameters = [parameter.name for parameter in entity.parameters] if entity is not None else []
    taken = {argument.keyword.value for argument in bound if argument.keyword is not None}
    free = [name for name in parameters if name not in taken]
    mapped: dict[str, cst.Arg] = {}
    for place, argument in enumerate(call.args):
        name = argument.keyword.value if argument.keyword is not None else (free[place] if place < len(free) else "")
        if argument.star or not name:
            return None  # which inputs it maps over stands elsewhere
        mapped[name] = argument
    if not mapped:
        return None
    callee = inner.callee
    metadata = options.pop("metadata", None)
    if metadata is not None:
        callee = replace(callee, settings=[*callee.settings, *metadata_settings(scene, metadata)])
    concurrency = options.pop("concurrency", None)
    if concurrency is not None and code(concurrency) in {"None", "0"}:
        concurrency = None
    ratio = options.pop("min_success_ratio", None)
    if ratio is not None and code(ratio) in {"None", "1.0", "1"}:
        ratio = None
    for name, value in options.items():
        scene.plan.report("FB212", value, f"`map_task({name}=...)` was left out: a `gather` has no such setting")
    scene.plan.want("import asyncio")
    elements = {name: element_name(scene, name, argument.value) for name, argument in mapped.items()}
    names: dict[str, str] = {}
    if concurrency is not None:
        names["limit"] = scene.fresh("limit")
        names["one"] = scene.fresh(f"limited_{callee.name}", "limited")
    if ratio is not None:
        names["results"] = scene.fresh("results", f"{callee.name}_results")
        names["errors"] = scene.fresh("errors", f"{callee.name}_errors")
    found = MapCallee(callee, bound, mapped, elements, concurrency, ratio, names)
    values = [
        *(argument.value for argument in bound),
        *(argument.value for argument in mapped.values()),
        *(value for _, value in callee.settings),
    ]
    values += [value for value in (concurrency, ratio) if value is not None]
    hints = {id(each.value): name if name.endswith("s") else f"{name}s" for name, each in mapped.items()}
    return AwaitedCall(found, tuple((value, hints.get(id(value), "")) for value in values))


def mapper(scene: Scene, func: cst.BaseExpression) -> cst.Call | None:
    """The `map_task(...)` call that `func` is or names."""
    made: cst.CSTNode | None = func
    if isinstance(func, cst.Name):
        made = scene.mappers.get(func.value) or scene.module.definition(func.value)
    return made if isinstance(made, cst.Call) and scene.qualified(made.func) == MAP else None


def metadata_settings(scene: Scene, metadata: cst.BaseExpression) -> list[tuple[str, cst.BaseExpression]]:
    """`metadata=TaskMetadata(retries=1, ...)` as keywords of `.override(...)`."""
    if not isinstance(metadata, cst.Call):
        scene.plan.report("FB212", metadata, "`map_task(metadata=...)` was left out: its value is not written here")
        return []
    kept = []
    for argument in metadata.args:
        name = argument.keyword.value if argument.keyword is not None else ""
        if name in METADATA:
            kept.append(argument)
        else:
            scene.plan.report(
                "FB212", argument, f"`TaskMetadata({name}=...)` was left out: an override has no such setting"
            )
    return list(settings_of(scene, [metadata.with_changes(args=kept)]))


def element_name(scene: Scene, parameter: str, collection: cst.BaseExpression) -> str:
    """The parameter's own name when it is free (a generator has a scope of its own), else one made for it."""
    used = {node.value for node in names_in(collection)}
    if parameter.isidentifier() and parameter not in used and parameter not in scene.fresh.taken:
        scene.fresh.taken.add(parameter)
        return parameter
    singular = ""
    if isinstance(collection, cst.Name) and collection.value.endswith("s") and len(collection.value) > 2:
        singular = collection.value[:-1]
    return scene.fresh(*(one for one in (singular, f"one_{parameter}") if one))


def names_in(node: cst.CSTNode) -> list[cst.Name]:
    """Every name in an expression."""
    return [one for one in walk(node) if isinstance(one, cst.Name)]
