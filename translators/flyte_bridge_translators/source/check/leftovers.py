"""What of Flyte 1 stays in a converted file: it is said where it stands, and imported where it is needed.

On an image without flytekit the rest of the module must import, so a flytekit import that had to stay does not stay at the top:
it goes into the function that uses it, or, with the statement that needs it, into a `try` of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import libcst as cst

from flyte_bridge_translators.source.check.import_time import bound
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.python_text import tree_of
from flyte_bridge_translators.source.engine.tree import code, dotted, rebuilt, walk

MARK = "# TODO(flyte-bridge "

Import = cst.Import | cst.ImportFrom
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement

_BLOCKS = (cst.FunctionDef, cst.If)
"""What imports are put into, when only that needs them."""


def unsaid(module: Module) -> Iterator[tuple[cst.CSTNode, str]]:
    """The Flyte 1 names of a converted file that no TODO above them speaks of, the first of each statement."""
    said: set[cst.CSTNode] = set()
    for node, qualified in module.references:
        statements = [above for above in (node, *module.ancestors(node)) if isinstance(above, cst.BaseStatement)]
        if not statements or any(_is_marked(one) for one in statements) or statements[0] in said:
            continue
        said.add(statements[0])
        yield node, qualified


def _is_marked(statement: cst.BaseStatement) -> bool:
    lines = [*getattr(statement, "leading_lines", ()), *getattr(statement, "lines_after_decorators", ())]
    for decorator in getattr(statement, "decorators", ()):
        lines += decorator.leading_lines
    return any(line.comment is not None and line.comment.value.startswith(MARK) for line in lines)


@dataclass
class _Needed:
    """What one place needs imported, in the order of the file: import statement → names."""

    names: dict[Import, list[cst.ImportAlias]] = field(default_factory=dict)

    def add(self, node: Import, alias: cst.ImportAlias) -> None:
        aliases = self.names.setdefault(node, [])
        if alias not in aliases:
            aliases.append(alias)

    def statements(self) -> list[cst.SimpleStatementLine]:
        """The imports, one line each."""
        lines = []
        for node, aliases in self.names.items():
            comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
            names = [*(one.with_changes(comma=comma) for one in aliases[:-1]), aliases[-1]]
            names[-1] = names[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
            line = node.with_changes(names=names, semicolon=cst.MaybeSentinel.DEFAULT)
            if isinstance(line, cst.ImportFrom):
                line = line.with_changes(lpar=None, rpar=None)
            lines.append(cst.SimpleStatementLine([line]))
        return lines


def placed(module: Module) -> cst.Module:
    """The file with its Flyte 1 imports where they are needed; the very same tree when there is nothing to move."""
    inside: dict[cst.CSTNode, _Needed] = {}
    guarded: dict[cst.CSTNode, _Needed] = {}
    gone: dict[Import, list[cst.ImportAlias]] = {}
    for node, alias, local in _top_level(module):
        uses = [chain for chain in module.names.scopes if isinstance(chain, cst.Name) and chain.value == local]
        uses = [one for one in uses if not _is_rebound(module, one)]
        places = [_place(module, one) for one in uses]
        if not places or any(place is None for place in places):
            continue
        gone.setdefault(node, []).append(alias)
        for place in places:
            assert place is not None
            shelf = inside if place[1] else guarded
            shelf.setdefault(place[0], _Needed()).add(node, alias)
    if not gone:
        return module.tree
    _follow(module, inside, guarded)
    body: list[Statement] = []
    lead: list[cst.EmptyLine] = []

    def change(node: cst.CSTNode) -> cst.CSTNode | None:
        needed = inside.get(node)
        return _with_imports(node, needed) if needed is not None and isinstance(node, _BLOCKS) else None

    for statement in module.tree.body:
        kept = _without(statement, gone)
        if kept is None:
            lead += statement.leading_lines
            continue
        if kept is statement:
            kept = cast("Statement", rebuilt(statement, change))
        if lead or not body:
            kept = _with_lead(kept, lead, first=not body)
            lead = []
        body.append(_guard(kept, guarded[statement]) if statement in guarded else kept)
    return module.tree.with_changes(body=body)


def _follow(module: Module, inside: Mapping[cst.CSTNode, _Needed], guarded: dict[cst.CSTNode, _Needed]) -> None:
    """What calls, on import, a guarded name or a function that imports Flyte 1, is guarded too: `mine = Mine("m")`,
    `a = make("a")`."""
    risky = {
        node.name.value
        for node in inside
        if isinstance(node, cst.FunctionDef) and module.parents.get(node) is module.tree
    }
    for statement in module.tree.body:
        if statement in guarded:
            risky |= set(_binds(statement))
        elif _uses(statement, risky):
            guarded[statement] = _Needed()
            risky |= set(_binds(statement))
        elif isinstance(statement, cst.FunctionDef) and _parts(statement.body, risky):
            risky.add(statement.name.value)


def _uses(statement: Statement, risky: set[str]) -> bool:
    """Whether a statement calls one of the names on import, or takes a part of it, rather than only passing it on; a function or
    class does where its decorators and bases name one."""
    if isinstance(statement, (cst.FunctionDef, cst.ClassDef)):
        above: list[cst.CSTNode] = [*statement.decorators, *getattr(statement, "bases", ())]
        return any(isinstance(node, cst.Name) and node.value in risky for each in above for node in walk(each))
    return isinstance(statement, cst.SimpleStatementLine) and _parts(statement, risky)


def _parts(within: cst.CSTNode, risky: set[str]) -> bool:
    """Whether something calls one of the names or takes a part of it."""
    parts = [node for node in walk(within) if isinstance(node, (cst.Call, cst.Attribute, cst.Subscript))]
    owners = [node.func if isinstance(node, cst.Call) else node.value for node in parts]
    return any(isinstance(owner, cst.Name) and owner.value in risky for owner in owners)


def _binds(statement: Statement) -> Iterator[str]:
    yield from sorted(bound(tree_of(code(statement.with_changes(leading_lines=[]))).body[0]))


def _top_level(module: Module) -> Iterator[tuple[Import, cst.ImportAlias, str]]:
    """The Flyte 1 names that import statements directly at module level bind."""
    for statement in module.tree.body:
        for node in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if not isinstance(node, (cst.Import, cst.ImportFrom)) or isinstance(node.names, cst.ImportStar):
                continue
            for alias in node.names:
                full = module.names.absolute(node) if isinstance(node, cst.ImportFrom) else dotted(alias.name)
                if is_v1(full):
                    yield node, alias, _local(alias, node)


def _local(alias: cst.ImportAlias, node: Import) -> str:
    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
        return alias.asname.name.value
    name = dotted(alias.name) or ""
    return name.split(".", 1)[0] if isinstance(node, cst.Import) else name


def _is_rebound(module: Module, name: cst.Name) -> bool:
    """Whether a name is another variable: bound in a function, class or comprehension of its own."""
    scope = module.names.scopes[name]
    found = scope.lookup(name.value)
    return found is None or found[0].kind != "module"


def _place(module: Module, node: cst.CSTNode) -> tuple[cst.CSTNode, bool] | None:
    """Where an import must stand for a use: a function or a main block (then True), or the statement at module level that
    runs it on import; None where it must stay at the top."""
    outermost: cst.CSTNode | None = None
    top: cst.CSTNode = node
    for above in module.ancestors(node):
        if above is module.tree:
            break
        if isinstance(above, cst.FunctionDef) and above.body is top:
            outermost = above
        top = above
    if outermost is not None:
        return outermost, True
    if isinstance(top, cst.If):
        test = code(top.test)
        if "TYPE_CHECKING" in test:
            return None
        if "__name__" in test:
            return top, True
    return top, False


def _without(statement: Statement, gone: dict[Import, list[cst.ImportAlias]]) -> Statement | None:
    """An import statement without the names that moved, None when none is left; any other statement itself."""
    if not isinstance(statement, cst.SimpleStatementLine) or not any(small in gone for small in statement.body):
        return statement
    smalls: list[cst.BaseSmallStatement] = []
    for small in statement.body:
        if not isinstance(small, (cst.Import, cst.ImportFrom)) or isinstance(small.names, cst.ImportStar):
            smalls.append(small)
            continue
        kept = [alias for alias in small.names if alias not in gone.get(small, ())]
        if kept:
            kept[-1] = kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
            smalls.append(small.with_changes(names=kept))
    if not smalls:
        return None
    smalls[-1] = smalls[-1].with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
    return statement.with_changes(body=smalls)


def _with_imports(node: cst.FunctionDef | cst.If, needed: _Needed) -> cst.FunctionDef | cst.If:
    """A function or main block with its imports first, after a docstring."""
    lines = needed.statements()
    block = node.body
    if isinstance(block, cst.SimpleStatementSuite):
        smalls = [
            cst.SimpleStatementLine([small.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)]) for small in block.body
        ]
        return node.with_changes(body=cst.IndentedBlock([*lines, *smalls]))
    first = block.body[0]
    docstring = (
        isinstance(first, cst.SimpleStatementLine)
        and isinstance(first.body[0], cst.Expr)
        and isinstance(first.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
    )
    start = 1 if docstring else 0
    rest = cast("list[Statement]", list(block.body[start:]))
    if rest and not any(line.comment is None for line in rest[0].leading_lines[:1]):
        rest[0] = rest[0].with_changes(leading_lines=[cst.EmptyLine(indent=False), *rest[0].leading_lines])
    return node.with_changes(body=block.with_changes(body=[*block.body[:start], *lines, *rest]))


def _guard(statement: Statement, needed: _Needed) -> cst.Try:
    """`try: <imports> <statement> except Exception: <its names> = None`."""
    handler = "\n".join(f"    {name} = None" for name in _binds(statement)) or "    pass"
    why = "Flyte 1 is not installed, or refuses what is Flyte 2's"
    text = f"try:\n    pass\nexcept Exception:  # {why}\n{handler}\n"
    made = cst.ensure_type(cst.parse_statement(text), cst.Try)
    blank = [line for line in statement.leading_lines if line.comment is None]
    comments = [line for line in statement.leading_lines if line.comment is not None]
    imports = needed.statements()
    gap = [cst.EmptyLine(indent=False)] if imports else []
    inner = statement.with_changes(leading_lines=[*gap, *comments])
    return made.with_changes(body=cst.IndentedBlock([*imports, inner]), leading_lines=blank)


def _with_lead(statement: Statement, lead: list[cst.EmptyLine], *, first: bool) -> Statement:
    """A statement with the comments that stood above imports which are gone; the first of a file without blank lines."""
    comments = [line for line in lead if line.comment is not None]
    own = list(statement.leading_lines)
    while first and own and own[0].comment is None:
        own.pop(0)
    return statement.with_changes(leading_lines=[*comments, *own])
