"""Modules that conversion imports under a name that the user has given to something else: imported under another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import libcst as cst

from flyte_bridge_translators.source.engine.edits import Plan, apply
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import Scope, is_v1
from flyte_bridge_translators.source.engine.syntax import Verbatim, parsed
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import rebuilt, walk

SHORT = {"asyncio": "aio", "flyte": "flyte2"}
"""What a module is called where its own name is taken; any other gets an underscore."""


def translate(module: Module, context: Context, merged: Plan) -> Plan:
    """Give modules another name where the user's own names hide theirs; an empty plan when none does."""
    del context
    plan = Plan("imports")
    aliases = dict(_aliases(module, merged))
    if aliases:
        plan.aliases.update(aliases)
        tree = module.tree
        plan.replace(tree, lambda rewrite: renamed(module, rewrite.inside(tree), aliases))
    return plan


def _aliases(module: Module, merged: Plan) -> Iterator[tuple[str, str]]:
    """The modules of `import` lines whose name means something else in the file, and what they are called instead."""
    wanted = {
        line.split()[1].split(".")[0] for line in merged.imports if line.startswith("import ") and " as " not in line
    }
    taken = module.taken()
    scopes = _scopes(module)
    for name in sorted(wanted & taken):
        if any(_captures(scope, name) for scope in scopes) or _still_flyte1(module, name, merged):
            alias = SHORT.get(name, f"{name}_")
            while alias in taken:
                alias += "_"
            yield name, alias


def renamed(module: Module, tree: cst.Module, aliases: Mapping[str, str]) -> cst.Module:
    """The converted file with the names that conversion wrote (and not the user) changed."""
    theirs = module.names.scopes

    def change(node: cst.CSTNode) -> cst.CSTNode | None:
        if isinstance(node, (cst.Import, cst.ImportFrom)):
            return node
        if isinstance(node, Verbatim) and not node.value.startswith(("import ", "from ")):
            return rebuilt(parsed(node.value), change)
        if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name) and node.value not in theirs:
            # Conversion writes `asyncio.gather`; a bare `asyncio` is a variable of the user's, though written anew.
            new = aliases.get(node.value.value)
            return node.with_changes(value=node.value.with_changes(value=new)) if new is not None else node
        return None

    return cst.ensure_type(rebuilt(tree, change), cst.Module)


def _scopes(module: Module) -> list[Scope]:
    scopes: dict[int, Scope] = {}
    for scope in module.names.scopes.values():
        here: Scope | None = scope
        while here is not None and id(here) not in scopes:
            scopes[id(here)] = here
            here = here.parent
    return list(scopes.values())


def _captures(scope: Scope, name: str) -> bool:
    bindings = scope.bindings.get(name, ())
    if scope.kind != "module":
        return bool(bindings)
    return any(
        not (binding.kind == "import" and (binding.qualified == name or is_v1(binding.qualified)))
        for binding in bindings
    )


def _still_flyte1(module: Module, name: str, merged: Plan) -> bool:
    """Whether a Flyte 1 module imported under that name is still used."""
    bindings = module.scope.bindings.get(name, ())
    if not any(binding.kind == "import" and is_v1(binding.qualified) for binding in bindings):
        return False
    original = module.names.scopes
    return any(
        isinstance(node, cst.Name) and node.value == name and node in original for node in walk(apply(module, merged))
    )
