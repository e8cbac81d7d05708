"""Import statements: what nobody uses any more goes, what the new code needs comes.

Runs last, on the merged plan of all other translators, because only then is known what is still used. An import that was
used before and is not used now is dropped, whoever it came from (`functools.partial` goes with the `map_task` that needed
it); one that was never used is the user's business and stays, unless it is a Flyte 1 name. A Flyte 1 name that is still used
stays imported, and each place that uses it is reported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import libcst as cst

from flyte_bridge_translators.findings import Severity
from flyte_bridge_translators.findings.catalogue import CATALOGUE
from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.edits import Plan, apply
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.syntax import Verbatim
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import children, dotted, string_value
from flyte_bridge_translators.source.vocabulary import PACKAGES

Import = cst.Import | cst.ImportFrom

Existing = tuple[Import, cst.SimpleStatementLine, str]
"""An import at the top level, its statement, and its text."""


def translate(module: Module, context: Context, merged: Plan) -> Plan:
    """The import changes that a merged plan makes necessary; an empty plan when there are none."""
    del context
    plan = Plan("imports")
    if not module.is_flyte1 and not (merged.replacements or merged.imports):
        return plan
    used, kept = _survey(module, apply(module, merged))
    _report_leftovers(module, merged, plan, kept)
    dropped = _drop(module, plan, used)
    wanted = [new for line in merged.imports for new in aliased(line, merged.aliases)]
    _add(module, plan, [line for line in wanted if _bound_by(line) in used], dropped)
    return plan


def _survey(module: Module, tree: cst.Module) -> tuple[set[str], set[cst.CSTNode]]:
    """Every name the new text uses as a module-level or imported one, outside its import statements (words of string
    annotations too), and the nodes that use them. A parameter that has the name of an import is no use of the import, and
    neither is an assignment to it."""
    used: set[str] = set()
    kept: set[cst.CSTNode] = set()
    stack: list[cst.CSTNode] = [tree]
    while stack:
        node = stack.pop()
        if type(node) is Verbatim:
            used.update(node.names)
        elif type(node) is cst.Name:
            if not _is_local(module, node):
                used.add(node.value)
            kept.add(node)
        elif type(node) is cst.AssignTarget and type(node.target) is cst.Name:
            continue
        elif type(node) is cst.Attribute:
            kept.add(node)
            stack.append(node.value)
        elif type(node) is cst.Arg:
            stack.append(node.value)
        elif type(node) not in {cst.Import, cst.ImportFrom}:
            if type(node) is cst.Annotation and type(node.annotation) is cst.SimpleString:
                used.update(_words(node.annotation.value))
            stack.extend(children(node))
    return used, kept


def _is_local(module: Module, name: cst.Name) -> bool:
    """Whether an original name is bound in its own function, class or comprehension, and not by an import."""
    scope = module.names.scope(name)
    found = scope.lookup(name.value) if scope is not None else None
    if found is None or found[0].kind == "module":
        return False
    return all(binding.kind != "import" for binding in found[1])


def _words(text: str) -> Iterable[str]:
    return "".join(character if character.isidentifier() or character.isdigit() else " " for character in text).split()


def _report_leftovers(module: Module, merged: Plan, plan: Plan, kept: set[cst.CSTNode]) -> None:
    """FB103 at each Flyte 1 name that is still there, unless its statement is reported already."""
    spoken_for = {
        module.statement(report.node) for report in merged.reports if CATALOGUE[report.code].severity is Severity.HAND
    }
    for reference, qualified in module.references:
        if reference not in kept:
            continue
        statement = module.statement(reference)
        if statement in spoken_for:
            continue
        code, message = said_of(qualified)
        plan.report(code, reference, message)
        spoken_for.add(statement)


def said_of(qualified: str) -> tuple[str, str]:
    """The finding that says a Flyte 1 name is still there: its code and message."""
    if qualified.split(".", maxsplit=1)[0] != "flytekitplugins":
        return "FB103", f"{qualified} is still used here"
    package = ".".join(qualified.split(".")[:2])
    hint = PACKAGES.get(package)
    if hint:
        return "FB105", f"{qualified} stays Flyte 1's; its package for Flyte 2 is {hint}"
    return "FB105", f"{package} has no package for Flyte 2"


def _drop(module: Module, plan: Plan, used: set[str]) -> list[Import]:
    """Remove what is no longer used; returns the statements that changed."""
    before = module.used
    changed: list[Import] = []
    gone_names: set[str] = set()
    for node in module.imports:
        if isinstance(node, cst.ImportFrom):
            source = module.names.absolute(node)
            if source == "__future__":
                continue
            if isinstance(node.names, cst.ImportStar):
                if is_v1(source) and not any(
                    name for name in used & _star_names(source) if name not in module.scope.bindings
                ):
                    plan.remove(node, f"nothing of `{source}` is used any more")
                    changed.append(node)
                continue
            v1 = is_v1(source)
        else:
            v1 = False
        aliases = cast("Sequence[cst.ImportAlias]", node.names)
        absolute = module.names.absolute(node) if isinstance(node, cst.ImportFrom) else ""
        keep = [
            alias
            for alias in aliases
            if _local(alias, node) in used
            or not (
                _local(alias, node) in before
                or v1
                or f"{absolute}.{dotted(alias.name)}" in module.names.known
                or is_v1(dotted(alias.name) if isinstance(node, cst.Import) else None)
            )
        ]
        if len(keep) == len(aliases):
            continue
        changed.append(node)
        gone_names |= {_local(alias, node) for alias in aliases if alias not in keep}
        gone = ", ".join(f"`{_local(alias, node)}`" for alias in aliases if alias not in keep)
        if not keep:
            plan.remove(node, f"{gone} no longer used")
        else:
            keep[-1] = keep[-1].with_changes(comma=aliases[-1].comma)
            plan.replace(node, node.with_changes(names=keep), f"{gone} no longer used")
    _export_less(module, plan, gone_names)
    return changed


def _export_less(module: Module, plan: Plan, gone: set[str]) -> None:
    """Take names that are no longer there out of `__all__`, which `from … import *` would look for."""
    for name, value, statement in module.assignments:
        if name != "__all__" or not isinstance(value, (cst.List, cst.Tuple)):
            continue
        kept = [element for element in value.elements if string_value(element.value) not in gone]
        if kept and len(kept) < len(value.elements):
            kept[-1] = kept[-1].with_changes(comma=value.elements[-1].comma)
            plan.replace(value, value.with_changes(elements=kept), "`__all__` names what is there")
        elif not kept and value.elements:
            plan.remove(statement, "`__all__` named only what is gone")


def _star_names(source: str) -> set[str]:
    from flyte_bridge_translators.source.engine.names import DEEPER, TOP_LEVEL

    return (
        set(TOP_LEVEL)
        if source in {"flytekit", "union"}
        else {name for name, full in DEEPER.items() if full.startswith(source)} | set(TOP_LEVEL)
    )


def _local(alias: cst.ImportAlias, node: Import) -> str:
    if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
        return alias.asname.name.value
    name = dotted(alias.name) or ""
    return name.split(".", 1)[0] if isinstance(node, cst.Import) else name


def _add(module: Module, plan: Plan, wanted: Sequence[str], dropped: Sequence[Import]) -> None:
    """Write the imports the new code asks for, where a reader expects them."""
    existing = _top_level_imports(module)
    present = {text for _, _, text in existing}
    plain: list[str] = []
    members: dict[str, list[str]] = {}
    for line in wanted:
        if line in present:
            continue
        if line.startswith("from "):
            source, _, name = line[5:].partition(" import ")
            members.setdefault(source, []).append(name)
        else:
            plain.append(line)
    for source, names in list(members.items()):
        host = next((node for node, _, _ in existing if _hosts(module, node, source)), None)
        if (
            host is not None
            and host not in plan.removed
            and not isinstance(cast(cst.ImportFrom, host).names, cst.ImportStar)
        ):
            _extend(module, plan, cast(cst.ImportFrom, host), names)
            del members[source]
    lines = plain + [
        f"from {source} import {', '.join(sorted(set(names), key=str.lower))}" for source, names in members.items()
    ]
    standard = sorted((line for line in lines if _root(line) in sys.stdlib_module_names), key=_order)
    others = sorted((line for line in lines if _root(line) not in sys.stdlib_module_names), key=_order)
    _place_standard(module, plan, standard, existing)
    _place_others(module, plan, others, existing, dropped)


def _bound_by(line: str) -> str:
    """The name an import line binds."""
    last = line.rsplit(maxsplit=1)[-1]
    return last.split(".")[0] if line.startswith("import ") and " as " not in line else last


def aliased(line: str, aliases: Mapping[str, str]) -> list[str]:
    """An `import` line with the other name of its module."""
    name = line.split()[1] if line.startswith("import ") and " as " not in line else ""
    root, _, inner = name.partition(".")
    if root not in aliases:
        return [line]
    lines = [f"import {root} as {aliases[root]}"]
    if inner:  # the submodule must be loaded; it is reached through the alias
        lines.append(f"from {root} import {inner} as {aliases[root]}_{inner.replace('.', '_')}")
    return lines


def _top_level_imports(module: Module) -> list[Existing]:
    return [
        (small, statement, _text(small))
        for statement in module.tree.body
        if isinstance(statement, cst.SimpleStatementLine)
        for small in statement.body
        if isinstance(small, (cst.Import, cst.ImportFrom))
    ]


def _text(node: Import) -> str:
    return cst.Module([]).code_for_node(node.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)).strip()


def _hosts(module: Module, node: Import, source: str) -> bool:
    if not isinstance(node, cst.ImportFrom):
        return False
    if source.startswith("."):
        return source == "." * len(node.relative) + (dotted(node.module) or "" if node.module is not None else "")
    return module.names.absolute(node) == module.names.located(source) and not node.relative


def _extend(module: Module, plan: Plan, node: cst.ImportFrom, names: Iterable[str]) -> None:
    """Add names to an import: sorted in when it was sorted, in parentheses when it gets too long."""
    earlier = plan.replacements.get(node)
    current = cast("cst.ImportFrom", earlier(cast("object", None))) if earlier is not None else node  # type: ignore[arg-type]
    aliases = list(cast("Sequence[cst.ImportAlias]", current.names))
    have = {_local(alias, node) for alias in aliases}
    new = [name for name in sorted(set(names)) if name.rpartition(" ")[2] not in have]
    if not new:
        return
    every = aliases + [
        cast("Sequence[cst.ImportAlias]", cast("cst.ImportFrom", _parsed(f"from x import {name}").body[0]).names)[0]
        for name in new
    ]
    if sorted(aliases, key=_member) == aliases:
        every.sort(key=_member)
    broken = isinstance(current.lpar, cst.LeftParen) and "\n" in cst.Module([]).code_for_node(current)
    separator = aliases[0].comma if len(aliases) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    made = current.with_changes(
        names=[
            *(alias.with_changes(comma=separator) for alias in every[:-1]),
            every[-1].with_changes(comma=aliases[-1].comma),
        ]
    )
    if not broken and len(_text(made)) > layout.width(module):
        text = _text(current).split(" import ")[0]
        written = [cst.Module([]).code_for_node(alias.with_changes(comma=cst.MaybeSentinel.DEFAULT)) for alias in every]
        made = cast(
            "cst.ImportFrom",
            _parsed(f"{text} import (\n" + "".join(f"    {name},\n" for name in written) + ")").body[0],
        )
    plan.replace(node, made, f"{', '.join(new)} needed by the new code")


def _member(alias: cst.ImportAlias) -> tuple[int, str]:
    """The order isort keeps the names of one import in: constants, classes, the rest."""
    name = dotted(alias.name) or ""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name.lower()


def _parsed(line: str) -> cst.SimpleStatementLine:
    return cast("cst.SimpleStatementLine", cst.parse_statement(line))


def _statement(line: str) -> cst.SimpleStatementLine:
    return cst.SimpleStatementLine([cst.Expr(Verbatim(line))])


def _root(line: str) -> str:
    return line.split()[1].split(".", maxsplit=1)[0]


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line.lower()


def _place_standard(module: Module, plan: Plan, lines: Sequence[str], existing: Sequence[Existing]) -> None:
    """Standard library imports: before the first one of theirs that sorts after it."""
    hosts = [
        (statement, text)
        for node, statement, text in existing
        if not text.startswith("from __future__") and not (isinstance(node, cst.ImportFrom) and node.relative)
    ]
    for line in lines:
        standard = [(statement, text) for statement, text in hosts if _root(text) in sys.stdlib_module_names]
        later = next((statement for statement, text in standard if _order(text) > _order(line)), None)
        new = _statement(line)
        if later is not None:
            _before(plan, later, new, steal=True)
        elif standard:
            plan.insert_after(standard[-1][0], [new])
        elif hosts:
            _before(plan, hosts[0][0], new, steal=True, gap=True)
        else:
            _at_top(module, plan, new)


def _before(
    plan: Plan, host: cst.SimpleStatementLine, new: cst.SimpleStatementLine, *, steal: bool, gap: bool = False
) -> None:
    """Put a line before another, taking over the blank lines that led to it."""
    if steal and host not in plan.before and host not in plan.replacements:
        new = new.with_changes(leading_lines=host.leading_lines)
        lead = [cst.EmptyLine(indent=False)] if gap else []
        plan.replace(host, lambda rewrite: rewrite.inside(host).with_changes(leading_lines=lead))
    plan.insert_before(host, [new])


def _at_top(module: Module, plan: Plan, new: cst.SimpleStatementLine) -> None:
    body = module.tree.body
    position = 0
    while position < len(body) and (_is_docstring(body[position]) or _is_future(body[position])):
        position += 1
    if position < len(body):
        host = body[position]
        plan.insert_before(host, [new])
        if not isinstance(host, cst.SimpleStatementLine) and host not in plan.replacements and not host.leading_lines:
            plan.replace(
                host, lambda rewrite: rewrite.inside(host).with_changes(leading_lines=[cst.EmptyLine(indent=False)])
            )
    elif body:
        plan.insert_after(body[-1], [new])


def _is_docstring(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(statement.body[0], cst.Expr)


def _is_future(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and "__future__" in _text_of(statement)


def _text_of(statement: cst.SimpleStatementLine) -> str:
    first = statement.body[0]
    return _text(first) if isinstance(first, (cst.Import, cst.ImportFrom)) else ""


def _block(
    module: Module, host: cst.SimpleStatementLine, existing: Sequence[Existing]
) -> list[tuple[cst.SimpleStatementLine, str]]:
    """The third-party imports directly above a statement, with nothing between, in the order of the file."""
    texts = {
        statement: text
        for node, statement, text in existing
        if not (isinstance(node, cst.ImportFrom) and node.relative)
    }
    body = list(module.tree.body)
    block: list[tuple[cst.SimpleStatementLine, str]] = []
    below = host
    for above in reversed(body[: body.index(host)]):
        if not isinstance(above, cst.SimpleStatementLine) or below.leading_lines or len(above.body) > 1:
            break
        text = texts.get(above)
        if text is None or _root(text) in sys.stdlib_module_names:
            break
        block.insert(0, (above, text))
        below = above
    return block


def _place_others(
    module: Module,
    plan: Plan,
    lines: Sequence[str],
    existing: Sequence[Existing],
    dropped: Sequence[Import],
) -> None:
    """Third-party imports: where the first Flyte 1 import stood."""
    if not lines:
        return
    new = [_statement(line) for line in lines]
    v1 = [statement for node, statement, text in existing if is_v1(_root(text)) or node in dropped]
    flyte1 = [statement for _, statement, text in existing if is_v1(_root(text))]
    host = next(iter(flyte1 or v1), None)
    if host is None:
        host = existing[-1][1] if existing else None
        if host is None:
            for statement in new:
                _at_top(module, plan, statement)
        else:
            plan.insert_after(host, new)
        return
    block = _block(module, host, existing)
    for line, statement in zip(list(lines), list(new), strict=True):
        later = next((above for above, text in block if _order(text) > _order(line)), None)
        if later is not None:
            _before(plan, later, statement, steal=True)
            new.remove(statement)
    if not new:
        return
    if all(small in plan.removed for small in host.body):
        # The line itself goes: the new ones take its place, blank lines, comments and all.
        first = new[0].with_changes(leading_lines=host.leading_lines)
        plan.removed.difference_update(host.body)
        plan.replace(host, lambda _: cst.FlattenSentinel([first, *new[1:]]), "Flyte 2's SDK instead of Flyte 1's")
    else:
        _before(plan, host, new[0], steal=True)
        plan.insert_before(host, new[1:])
