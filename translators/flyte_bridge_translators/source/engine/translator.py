"""The contract of a translator, and what it is told about the rest of the project.

A translator is a pure function: `translate(module, context) -> Plan`. It looks at one file, reads the facts of the whole
project, and returns what it wants changed; it changes nothing itself. `CONCEPTS` (in `source/__init__`) is the
ordered tuple of all of them; where two claim the same node, the earlier wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.findings import Finding
from flyte_bridge_translators.source.engine.edits import Edit, Plan, apply, failure, locate, merge
from flyte_bridge_translators.source.engine.emission import emitted
from flyte_bridge_translators.source.engine.entities import Entity, Facts, Kind, Outputs
from flyte_bridge_translators.source.engine.environment_names import (
    EnvironmentNames,
    environment_name,
    environment_names,
)
from flyte_bridge_translators.source.engine.flow import Callees, Flow
from flyte_bridge_translators.source.engine.holdings_reader import holdings_of
from flyte_bridge_translators.source.engine.import_graph import ImportGraph
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.naming import NO_NAMES, LaunchPlanName, RenameTable
from flyte_bridge_translators.source.engine.python_text import compiles
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.unfolding import Unfold

if TYPE_CHECKING:
    from flyte_bridge_translators.source.engine.work import Converter

RETRIES = ("keep", "faithful")
"""`keep` writes the same number (Flyte 2 then retries every exception); `faithful` keeps Flyte 1's rule that only recoverable
errors are retried."""


@dataclass(frozen=True)
class Options:
    """Choices of the user.

    Attributes:
        retries: One of `RETRIES`.
        explain: Whether each changed place is wanted with its rule and reason; finding the places takes a fifth of the time.
        name_prefix: What the name of every new task environment begins with.
        table: What earlier conversions have called entities: those names stay.
    """

    retries: str = "keep"
    explain: bool = False
    name_prefix: str = ""
    table: RenameTable = NO_NAMES


@dataclass(frozen=True)
class Context:
    """What a translator may know beyond its own file.

    Attributes:
        facts: Dotted module name → its facts, for every file converted together, this one included.
        options: The user's choices.
        concepts: Everything that is converted, in order.
    """

    facts: Mapping[str, Facts] = field(default_factory=dict)
    options: Options = Options()
    concepts: Sequence[Concept] = ()

    @cached_property
    def _claims(self) -> Mapping[str, Converter]:
        return {name: concept.write for concept in self.concepts if concept.write for name in concept.claims}

    @cached_property
    def _unclaimed(self) -> tuple[Converter, ...]:
        return tuple(concept.write for concept in self.concepts if concept.write and not concept.claims)

    def claims(self, name: str | None) -> bool:
        """Whether a concept claims the calls of a Flyte 1 name."""
        return name in self._claims

    def converters(self, name: str | None) -> Iterator[Converter]:
        """Who may write a call in Flyte 2: who claims its name, then those who look at every call."""
        if name in self._claims:
            yield self._claims[name or ""]
        yield from self._unclaimed

    @cached_property
    def entities(self) -> Mapping[str, Entity]:
        """Qualified name → entity, over the whole project."""
        return {name: entity for facts in self.facts.values() for name, entity in facts.entities.items()}

    @cached_property
    def flow(self) -> Flow:
        """What every callee of the project may hold."""
        return Flow(self.facts, self.resolve)

    @cached_property
    def imports(self) -> ImportGraph:
        """Which modules import which."""
        return ImportGraph(self.facts)

    def resolve(self, qualified: str | None) -> str | None:
        """A qualified name with re-exports followed: `pkg.load` to `pkg.tasks.load` when `pkg/__init__` imports it."""
        seen = set()
        while qualified is not None and qualified not in seen:
            seen.add(qualified)
            module, _, name = qualified.rpartition(".")
            facts = self.facts.get(module)
            if facts is None or qualified in facts.entities:
                return qualified
            if name in facts.reexports:
                qualified = facts.reexports[name]
            elif name in facts.exports:
                return qualified
            else:
                star = next((star for star in facts.stars if self.exports(star, name)), None)
                if star is None:
                    return qualified
                qualified = f"{star}.{name}"
        return qualified

    def entity(self, qualified: str | None) -> Entity | None:
        """The entity a qualified name stands for, wherever in the project it is defined."""
        resolved = self.resolve(qualified)
        return self.entities.get(resolved) if resolved is not None else None

    def callees(self, module: Module, func: cst.BaseExpression) -> Callees:
        """What a callee in a file may be, wherever its value comes from."""
        return self.flow.callees(holdings_of(module).term(func))

    def runs_when_read(self, module: Module, node: cst.CSTNode) -> bool:
        """Whether a piece of text reads a property that is a coroutine function now."""
        if not isinstance(node, cst.Attribute) or node.attr.value not in self._read_by_name:
            return False
        return self.flow.runs_when_read(holdings_of(module).term(node.value), node.attr.value)

    @cached_property
    def _read_by_name(self) -> frozenset[str]:
        return self.flow.read_by_name

    def hands_over(self, module: Module, call: cst.Call) -> bool:
        """Whether a call gives a task, or a function that is a coroutine function now, to code that nobody here has read."""
        holdings = holdings_of(module)
        return self.flow.handed(holdings.term(call.func), [holdings.term(given.value) for given in call.args])

    def held(self, module: Module, node: cst.CSTNode | None) -> Entity | None:
        """The entity that an expression of a file names, or the only thing it may hold."""
        if not isinstance(node, (cst.Name, cst.Attribute)):
            return None
        entity = self.entity(module.names.qualified(node))
        if entity is not None:
            return entity
        callees = self.callees(module, node)
        if len(callees.entities) != 1 or callees.partial or callees.others or callees.coroutines:
            return None
        return self.entities.get(next(iter(callees.entities)))

    def outputs(self, entity: Entity) -> Outputs:
        """What an entity returns, with a NamedTuple's fields filled in and a launch plan's workflow looked through."""
        if entity.kind is Kind.LAUNCH_PLAN:
            workflow = self.entity(entity.target)
            return self.outputs(workflow) if workflow is not None else entity.outputs
        outputs = entity.outputs
        fields = self.named_tuple(outputs.named_tuple)
        if fields is None:
            return outputs
        return replace(
            outputs,
            kind="named",
            names=tuple(name for name, _ in fields),
            annotations=tuple(kind for _, kind in fields),
        )

    def named_tuple(self, qualified: str | None) -> tuple[tuple[str, str], ...] | None:
        """The fields of a NamedTuple of the project, or None."""
        resolved = self.resolve(qualified)
        if resolved is None:
            return None
        facts = self.facts.get(resolved.rpartition(".")[0])
        return facts.named_tuples.get(resolved) if facts is not None else None

    def resources(self, qualified: str | None) -> tuple[tuple[str, str], ...] | None:
        """The fields of a module-level `Resources` of the project, as text, or None."""
        facts, name = self._defining(qualified)
        return facts.resources.get(name) if facts is not None else None

    def string(self, qualified: str | None) -> str | None:
        """The value of a module-level string constant of the project, or None."""
        facts, name = self._defining(qualified)
        return facts.strings.get(name) if facts is not None else None

    def is_image(self, qualified: str | None) -> bool:
        """Whether a module-level name of the project is an `ImageSpec`."""
        facts, name = self._defining(qualified)
        return facts is not None and name in facts.images

    def _defining(self, qualified: str | None) -> tuple[Facts | None, str]:
        resolved = self.resolve(qualified) or ""
        return self.facts.get(resolved.rpartition(".")[0]), resolved

    @cached_property
    def environment_names(self) -> EnvironmentNames:
        """The names of the project's task environments."""
        return environment_names(self.facts, self.options.name_prefix)

    def environment_name(self, module: str, variable: str) -> str:
        """The name of one environment of a file."""
        known = self.environment_names.of.get((module, variable))
        return known if known is not None else environment_name(module, variable, self.options.name_prefix)

    @cached_property
    def is_flyte1_project(self) -> bool:
        """Whether any file of the project defines a Flyte 1 image: its methods may be called in files that do not import
        flytekit themselves."""
        return any(facts.images for facts in self.facts.values())

    def exports(self, module: str, name: str) -> bool:
        """Whether a module of the project has a module-level name."""
        modules, seen = [module], {module}
        while modules:
            facts = self.facts.get(modules.pop())
            if facts is not None:
                if name in facts.exports:
                    return True
                modules += [star for star in facts.stars if star not in seen]
                seen.update(facts.stars)
        return False


Translator = Callable[[Module, Context], Plan]


@dataclass(frozen=True)
class Explained:
    """One changed place, for `--explain`."""

    rule: str
    line: int
    column: int
    why: str


@dataclass(frozen=True)
class Converted:
    """A file that changed."""

    text: str
    findings: tuple[Finding, ...] = ()
    changes: tuple[Explained, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)
    launch_plans: Mapping[str, LaunchPlanName] = field(default_factory=dict)


@dataclass(frozen=True)
class Unchanged:
    """A file with nothing to do."""

    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Failed:
    """A file that could not be converted; nothing of it was touched."""

    findings: tuple[Finding, ...]


Outcome = Converted | Unchanged | Failed


Finisher = Callable[[Module, Context, Plan], Plan]
"""Like a translator, but run after all of them and shown their merged plan."""


@dataclass(frozen=True)
class Concept:
    """One concept of Flyte 1, and who converts it.

    Attributes:
        name: What it is called.
        becomes: What it is in Flyte 2, in one line.
        translate: Looks at a whole file.
        unfold: Writes it out in Flyte 1's plain words, before the file is read for anything else.
        finish: The same, with the merged plan of all `translate`s in hand.
        write: Writes one call of the concept, wherever it stands.
        claims: The Flyte 1 names whose calls `write` is asked for; none when it looks at every call that nobody claims.
        cases: The folders of `tests/cases` that show it; by default the one of its name.
    """

    name: str
    becomes: str
    translate: Translator | None = None
    unfold: Unfold | None = None
    finish: Finisher | None = None
    write: Converter | None = None
    claims: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()


def convert(module: Module, context: Context) -> Outcome:
    """Convert one parsed file.

    Args:
        module: The file.
        context: What is known of the project; its facts hold this file's too. Its concepts are asked in order: where two
            claim the same node, the earlier wins.

    Returns:
        `Converted` or `Unchanged`; findings sorted by place.
    """
    plan = merge(
        [_asked(concept.name, concept.translate, module, context) for concept in context.concepts if concept.translate]
    )
    for concept in context.concepts:
        if concept.finish is not None:
            plan = merge([concept.finish(module, context, plan), plan], basis=plan)
    tree = apply(module, plan)
    failed = dict(plan.applied.failed) if plan.applied is not None else {}
    for statement, error in failed.items():
        plan.report("FB111", statement, failure(error))
    lost = list(plan.applied.lost()) if plan.applied is not None else []
    for statement, lines in lost:
        text = "; ".join(code(line).strip() for line in lines)
        plan.report("FB109", statement, f"`{text}` belongs beside this line")
    if lost or failed:
        tree = apply(module, plan)
    text = emitted(module, tree)
    is_python = tree is module.tree or compiles(text, is_notebook=module.is_notebook)
    broken = [] if is_python else list(_broken(module, plan))
    for statement, message in broken:
        plan.replacements[statement] = _kept(statement)
        plan.report("FB111", statement, message)
    if broken:
        text = emitted(module, apply(module, plan))
    findings = locate(module, plan.reports)
    if text == module.text:
        return Unchanged(findings)
    changes = _explained(module, plan) if context.options.explain else ()
    return Converted(text, findings, changes, dict(plan.renames), dict(plan.launch_plans))


def _broken(module: Module, plan: Plan) -> Iterator[tuple[cst.CSTNode, str]]:
    """The statements of the file whose conversion is no Python, though they are."""
    made = plan.applied.made if plan.applied is not None else {}
    for statement in module.tree.body:
        new = made.get(statement)
        if new is None or new is statement or isinstance(new, cst.FlattenSentinel):
            continue
        if not compiles(code(new), is_notebook=module.is_notebook) and compiles(code(statement)):
            yield statement, "its conversion is not valid Python"


def _kept(statement: cst.CSTNode) -> Edit:
    return lambda _: statement


def _asked(rule: str, translate: Translator, module: Module, context: Context) -> Plan:
    """What one concept wants; when its rule fails, that is reported where it was looking, and the other rules go on."""
    try:
        return translate(module, context)
    except Exception as error:
        plan = Plan(rule)
        plan.report("FB111", _looked_at(module, error), failure(error))
        return plan


def _looked_at(module: Module, error: Exception) -> cst.CSTNode:
    """The innermost node of the file that a rule had in hand when it failed."""
    found: cst.CSTNode = module.tree.body[0]
    trace = error.__traceback__
    while trace is not None:
        for value in trace.tb_frame.f_locals.values():
            if isinstance(value, cst.CSTNode) and value in module.parents:
                found = value
        trace = trace.tb_next
    return found


def _explained(module: Module, plan: Plan) -> tuple[Explained, ...]:
    changes = {Explained(change.rule, *module.position(change.node), change.why) for change in plan.changes}
    return tuple(sorted(changes, key=lambda change: (change.line, change.column, change.rule, change.why)))
