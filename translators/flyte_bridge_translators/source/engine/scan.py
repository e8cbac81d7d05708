"""The one walk over a file: parents, scopes, and short lists of what translators look for."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from flyte_bridge_translators.source.engine.names import NameBinding, Names, Scope
from flyte_bridge_translators.source.engine.tree import children, dotted

_COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)


class Scan:
    """What one walk over a parsed file finds.

    Attributes:
        tree: The parsed file.
        parents: Node → the node it hangs on.
        names: Resolves expressions to qualified names.
        functions: Every function definition, in the order of the text.
        imports: Every import statement.
        scope: The module's own scope.
    """

    def __init__(self, tree: cst.Module, names: Names) -> None:
        self.tree = tree
        self.names = names
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self.functions: list[cst.FunctionDef] = []
        self.imports: list[cst.Import | cst.ImportFrom] = []
        self._calls: list[cst.Call] = []
        self._chains: list[cst.Name | cst.Attribute] = []
        self.scope = Scope("module", tree, None)
        for child in children(tree):
            self._visit(child, tree, self.scope)

    def _visit(self, node: cst.CSTNode, parent: cst.CSTNode, scope: Scope) -> None:
        self.parents[node] = parent
        handler = _HANDLERS.get(type(node))
        if handler is not None:
            handler(self, node, scope)
            return
        for child in children(node):
            self._visit(child, node, scope)

    def _each(self, nodes: object, parent: cst.CSTNode, scope: Scope) -> None:
        if isinstance(nodes, cst.CSTNode):
            self._visit(nodes, parent, scope)
        elif isinstance(nodes, (list, tuple)):
            for node in nodes:
                if isinstance(node, cst.CSTNode):
                    self._visit(node, parent, scope)

    def _name(self, node: cst.Name, scope: Scope) -> None:
        self.names.scopes[node] = scope
        self._chains.append(node)

    def _attribute(self, node: cst.Attribute, scope: Scope) -> None:
        base: cst.BaseExpression = node
        while isinstance(base, cst.Attribute):
            self.parents[base.attr] = base
            if base.value not in self.parents:
                self.parents[base.value] = base
            base = base.value
        if isinstance(base, cst.Name):
            self.names.scopes[base] = scope
            self._chains.append(node)
        else:
            self._visit(base, self.parents[base], scope)

    def _call(self, node: cst.Call, scope: Scope) -> None:
        self._calls.append(node)
        self._visit(node.func, node, scope)
        self._each(node.args, node, scope)

    def _arg(self, node: cst.Arg, scope: Scope) -> None:
        if node.keyword is not None:
            self.parents[node.keyword] = node
        self._visit(node.value, node, scope)

    def _function(self, node: cst.FunctionDef, scope: Scope) -> None:
        self.functions.append(node)
        self.parents[node.name] = node
        self.names.scopes[node.name] = scope
        scope.bind(node.name.value, NameBinding("function", node))
        self._each(node.decorators, node, scope)
        self._each(node.returns, node, scope)
        inner = Scope("function", node, scope)
        self._parameters(node.params, node, scope, inner)
        self._visit(node.body, node, inner)

    def _lambda(self, node: cst.Lambda, scope: Scope) -> None:
        inner = Scope("function", node, scope)
        self._parameters(node.params, node, scope, inner)
        self._visit(node.body, node, inner)

    def _parameters(self, node: cst.Parameters, parent: cst.CSTNode, outer: Scope, inner: Scope) -> None:
        self.parents[node] = parent
        for child in children(node):
            self.parents[child] = node
            if isinstance(child, cst.Param):
                inner.bind(child.name.value, NameBinding("parameter", child))
                self.parents[child.name] = child
                self.names.scopes[child.name] = inner
                self._each(child.annotation, child, outer)
                self._each(child.default, child, outer)

    def _class(self, node: cst.ClassDef, scope: Scope) -> None:
        self.parents[node.name] = node
        self.names.scopes[node.name] = scope
        scope.bind(node.name.value, NameBinding("class", node))
        for part in (node.decorators, node.bases, node.keywords):
            self._each(part, node, scope)
        self._visit(node.body, node, Scope("class", node, scope))

    def _comprehension(self, node: cst.CSTNode, scope: Scope) -> None:
        inner = Scope("comprehension", node, scope)
        loop: cst.CompFor | None = node.for_in  # type: ignore[attr-defined]
        first, holder = True, node
        while loop is not None:
            self.parents[loop] = holder
            self._visit(loop.iter, loop, scope if first else inner)
            self._target(loop.target, loop, inner)
            self._each(loop.ifs, loop, inner)
            first, holder, loop = False, loop, loop.inner_for_in
        for name in ("elt", "key", "value"):
            self._each(getattr(node, name, None), node, inner)

    def _target(self, node: cst.CSTNode, parent: cst.CSTNode, scope: Scope, binding: NameBinding | None = None) -> None:
        """Bind every name in an assignment target, and walk the rest of it."""
        if isinstance(node, cst.Name):
            self.parents[node] = parent
            self.names.scopes[node] = scope
            scope.bind(node.value, binding or NameBinding("other", node))
        elif isinstance(node, (cst.Tuple, cst.List)):
            self.parents[node] = parent
            for element in node.elements:
                self.parents[element] = node
                self._target(element.value, element, scope)
        elif isinstance(node, cst.StarredElement):
            self.parents[node] = parent
            self._target(node.value, node, scope)
        else:
            self._visit(node, parent, scope)

    def _assign(self, node: cst.Assign, scope: Scope) -> None:
        self._visit(node.value, node, scope)
        for target in node.targets:
            self.parents[target] = node
            self._target(target.target, target, scope, NameBinding("assignment", node, value=node.value))

    def _ann_assign(self, node: cst.AnnAssign, scope: Scope) -> None:
        self._visit(node.annotation, node, scope)
        self._each(node.value, node, scope)
        self._target(node.target, node, scope, NameBinding("assignment", node, value=node.value))

    def _aug_assign(self, node: cst.AugAssign, scope: Scope) -> None:
        self._visit(node.value, node, scope)
        self._target(node.target, node, scope)

    def _for(self, node: cst.For, scope: Scope) -> None:
        self._visit(node.iter, node, scope)
        self._target(node.target, node, scope)
        self._visit(node.body, node, scope)
        self._each(node.orelse, node, scope)

    def _as_name(self, node: cst.AsName, scope: Scope) -> None:
        self._target(node.name, node, scope)

    def _named_expr(self, node: cst.NamedExpr, scope: Scope) -> None:
        self._visit(node.value, node, scope)
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        self._target(node.target, node, scope)

    def _match_name(self, node: cst.MatchAs | cst.MatchStar | cst.MatchMapping, scope: Scope) -> None:
        """A pattern of `match` binds the names in it."""
        name = node.rest if isinstance(node, cst.MatchMapping) else node.name
        if name is not None:
            self._target(name, node, scope)
        for child in children(node):
            if child is not name:
                self._visit(child, node, scope)

    def _elsewhere(self, node: cst.Global | cst.Nonlocal, scope: Scope) -> None:
        scope.elsewhere.update(item.name.value for item in node.names)

    def _import(self, node: cst.Import, scope: Scope) -> None:
        self.imports.append(node)
        for alias in node.names:
            full = dotted(alias.name) or ""
            if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
                scope.bind(alias.asname.name.value, NameBinding("import", node, qualified=self.names.located(full)))
            else:
                root = full.split(".", 1)[0]
                scope.bind(root, NameBinding("import", node, qualified=self.names.located(root)))

    def _import_from(self, node: cst.ImportFrom, scope: Scope) -> None:
        self.imports.append(node)
        module = self.names.absolute(node)
        if isinstance(node.names, cst.ImportStar):
            scope.stars.append(module)
            return
        for alias in node.names:
            name = dotted(alias.name) or ""
            local = alias.asname.name.value if alias.asname and isinstance(alias.asname.name, cst.Name) else name
            scope.bind(local, NameBinding("import", node, qualified=f"{module}.{name}"))


_HANDLERS: dict[type[cst.CSTNode], Callable[..., None]] = {
    cst.Name: Scan._name,
    cst.Attribute: Scan._attribute,
    cst.Call: Scan._call,
    cst.Arg: Scan._arg,
    cst.FunctionDef: Scan._function,
    cst.Lambda: Scan._lambda,
    cst.ClassDef: Scan._class,
    cst.Assign: Scan._assign,
    cst.AnnAssign: Scan._ann_assign,
    cst.AugAssign: Scan._aug_assign,
    cst.For: Scan._for,
    cst.AsName: Scan._as_name,
    cst.NamedExpr: Scan._named_expr,
    cst.MatchAs: Scan._match_name,
    cst.MatchStar: Scan._match_name,
    cst.MatchMapping: Scan._match_name,
    cst.Global: Scan._elsewhere,
    cst.Nonlocal: Scan._elsewhere,
    cst.Import: Scan._import,
    cst.ImportFrom: Scan._import_from,
    **dict.fromkeys(_COMPREHENSIONS, Scan._comprehension),
}
