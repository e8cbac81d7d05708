"""Plugins' task configurations: `task_config=Spark(…)` of a task becomes `plugin_config=` of its environment."""

from __future__ import annotations

from typing import cast

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.tree import code, dotted
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import resources
from flyte_bridge_translators.source.settings.plugins import CONFIGS, DEFAULTS, FIELDS
from flyte_bridge_translators.source.vocabulary import PACKAGES

POD = "flytekitplugins.pod.Pod"
"""Not a plugin any more: a pod template."""


def canonical(qualified: str | None) -> str | None:
    """The name a configuration is known by, whatever submodule of its plugin it was imported from."""
    parts = (qualified or "").split(".")
    return f"{parts[0]}.{parts[1]}.{parts[-1]}" if len(parts) > 2 and parts[0] == "flytekitplugins" else None


def known(work: Work, node: cst.BaseExpression) -> bool:
    """Whether a configuration has a counterpart: written here, or in a name that is given such ones only."""
    values: list[cst.BaseExpression] = [work.value(node)]
    if isinstance(values[0], cst.Name):
        bindings = work.module.scope.bindings.get(values[0].value, [])
        values = [binding.value for binding in bindings if binding.value is not None]
        if len(values) != len(bindings):
            return False
    return bool(values) and all(canonical(work.qualified(value)) in CONFIGS for value in values)


def convert(work: Work, call: cst.Call) -> Doc | None:
    """A plugin's configuration with the fields Flyte 2's class has; None when it has no counterpart."""
    name = canonical(work.qualified(call))
    if name is None or name not in CONFIGS:
        return None
    source, target = CONFIGS[name]
    given = arguments.read(call)
    if given.stars or given.extra:
        work.report("FB302", call, f"{code(call)}: write its fields out by name")
        return None
    values: dict[str, Doc | None] = {}
    for field, value in given.named.items():
        if field in FIELDS[target]:
            values[field] = work.doc(value)
        elif field in {"requests", "limits"} and "resources" in FIELDS[target]:
            values["resources"] = resources.merged(work, given.named, call)
        else:
            work.report("FB306", call, f"{target} of {source} has no field {field}; {field}={code(value)} was left out")
    values.update({field: text for field, text in DEFAULTS.get(target, {}).items() if field not in values})
    distribution = PACKAGES.get(".".join(name.split(".")[:2]), source.replace(".", "-"))
    if target == "Databricks":
        distribution = "flyteplugins-databricks"
    work.report("FB306", call, f"{target} comes from {distribution} now: the image needs that package")
    return layout.call(_local(work, call, source, target), **values)


def _local(work: Work, call: cst.Call, source: str, target: str) -> str:
    """The name to call it by: the one it was imported as, else the class itself."""
    if isinstance(call.func, cst.Name) and any(
        binding.kind == "import" and isinstance(binding.node, cst.ImportFrom)
        for binding in work.module.names.bindings(call.func)
    ):
        return call.func.value
    work.plan.want(f"from {source} import {target}")
    return target


def imports(work: Work, module: Module) -> None:
    """`from flytekitplugins.spark import Spark` becomes `from flyteplugins.spark import Spark`."""
    for node in module.imports:
        if not isinstance(node, cst.ImportFrom) or isinstance(node.names, cst.ImportStar):
            continue
        base = module.names.absolute(node)
        aliases = cast("tuple[cst.ImportAlias, ...]", tuple(node.names))
        found = {alias: canonical(f"{base}.{dotted(alias.name)}") for alias in aliases}
        moved = [(alias, CONFIGS[name]) for alias, name in found.items() if name is not None and name in CONFIGS]
        if not moved:
            continue
        sources = {source for _, (source, _) in moved}
        if len(moved) == len(aliases) and len(sources) == 1:
            new = cast("cst.Attribute", parsed(sources.pop()))
            names = [_renamed(alias, target) for alias, (_, target) in moved]
            work.plan.replace(node, node.with_changes(module=new, names=names), "the plugin's package for Flyte 2")
            continue
        rest = [alias for alias in aliases if alias not in dict(moved)]
        if rest:
            rest[-1] = rest[-1].with_changes(comma=aliases[-1].comma)
            work.plan.replace(node, node.with_changes(names=rest), "the plugin's package for Flyte 2")
        else:
            work.plan.remove(node, "the plugin's package for Flyte 2")
        for alias, (source, target) in moved:
            made = _renamed(alias, target).with_changes(comma=cst.MaybeSentinel.DEFAULT)
            work.plan.want(f"from {source} import {code(made)}")


def _renamed(alias: cst.ImportAlias, target: str) -> cst.ImportAlias:
    """The alias for a class that may be called otherwise now; the local name stays."""
    local = code(alias.asname.name) if alias.asname is not None else code(alias.name)
    if code(alias.name) == target:
        return alias
    as_name = (
        None if local == target else cst.AsName(cst.Name(local), cst.SimpleWhitespace(" "), cst.SimpleWhitespace(" "))
    )
    return alias.with_changes(name=cst.Name(target), asname=as_name)
