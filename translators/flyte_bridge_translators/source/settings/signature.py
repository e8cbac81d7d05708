"""The parameters and outputs of a workflow of another file, written in this one."""

from __future__ import annotations

import builtins
from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.engine.entities import Entity
from flyte_bridge_translators.source.engine.names import canonical, is_v1
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.tree import code, rebuilt, string_value, used_names, walk
from flyte_bridge_translators.source.engine.work import Work

TYPES: Mapping[str, tuple[str, str]] = {
    "flytekit.FlyteDirectory": ("Dir", "from flyte.io import Dir"),
    "flytekit.FlyteFile": ("File", "from flyte.io import File"),
    "flytekit.StructuredDataset": ("DataFrame", "from flyte.io import DataFrame"),
}
"""Flyte 1 types in the signature of a workflow, and what a task says for them."""


class Signature:
    """Writes the types and defaults of a workflow of another file here, importing what they name."""

    def __init__(self, work: Work, workflow: Entity, used: set[str]) -> None:
        self.work = work
        self.workflow = workflow
        self.facts = work.context.facts.get(workflow.module)
        self.used = used
        self.lost: set[str] = set()
        self.known: dict[str, str] = {}

    def returns(self) -> str:
        """The return annotation, with its arrow; a NamedTuple by its name, so that outputs keep theirs."""
        outputs = self.work.context.outputs(self.workflow)
        if outputs.kind == "none":
            return " -> None"
        if outputs.kind == "unknown" or not outputs.annotations:
            return ""
        if outputs.kind == "single" or len(outputs.annotations) == 1:
            return f" -> {self.text(outputs.annotations[0])}"
        if outputs.named_tuple is not None:
            local = self._bring(outputs.named_tuple, outputs.named_tuple.rpartition(".")[2])
            if local is not None:
                return f" -> {local}"
        bound = self.work.module.scope.bindings.get("Tuple")
        tuples = "Tuple" if bound and bound[-1].qualified == "typing.Tuple" else "tuple"
        return f" -> {tuples}[{', '.join(self.text(annotation) for annotation in outputs.annotations)}]"

    def text(self, source: str) -> str:
        """An annotation or default of the workflow's file, as it must be written in this one."""
        try:
            node = parsed(source)
            quoted = string_value(node)
            if quoted is not None and quoted.isidentifier() and self.facts is not None and quoted in self.facts.exports:
                node = parsed(quoted)
        except cst.ParserSyntaxError:
            self.lost.add(source)
            return source
        written: dict[cst.CSTNode, cst.CSTNode] = {}
        for name in list(used_names(node)):
            local = self._name(name.value)
            if local is None:
                self.lost.add(name.value)
            elif local != name.value:
                holder = _subscript(node, name) if local in {v2 for v2, _ in TYPES.values()} else name
                written[holder] = cst.Name(local)
        return code(rebuilt(node, written.get))

    def _name(self, name: str) -> str | None:
        if name not in self.known:
            found = self._resolve(name)
            if found is None:
                return None
            self.known[name] = found
        return self.known[name]

    def _resolve(self, name: str) -> str | None:
        if self.facts is None:
            return None
        qualified = self.facts.reexports.get(name)
        if qualified is None and name in self.facts.exports:
            qualified = f"{self.facts.module}.{name}"
        if qualified is None:
            return name if hasattr(builtins, name) else None
        qualified = canonical(qualified)
        if is_v1(qualified):
            if qualified not in TYPES:
                return None
            local, line = TYPES[qualified]
            self.work.plan.want(line)
            return local
        return self._bring(qualified, name)

    def _bring(self, qualified: str, name: str) -> str | None:
        """The local name of something, imported when it is not there yet."""
        module = self.work.module
        if qualified.rpartition(".")[0] == module.name:
            return qualified.rpartition(".")[2]
        for local, bindings in module.scope.bindings.items():
            if bindings[-1].kind == "import" and bindings[-1].qualified == qualified:
                return local
        if name in module.scope.bindings or (name in self.used and name not in self.known.values()):
            return None
        parent, _, last = qualified.rpartition(".")
        parent = module.names.spelled(parent)
        as_name = "" if last == name else f" as {name}"
        self.work.plan.want(f"from {parent} import {last}{as_name}" if parent else f"import {last}{as_name}")
        return name


def _subscript(root: cst.CSTNode, name: cst.Name) -> cst.CSTNode:
    """The subscript a name heads (`FlyteFile["csv"]`), else the name."""
    return next((node for node in walk(root) if isinstance(node, cst.Subscript) and node.value is name), name)
