"""Changes to a file, collected by translators and applied once.

A `Plan` says what one translator wants: replacements keyed by the original node, statements before or after another,
statements removed, imports wanted, findings. Plans are merged in the order of the translators (the first claim on a node
wins) and applied in one pass that rebuilds only the nodes above a change; everything else is the original node, so it is
emitted byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, cast

import libcst as cst

from flyte_bridge_translators.findings import Finding, Severity, Where
from flyte_bridge_translators.findings.catalogue import CATALOGUE
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.naming import LaunchPlanName
from flyte_bridge_translators.source.engine.tree import child_fields, is_node

Node = TypeVar("Node", bound=cst.CSTNode)


class Rewrite(Protocol):
    """Gives the changed form of an original node; handed to every edit."""

    def __call__(self, node: Node) -> Node:
        """The node with the edit on it and those below it applied."""
        ...

    def inside(self, node: Node) -> Node:
        """The node with the edits below it applied, but not the one on it: what an edit of that node starts from."""
        ...

    def sequence(self, items: Sequence[cst.CSTNode]) -> list[cst.CSTNode]:
        """Statements with their edits, with what is inserted around them and without what is removed."""
        ...

    def above(self, statement: cst.CSTNode) -> list[cst.EmptyLine]:
        """The comments above a statement, TODOs included: for an edit that writes the statement itself anew."""
        ...

    def ahead(self, statement: cst.CSTNode) -> list[cst.BaseStatement]:
        """What is inserted before a statement, for the same; asked for again, it is given no second time."""
        ...

    def behind(self, statement: cst.CSTNode) -> list[cst.BaseStatement]:
        """What is inserted after a statement, in the same way."""
        ...

    def is_removed(self, node: cst.CSTNode) -> bool:
        """Whether a statement goes."""
        ...


Edit = Callable[[Rewrite], "cst.CSTNode | cst.FlattenSentinel[cst.BaseStatement]"]


@dataclass(frozen=True)
class Change:
    """A changed place, for `--explain`: which rule changed it and why."""

    rule: str
    node: cst.CSTNode
    why: str


@dataclass(frozen=True)
class Report:
    """A finding still tied to its node; `locate` turns it into a `Finding`."""

    code: str
    node: cst.CSTNode
    message: str


@dataclass
class Plan:
    """What one translator wants done to one file.

    Attributes:
        rule: The translator's name (its module's last part).
        aliases: Imported module → what it is called in this file, where its own name means something else.
    """

    rule: str
    replacements: dict[cst.CSTNode, Edit] = field(default_factory=dict)
    before: dict[cst.CSTNode, list[cst.BaseStatement]] = field(default_factory=dict)
    after: dict[cst.CSTNode, list[cst.BaseStatement]] = field(default_factory=dict)
    removed: set[cst.CSTNode] = field(default_factory=set)
    imports: dict[str, None] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    renames: dict[str, str] = field(default_factory=dict)
    launch_plans: dict[str, LaunchPlanName] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    basis: Plan | None = field(default=None, repr=False)
    applied: _Applier | None = field(default=None, repr=False, compare=False)

    def replace(self, node: cst.CSTNode, edit: Edit | cst.CSTNode, why: str = "") -> None:
        """Replace a node: by another one, or by what `edit(rewrite)` returns when the edits below are wanted in it."""
        if isinstance(edit, cst.CSTNode):
            made = edit
            self.replacements[node] = lambda _: made
        else:
            self.replacements[node] = edit
        if why:
            self.changes.append(Change(self.rule, node, why))

    def remove(self, statement: cst.CSTNode, why: str = "") -> None:
        """Remove a statement (a whole line or block, or one small statement of a line); its comments stay."""
        self.removed.add(statement)
        if why:
            self.changes.append(Change(self.rule, statement, why))

    def insert_before(self, statement: cst.CSTNode, new: Iterable[cst.BaseStatement]) -> None:
        """Insert statements before one; later calls come after earlier ones."""
        self.before.setdefault(statement, []).extend(new)

    def insert_after(self, statement: cst.CSTNode, new: Iterable[cst.BaseStatement]) -> None:
        """Insert statements after one; later calls come after earlier ones."""
        self.after.setdefault(statement, []).extend(new)

    def want(self, *imports: str) -> None:
        """Ask for import lines, as text: `import flyte`, `from flyte.io import File`."""
        self.imports.update(dict.fromkeys(imports))

    def report(self, code: str, node: cst.CSTNode, message: str) -> None:
        """Report a finding of the catalogue at a node; what is left to do is also marked above the node's statement."""
        assert code in CATALOGUE, code
        self.reports.append(Report(code, node, message))

    def absorb(self, other: Plan) -> None:
        """Take in what another plan wants; what this one claims stays its own."""
        for node, edit in other.replacements.items():
            self.replacements.setdefault(node, edit)
        for node, new in other.before.items():
            self.before.setdefault(node, []).extend(new)
        for node, new in other.after.items():
            self.after.setdefault(node, []).extend(new)
        self.removed |= other.removed
        self.imports.update(other.imports)
        self.reports.extend(other.reports)
        self.changes.extend(other.changes)
        self.renames.update(other.renames)
        self.launch_plans.update(other.launch_plans)
        self.aliases.update(other.aliases)

    @contextmanager
    def attempt(self, node: cst.CSTNode) -> Iterator[Plan]:
        """A plan for one statement: taken in as a whole, or, when a rule fails on the statement, reported there and left."""
        scratch = Plan(self.rule)
        try:
            yield scratch
        except Exception as error:
            self.report("FB111", node, failure(error))
        else:
            self.absorb(scratch)

    def explain(self, node: cst.CSTNode, why: str) -> None:
        """Say why a place changed when the change itself is made elsewhere."""
        self.changes.append(Change(self.rule, node, why))


def failure(error: Exception) -> str:
    """What went wrong in a rule, in one line, with the place in our code."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = ""
    if trace is not None:
        code = trace.tb_frame.f_code
        place = f" in {code.co_name} ({code.co_filename.rpartition('/')[2]}:{trace.tb_lineno})"
    return " ".join(f"{type(error).__name__}: {error}".split()) + place


def merge(plans: Sequence[Plan], basis: Plan | None = None) -> Plan:
    """One plan of many; the first claim on a node wins.

    Args:
        plans: In the order of their claims.
        basis: The one of them that was applied already: what the others leave alone is not made again.
    """
    whole = Plan("merged", basis=basis)
    for plan in plans:
        whole.absorb(plan)
    return whole


def locate(module: Module, reports: Iterable[Report]) -> tuple[Finding, ...]:
    """The findings of a file, with their places, in the order of the text, each once."""
    found = {}
    for report in reports:
        entry = CATALOGUE[report.code]
        line, column = module.position(report.node)
        finding = Finding(report.code, entry.severity, Where(module.path, line, column), report.message, entry.advice)
        found[finding.where, finding.code, finding.message] = finding
    return tuple(found[key] for key in sorted(found))


def apply(module: Module, plan: Plan) -> cst.Module:
    """The file with a plan carried out; the very same tree when there is nothing in it."""
    plan.applied = _Applier(module, plan)
    return plan.applied.module()


class _Applier:
    def __init__(self, module: Module, plan: Plan) -> None:
        self.source = module
        self.plan = plan
        self.todos: dict[cst.CSTNode, list[str]] = {}
        for report in plan.reports:
            if CATALOGUE[report.code].severity is Severity.HAND:
                statement = module.statement(report.node)
                if statement is not None:
                    lines = self.todos.setdefault(statement, [])
                    line = f"# TODO(flyte-bridge {report.code}): {' '.join(report.message.split())}"
                    if line not in lines:
                        lines.append(line)
        self.touched = self._with_ancestors((*plan.replacements, *plan.before, *plan.after, *plan.removed, *self.todos))
        self.made: dict[cst.CSTNode, cst.CSTNode] = {}
        self.given: set[tuple[str, cst.CSTNode]] = set()
        self.written: set[tuple[str, cst.CSTNode]] = set()
        self.failed: dict[cst.CSTNode, Exception] = {}
        earlier = plan.basis.applied if plan.basis is not None else None
        if earlier is not None:
            changed = self._with_ancestors(self._differing(earlier))
            self.made = {node: new for node, new in earlier.made.items() if node not in changed}
            self.written = set(earlier.written)
            self.failed = dict(earlier.failed)

    def _with_ancestors(self, nodes: Iterable[cst.CSTNode]) -> set[cst.CSTNode]:
        found: set[cst.CSTNode] = set()
        for node in nodes:
            found.add(node)
            for above in self.source.ancestors(node):
                if above in found:
                    break
                found.add(above)
        return found

    def _differing(self, earlier: _Applier) -> Iterator[cst.CSTNode]:
        """The nodes that this plan treats otherwise than the one it is based on."""
        pairs = (
            (self.plan.replacements, earlier.plan.replacements),
            (self.plan.before, earlier.plan.before),
            (self.plan.after, earlier.plan.after),
            (self.todos, earlier.todos),
        )
        for mine, theirs in pairs:
            for node, wanted in mine.items():
                if theirs.get(node) != wanted:
                    yield node
        yield from self.plan.removed ^ earlier.plan.removed

    def module(self) -> cst.Module:
        return self(self.source.tree)

    def __call__(self, node: Node) -> Node:
        if node not in self.touched:
            return node
        if node not in self.made:
            edit = self.plan.replacements.get(node)
            try:
                new = edit(self) if edit is not None else self.inside(node)
            except Exception as error:
                # A rule that fails costs the statement of the file it fails in, and no more.
                if self.source.parents.get(node) is not self.source.tree:
                    raise
                self.failed[node] = error
                new = node
            todos = self.todos.get(node)
            if todos:
                new = _with_todos(cast("cst.CSTNode", new), todos)
            self.made[node] = cast("cst.CSTNode", new)
        return cast("Node", self.made[node])

    def inside(self, node: Node) -> Node:
        if node not in self.touched:
            return node
        updates: dict[str, object] = {}
        for name in child_fields(type(node)):
            value = getattr(node, name)
            if is_node(value):
                if value in self.touched:
                    updates[name] = self(value)
            elif type(value) in {list, tuple} and any(item in self.touched for item in value if is_node(item)):
                updates[name] = self.sequence(value)
        if isinstance(node, cst.SimpleStatementLine) and "body" in updates:
            updates["body"] = _joined(cast("list[cst.BaseSmallStatement]", updates["body"]))
        if isinstance(node, cst.IndentedBlock) and not updates.get("body", node.body):
            updates["body"] = [cst.SimpleStatementLine([cst.Pass()])]
        return node.with_changes(**updates) if updates else node

    def above(self, statement: cst.CSTNode) -> list[cst.EmptyLine]:
        marked = _with_todos(statement, self.todos.get(statement, ()))
        return list(getattr(marked, "leading_lines", ()))

    def ahead(self, statement: cst.CSTNode) -> list[cst.BaseStatement]:
        return self._once("before", statement, self.plan.before)

    def behind(self, statement: cst.CSTNode) -> list[cst.BaseStatement]:
        return self._once("after", statement, self.plan.after)

    def _once(
        self, side: str, statement: cst.CSTNode, inserted: dict[cst.CSTNode, list[cst.BaseStatement]]
    ) -> list[cst.BaseStatement]:
        if (side, statement) in self.given:
            return []
        self.given.add((side, statement))
        self.written.add((side, statement))
        return list(inserted.get(statement, ()))

    def is_removed(self, node: cst.CSTNode) -> bool:
        return node in self.plan.removed or self._emptied(node)

    def lost(self) -> Iterator[tuple[cst.CSTNode, list[cst.BaseStatement]]]:
        """Statements beside which something was to be inserted that is not in the result: an edit of what they stand in
        wrote them anew and did not ask."""
        for side, inserted in (("before", self.plan.before), ("after", self.plan.after)):
            yield from ((node, new) for node, new in inserted.items() if new and (side, node) not in self.written)

    def sequence(self, items: Sequence[cst.CSTNode]) -> list[cst.CSTNode]:
        out: list[cst.CSTNode] = []
        kept_comments: list[cst.EmptyLine] = []
        gap = 0
        top = bool(items) and items[0] is next(iter(self.source.tree.body), None)
        for item in items:
            new: list[cst.CSTNode] = list(self.plan.before.get(item, ()))
            self.written.update((("before", item), ("after", item)))
            if self.is_removed(item):
                kept_comments += _comments(item)
                gap = max(gap, _blank_lines(item)) if out else 0
            else:
                changed = self(item)
                if isinstance(changed, cst.FlattenSentinel):
                    new.extend(changed)
                    gap = gap if new else max(gap, _blank_lines(item))
                else:
                    new.append(changed)
            new.extend(self.plan.after.get(item, ()))
            if new and top and not out and item is not items[0]:
                new[0] = _without_blank_lines(new[0])
            elif new and gap:
                missing = gap - _blank_lines(new[0])
                new[0] = _with_leading(new[0], [cst.EmptyLine(indent=False)] * missing)
            if new and kept_comments:
                apart = [cst.EmptyLine(indent=False)] * (gap if out else 0)
                new[0] = _with_leading(new[0], [*apart, *kept_comments])
                kept_comments = []
            if new:
                gap = 0
            out.extend(new)
        return out

    def _emptied(self, item: cst.CSTNode) -> bool:
        """Whether every small statement of a line is removed."""
        return isinstance(item, cst.SimpleStatementLine) and all(small in self.plan.removed for small in item.body)


def _without_blank_lines(node: cst.CSTNode) -> cst.CSTNode:
    count = _blank_lines(node)
    return node.with_changes(leading_lines=node.leading_lines[count:]) if count else node  # type: ignore[attr-defined]


def _comments(node: cst.CSTNode) -> list[cst.EmptyLine]:
    lines: Sequence[cst.EmptyLine] = getattr(node, "leading_lines", ())
    return [line for line in lines if line.comment is not None]


def _blank_lines(node: cst.CSTNode) -> int:
    """How many blank lines stand before a statement and its comments."""
    lines: Sequence[cst.EmptyLine] = getattr(node, "leading_lines", ())
    return next((index for index, line in enumerate(lines) if line.comment is not None), len(lines))


def _with_leading(node: cst.CSTNode, lines: Sequence[cst.EmptyLine]) -> cst.CSTNode:
    if not hasattr(node, "leading_lines"):
        return node
    return node.with_changes(leading_lines=[*lines, *node.leading_lines])


def _with_todos(node: cst.CSTNode, todos: Sequence[str]) -> cst.CSTNode:
    if isinstance(node, cst.FlattenSentinel):
        if not node:
            return node
        first, *rest = node
        return cast("cst.CSTNode", cst.FlattenSentinel([_with_todos(first, todos), *rest]))
    if not hasattr(node, "leading_lines"):
        return node
    present = {line.comment.value for line in node.leading_lines if line.comment is not None}
    codes = {comment.split("):")[0] for comment in present if comment.startswith("# TODO(flyte-bridge ")}
    new = [cst.EmptyLine(comment=cst.Comment(todo)) for todo in todos if todo.split("):")[0] not in codes]
    return node.with_changes(leading_lines=[*node.leading_lines, *new])


def _joined(smalls: Sequence[cst.BaseSmallStatement]) -> list[cst.BaseSmallStatement]:
    """Small statements of one line, the last without its semicolon."""
    return [*smalls[:-1], smalls[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)] if smalls else []
