"""Flyte 1's forms that only build something, written out in its plain words before anything else reads the file.

An unfolding gives, for statements at module level, the statements that stand for them in the same Flyte 1; findings in those are
told at the statement the user wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import libcst as cst

from flyte_bridge_translators.source.engine.module import Module

Unfold = Callable[[Module], Mapping[cst.CSTNode, Sequence[cst.BaseStatement]]]
"""Statement of the module → what is written for it."""


def import_flytekit(module: Module, written: dict[cst.CSTNode, Sequence[cst.BaseStatement]]) -> None:
    """Import flytekit below the file's first import, for what is written with its name."""
    if written and "flytekit" not in module.scope.bindings:
        first = next(
            each for each in module.tree.body if any(node in module.imports for node in getattr(each, "body", ()))
        )
        written[first] = [first, cst.ensure_type(cst.parse_statement("import flytekit"), cst.SimpleStatementLine)]


def unfolded(module: Module, unfolds: Iterable[Unfold]) -> Module:
    """The file with everything written out; itself when there is nothing to."""
    if not module.is_flyte1:
        return module
    for unfold in unfolds:
        written = unfold(module)
        if not written:
            continue
        body: list[cst.CSTNode] = []
        for statement in module.tree.body:
            body += written.get(statement, (statement,))
        origin: dict[cst.CSTNode, cst.CSTNode] = {new: old for old, every in written.items() for new in every}
        module = Module(
            module.tree.with_changes(body=body),
            text=module.text,
            path=module.path,
            name=module.name,
            package=module.names.package,
            star=module.names.star,
            search=module.names.search,
            is_notebook=module.is_notebook,
            before=module,
            origin=origin,
            naming=module.naming,
            known=module.names.known,
        )
    return module
