"""Results that Flyte 1 hands on as a NamedTuple or a tuple, where which call gave them cannot be told from the text.

The caller of a Flyte 2 task sees a plain tuple. Where a variable holds one result and nothing else, its fields are read by
place (`body`). Where it does not (it is bound in an `if`, carried by a loop, kept in a list), the NamedTuple is made again:
`r = Best(*await pick.aio(...))`, and `r.score` stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.driver.entity_callee import EntityCallee
from flyte_bridge_translators.source.driver.node import CREATE_NODE
from flyte_bridge_translators.source.driver.scene import AwaitedCall, Scene
from flyte_bridge_translators.source.driver.steps import UNKNOWN
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.entities import Outputs, entity_decorator
from flyte_bridge_translators.source.engine.tree import code, walk


@dataclass
class NamedCallee:
    """`Best(*await pick.aio(...))`: a call whose fields are read by name further on.

    Attributes:
        inner: The call.
        made: The NamedTuple's name in this file.
        single: Whether it has one field, so that the result arrives unwrapped.
    """

    inner: EntityCallee
    made: str
    single: bool
    outputs: Outputs = UNKNOWN
    simple: bool = field(default=False, init=False)
    awaits: bool = field(default=False, init=False)
    prepares: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        return self.inner.name

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """Nothing."""
        return []

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """The NamedTuple, its value awaited inside."""
        value = cst.Await(self.inner.awaitable(rewrite))
        return cst.Call(cst.Name(self.made), [cst.Arg(value, star="" if self.single else "*")])


class Uses:
    """How the variables of one function are bound and read."""

    def __init__(self, scene: Scene, function: cst.FunctionDef) -> None:
        self.scene = scene
        self.module = scene.module
        self.function = function
        self.names: dict[str, list[cst.Name]] = {}
        self.attributes: list[cst.Attribute] = []
        for node in walk(function.body):
            if isinstance(node, cst.Attribute):
                self.attributes.append(node)
            elif isinstance(node, cst.Name) and self._is_mine(node):
                self.names.setdefault(node.value, []).append(node)
        self._settled: dict[str, bool] = {}

    def _is_mine(self, name: cst.Name) -> bool:
        scope = self.module.names.scopes.get(name)
        found = scope.lookup(name.value) if scope is not None else None
        return found is not None and found[0].node is self.function

    def settled(self, name: str) -> bool:
        """Whether each read of a variable has one binding, seen from the text: all of them stand in one block, and all reads
        in it or deeper, after the first."""
        if name not in self._settled:
            self._settled[name] = self._is_settled(name)
        return self._settled[name]

    def _is_settled(self, name: str) -> bool:
        stores = [node for node in self.names.get(name, ()) if self._is_store(node)]
        if not stores or name in self.scene.parameters:
            return False
        places = [self._place(node) for node in stores]
        blocks = {block for block, _ in places}
        if len(blocks) != 1:
            return False
        block = next(iter(blocks))
        lines = {line: number for number, line in enumerate(getattr(block, "body", ()))}
        first = min(lines.get(line, -1) for _, line in places)
        if first < 0:
            return False
        for node in self.names[name]:
            if node in stores:
                continue
            above = next((one for one in self.module.ancestors(node) if one in lines), None)
            if above is None or lines[above] <= first:
                return False
        return True

    def reads(self, name: str) -> Iterator[cst.Name]:
        """Where a variable is read."""
        return (node for node in self.names.get(name, ()) if not self._is_store(node))

    def _is_store(self, node: cst.Name) -> bool:
        parent = self.module.parents.get(node)
        while isinstance(parent, (cst.Element, cst.StarredElement, cst.Tuple, cst.List)):
            parent = self.module.parents.get(parent)
        if isinstance(parent, (cst.AnnAssign, cst.AugAssign, cst.For, cst.NamedExpr)):
            below: cst.CSTNode = node
            while self.module.parents[below] is not parent:
                below = self.module.parents[below]
            return below is parent.target
        return isinstance(parent, (cst.AssignTarget, cst.AsName, cst.Del))

    def _place(self, node: cst.CSTNode) -> tuple[cst.CSTNode | None, cst.CSTNode]:
        """The block a node stands in, and its statement there."""
        below = node
        for above in self.module.ancestors(node):
            if isinstance(above, cst.BaseSuite):
                return above, below
            below = above
        return None, below

    def only_parts(self, name: str) -> bool:
        """Whether every read of a variable takes a part of it, unpacks it, or returns it."""
        for node in self.names.get(name, ()):
            parent = self.module.parents.get(node)
            if self._is_store(node) or isinstance(parent, cst.Return):
                continue
            if isinstance(parent, (cst.Attribute, cst.Subscript)) and parent.value is node:
                continue
            if isinstance(parent, cst.Assign) and isinstance(parent.targets[0].target, (cst.Tuple, cst.List)):
                continue
            if isinstance(parent, cst.BinaryOperation) and isinstance(parent.operator, cst.RightShift):
                continue
            return False
        return True

    def target(self, value: cst.BaseExpression) -> tuple[str, cst.CSTNode | None]:
        """What becomes of a call's value: `part`, `name` (with the variable), `unpacked`, `returned`, `dropped`, `other`."""
        node: cst.CSTNode = value
        parent = self.module.parents.get(node)
        while True:
            argument = parent if isinstance(parent, cst.Arg) else None
            call = self.module.parents.get(parent) if argument is not None and parent is not None else parent
            then = isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute)
            if argument is not None and isinstance(call, cst.Call) and then and code(call.func)[-5:] == ".then":
                node = call
            elif (
                isinstance(parent, cst.Attribute)
                and isinstance(self.module.parents.get(parent), cst.Call)
                and parent.attr.value in {"with_overrides", "elif_", "else_", "then", "fail", "if_"}
            ):
                node = self.module.parents[parent]
            elif isinstance(parent, cst.Await):
                node = parent
            else:
                break
            parent = self.module.parents.get(node)
        if isinstance(parent, (cst.Attribute, cst.Subscript)) and parent.value is node:
            return "part", parent
        if isinstance(parent, cst.Return):
            return "returned", None
        if isinstance(parent, cst.Expr):
            return "dropped", None
        if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
            target = parent.targets[0].target
            return ("name", target) if isinstance(target, cst.Name) else ("unpacked", None)
        if isinstance(parent, cst.AnnAssign) and isinstance(parent.target, cst.Name):
            return "name", parent.target
        return "other", None

    def open_fields(self) -> Iterator[cst.Attribute]:
        """Reads of an attribute of something that is neither a settled variable nor a call nor a module."""
        for node in self.attributes:
            base = node.value
            called = isinstance(base, cst.Call) and self.scene.entity(base.func) is not None
            if isinstance(base, cst.Name) and self._is_mine(base):
                known = self.settled(base.value) and self._is_result(base.value)
            else:
                known = called or self.module.names.qualified(node) is not None
            if not known:
                yield node

    def _is_result(self, name: str) -> bool:
        """Whether a settled variable holds the results of calls only."""
        for node in self.names[name]:
            parent = self.module.parents.get(node)
            assign = self.module.parents.get(parent) if isinstance(parent, cst.AssignTarget) else parent
            if self._is_store(node):
                value = assign.value if isinstance(assign, (cst.Assign, cst.AnnAssign)) else None
                if not isinstance(value, cst.Call):
                    return False
        return True

    def single(self, name: str) -> bool:
        """Whether whatever a variable holds is the node of an entity with one output."""
        for node in self.names.get(name, ()):
            if not self._is_store(node):
                continue
            assign = next(self.module.ancestors(self.module.parents[node]), None)
            made = assign.value if isinstance(assign, cst.Assign) else None
            func = made.func if isinstance(made, cst.Call) else None
            if isinstance(made, cst.Call) and self.module.names.qualified(func) == CREATE_NODE and made.args:
                func = made.args[0].value
            entity = self.scene.entity(func)
            if entity is None or self.scene.context.outputs(entity).kind != "single":
                return False
        return name not in self.scene.parameters

    def passed_on(self, name: str) -> bool:
        """Whether a variable is handed to a function of the file that is no entity: it may read its fields."""
        for node in self.names.get(name, ()):
            parent = self.module.parents.get(node)
            call = self.module.parents.get(parent) if isinstance(parent, cst.Arg) else None
            if isinstance(call, cst.Call) and isinstance(call.func, cst.Name):
                made = self.module.definition(call.func.value)
                if isinstance(made, cst.FunctionDef) and entity_decorator(self.module, made) is None:
                    return True
        return False


def settled(scene: Scene, name: str) -> bool:
    """Whether the parts of a variable may be read by place: see `Uses.settled`."""
    return scene.uses is None or scene.uses.settled(name)


def named(scene: Scene, found: AwaitedCall, call: cst.BaseExpression, *, in_place: bool = False) -> AwaitedCall:
    """A call whose fields are read where only a NamedTuple has them gives one."""
    callee = found.callee
    uses = scene.uses
    if uses is None or not isinstance(callee, EntityCallee) or callee.outputs.kind != "named":
        return found
    kind, where = uses.target(call)
    if kind in {"unpacked", "dropped"} or (kind == "returned" and uses.function not in scene.coroutines):
        return found
    if kind == "part" and not (in_place and isinstance(where, cst.Attribute)):
        return found
    fields = set(callee.outputs.names)
    if isinstance(where, cst.Name):
        known = uses.settled(where.value) and uses.only_parts(where.value)
        if known or not (uses.passed_on(where.value) or _read(uses, fields)):
            return found
    elif kind in {"other", "returned"} and not _read(uses, fields):
        return found
    made = _class(scene, callee.outputs.named_tuple)
    if made is None:
        scene.plan.report(
            "FB223", call, f"the fields of `{callee.name}`'s result are read by name, but its NamedTuple has none"
        )
        return found
    return AwaitedCall(NamedCallee(callee, made, len(callee.outputs.names) == 1), found.inner)


def _read(uses: Uses, fields: set[str]) -> bool:
    return any(node.attr.value in fields for node in uses.open_fields())


def _class(scene: Scene, qualified: str | None) -> str | None:
    """The NamedTuple's name in this file, imported when nobody has."""
    resolved = scene.context.resolve(qualified)
    if resolved is None:
        return None
    module, _, name = resolved.rpartition(".")
    if module == scene.module.name:
        return name
    for local, bindings in scene.module.scope.bindings.items():
        if bindings[-1].kind == "import" and scene.context.resolve(bindings[-1].qualified) == resolved:
            return local
    if name in scene.fresh.taken:
        return None
    scene.plan.want(f"from {scene.module.names.spelled(module)} import {name}")
    return name
