"""Reads what the names of a file may hold: see `holdings`."""

from __future__ import annotations

from typing import cast

import libcst as cst

from flyte_bridge_translators.source.engine.entities import entity_decorator
from flyte_bridge_translators.source.engine.holdings import FunctionHoldings, Holdings, Term
from flyte_bridge_translators.source.engine.house_decorators import applied_in_place
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import Scope
from flyte_bridge_translators.source.engine.tree import children, string_value

MUTATORS = frozenset({"add", "append", "appendleft", "extend", "insert", "setdefault", "update"})
"""Methods by which a container gets more to hold."""

_COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)


class HoldingsReader:
    """Reads one file; asked again for single expressions when the file is converted.

    Attributes:
        ids: Function, lambda or class → its id.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.ids: dict[cst.CSTNode, str] = {}
        self.assigned: list[tuple[str, Term]] = []
        self.stored: list[tuple[Term, str, Term]] = []
        self.calls: dict[str, list[Term]] = {}
        self.functions: dict[str, FunctionHoldings] = {}
        self.bases: dict[str, tuple[Term, ...]] = {}
        self.fields: dict[str, list[str]] = {}
        self._applied = applied_in_place(module)
        self._comprehensions: dict[cst.CSTNode, str] = {}
        self._memo: dict[cst.CSTNode, Term] = {}
        for number, function in enumerate(module.functions):
            self.ids[function] = f"{module.name}#{number}"
        self._imports(module.scope)
        self._visit(module.tree, "")

    def holdings(self) -> Holdings:
        """What was read."""
        return Holdings(
            tuple(dict.fromkeys(self.assigned)),
            tuple(dict.fromkeys(self.stored)),
            {owner: tuple(dict.fromkeys(terms)) for owner, terms in self.calls.items()},
            self.functions,
            self.bases,
            {name: tuple(names) for name, names in self.fields.items()},
        )

    # -- statements --------------------------------------------------------------------------------------------------

    def _visit(self, node: cst.CSTNode, owner: str) -> None:
        match node:
            case cst.FunctionDef():
                self._function(node, owner)
                return
            case cst.Lambda():
                self._lambda(node, owner)
                return
            case cst.ClassDef():
                self._class(node, owner)
                return
            case cst.Import() | cst.ImportFrom() | cst.Annotation():
                return
            case cst.Assign():
                for target in node.targets:
                    self._store(target.target, self.term(node.value))
            case cst.AnnAssign() | cst.NamedExpr():
                if node.value is not None:
                    self._store(node.target, self.term(node.value))
            case cst.AugAssign():
                self._store(node.target, self.term(node.value))
            case cst.For() | cst.CompFor():
                self._store(node.target, _item(self.term(node.iter)))
            case cst.WithItem():
                if node.asname is not None and isinstance(node.asname.name, cst.BaseExpression):
                    self._store(node.asname.name, self.term(node.item))
            case cst.Return():
                if node.value is not None and owner:
                    self._assign(f"{owner}:return", self.term(node.value))
            case cst.Yield():
                if isinstance(node.value, cst.From):
                    self._assign(f"{owner}:return", self.term(node.value.item))
                elif node.value is not None:
                    self._assign(f"{owner}:return", _box(self.term(node.value)))
            case cst.Call():
                self._call(node, owner)
        for child in children(node):
            self._visit(child, owner)

    def _call(self, node: cst.Call, owner: str) -> None:
        term = self.term(node)
        if term is not None:
            self.calls.setdefault(owner, []).append(term)
        if isinstance(node.func, cst.Attribute) and node.func.attr.value in MUTATORS:
            given = [self.term(argument.value) for argument in node.args]
            self._store_into(node.func.value, _box(*given, *(_item(term) for term in given)))

    def _function(self, node: cst.FunctionDef, owner: str) -> None:
        mine = self.ids[node]
        found = entity_decorator(self.module, node)
        within = self.module.names.scopes[node.name]
        in_class = within.kind == "class"
        names = {
            decorator.decorator.value for decorator in node.decorators if isinstance(decorator.decorator, cst.Name)
        }
        method = in_class and "staticmethod" not in names
        self.functions[mine] = FunctionHoldings(
            *_parameters(node.params),
            generator=_yields(node.body),
            is_async=node.asynchronous is not None,
            entity=f"{self.module.name}.{node.name.value}" if found is not None else None,
            driver=found is not None and found[1].is_driver,
            name=node.name.value,
            method=method,
        )
        value: Term = ("value", f"f:{mine}")
        name = node.name.value
        applied = self._applied.get(name)
        if applied is not None and applied.applied == name and within.kind == "module":  # `f = task(...)(f)`
            value = ("value", f"e:{self.module.name}.{name}")
        elif found is not None:
            value = ("value", f"e:{self.module.name}.{node.name.value}")
        else:
            for decorator in reversed(node.decorators):
                known = decorator.decorator.value if isinstance(decorator.decorator, cst.Name) else ""
                if known not in {"staticmethod", "classmethod", "property"}:
                    value = ("call", self.term(decorator.decorator), (value,), ())
        self._assign(self._cell(within, node.name.value), value)
        for decorator in node.decorators:
            self._visit(decorator.decorator, owner)
        self._defaults(node.params, mine, owner)
        if method and self.functions[mine].parameters:
            kind = "c" if "classmethod" in names else "i"
            self._assign(f"{mine}:{self.functions[mine].parameters[0]}", ("value", f"{kind}:{self._scope_id(within)}"))
        self._visit(node.body, mine)

    def _lambda(self, node: cst.Lambda, owner: str) -> None:
        mine = self._lambda_id(node)
        self.functions[mine] = FunctionHoldings(*_parameters(node.params), is_lambda=True, name="lambda")
        self._defaults(node.params, mine, owner)
        self._assign(f"{mine}:return", self.term(node.body))
        self._visit(node.body, mine)

    def _lambda_id(self, node: cst.Lambda) -> str:
        if node not in self.ids:
            self.ids[node] = f"{self.module.name}#l{sum(isinstance(one, cst.Lambda) for one in self.ids)}"
        return self.ids[node]

    def _defaults(self, node: cst.Parameters, mine: str, owner: str) -> None:
        for one in (*node.posonly_params, *node.params, *node.kwonly_params):
            if one.default is not None:
                self._assign(f"{mine}:{one.name.value}", self.term(one.default))
                self._visit(one.default, owner)

    def _class(self, node: cst.ClassDef, owner: str) -> None:
        name = self._class_id(node)
        self._assign(self._cell(self.module.names.scopes[node.name], node.name.value), ("value", f"c:{name}"))
        self.bases[name] = tuple(self.term(base.value) for base in node.bases)
        for line in node.body.body:
            for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name):
                    self.fields.setdefault(name, []).append(small.target.value)
        for part in (*node.decorators, *node.bases, *node.keywords):
            self._visit(part, owner)
        self._visit(node.body, owner)

    def _class_id(self, node: cst.ClassDef) -> str:
        if node not in self.ids:
            self.ids[node] = self._cell(self.module.names.scopes[node.name], node.name.value)
        return self.ids[node]

    def _imports(self, scope: Scope) -> None:
        seen: set[int] = set()
        for here in (scope, *self.module.names.scopes.values()):
            if id(here) in seen:
                continue
            seen.add(id(here))
            for name, bindings in here.bindings.items():
                for binding in bindings:
                    if binding.kind == "import" and binding.qualified:
                        self._assign(self._cell(here, name), ("global", binding.qualified))

    # -- storing -----------------------------------------------------------------------------------------------------

    def _assign(self, cell: str, term: Term) -> None:
        if term is not None and term != ("cell", cell):
            self.assigned.append((cell, term))

    def _store(self, target: cst.BaseExpression, term: Term) -> None:
        if term is None:
            return
        if isinstance(target, cst.Name):
            scope = self.module.names.scopes.get(target)
            found = scope.lookup(target.value) if scope is not None else None
            if found is not None:
                self._assign(self._cell(found[0], target.value), term)
        elif isinstance(target, (cst.Tuple, cst.List)):
            for element in target.elements:
                self._store(element.value, _item(term))
        elif isinstance(target, cst.StarredElement):
            self._store(target.value, _box(term))
        elif isinstance(target, cst.Attribute):
            self.stored.append((self.term(target.value), target.attr.value, term))
        elif isinstance(target, cst.Subscript):
            self._store_into(target.value, _box(term))

    def _store_into(self, holder: cst.BaseExpression, term: Term) -> None:
        while isinstance(holder, cst.Subscript):
            holder = holder.value
        if isinstance(holder, (cst.Name, cst.Attribute)):
            self._store(holder, term)

    # -- expressions -------------------------------------------------------------------------------------------------

    def term(self, node: cst.BaseExpression) -> Term:
        """What an expression may hold."""
        if node not in self._memo:
            self._memo[node] = self._term(node)
        return self._memo[node]

    def _term(self, node: cst.BaseExpression) -> Term:
        match node:
            case cst.Name():
                return self._name(node)
            case cst.Attribute():
                qualified = self.module.names.qualified(node)
                if qualified is not None:
                    return ("any", ("global", qualified), ("attr", self.term(node.value), node.attr.value))
                base = self.term(node.value)
                return ("attr", base, node.attr.value) if base is not None else None
            case cst.Call():
                return self._called(node)
            case cst.Lambda():
                return ("value", f"f:{self._lambda_id(node)}")
            case cst.List() | cst.Tuple() | cst.Set():
                return _box(*(self.term(element.value) for element in node.elements))
            case cst.Dict():
                return _box(*(self.term(element.value) for element in node.elements))
            case cst.Subscript():
                if self.module.names.qualified(node.value) == "sys.modules":
                    return ("value", f"m:{self.module.name}")
                return _item(self.term(node.value))
            case cst.IfExp():
                return _any([self.term(node.body), self.term(node.orelse)])
            case cst.BooleanOperation() | cst.BinaryOperation():
                return _any([self.term(node.left), self.term(node.right)])
            case cst.Await():
                return self.term(node.expression)
            case cst.NamedExpr():
                return self.term(node.value)
            case cst.StarredElement():
                return _item(self.term(node.value))
            case cst.DictComp():
                return _box(self.term(node.value))
            case cst.ListComp() | cst.SetComp() | cst.GeneratorExp():
                return _box(self.term(node.elt))
        return None

    def _name(self, node: cst.Name) -> Term:
        scope = self.module.names.scopes.get(node)
        found = scope.lookup(node.value) if scope is not None else None
        if found is not None:
            return ("cell", self._cell(found[0], node.value))
        stars = [star for one in _outward(scope) for star in one.stars]
        if stars:
            return _any([("global", f"{star}.{node.value}") for star in stars])
        return None

    def _called(self, node: cst.Call) -> Term:
        builtin = node.func.value if isinstance(node.func, cst.Name) and self.term(node.func) is None else ""
        if builtin in {"globals", "locals", "vars"} and not node.args:
            return ("namespace", self.module.name)
        if builtin == "getattr" and len(node.args) > 1:
            name = string_value(node.args[1].value)
            rest = [self.term(argument.value) for argument in node.args[2:]]
            return _any([("attr", self.term(node.args[0].value), name or "*"), *rest])
        qualified = self.module.names.qualified(node.func)
        if qualified == "importlib.import_module" and node.args:
            name = string_value(node.args[0].value)
            return ("value", f"m:{name}") if name else None
        func = self.term(node.func)
        positional = tuple(
            _item(self.term(one.value)) if one.star else self.term(one.value)
            for one in node.args
            if one.keyword is None
        )
        keywords = tuple((one.keyword.value, self.term(one.value)) for one in node.args if one.keyword is not None)
        if func is None and not any(positional) and not any(term for _, term in keywords):
            return None
        return ("call", func, positional, keywords)

    def _cell(self, scope: Scope, name: str) -> str:
        if scope.kind == "module":
            return f"{self.module.name}.{name}"
        if scope.kind == "class":
            return f"{self._scope_id(scope)}.{name}"
        return f"{self._scope_id(scope)}:{name}"

    def _scope_id(self, scope: Scope) -> str:
        node = scope.node
        if isinstance(node, cst.ClassDef):
            return self._class_id(node)
        if isinstance(node, cst.Lambda):
            return self._lambda_id(node)
        if isinstance(node, _COMPREHENSIONS):
            return self._comprehensions.setdefault(node, f"{self.module.name}#c{len(self._comprehensions)}")
        return self.ids[node]


def _outward(scope: Scope | None) -> list[Scope]:
    found = []
    while scope is not None:
        found.append(scope)
        scope = scope.parent
    return found


def _parameters(node: cst.Parameters) -> tuple[tuple[str, ...], tuple[str, ...]]:
    every = (*node.posonly_params, *node.params, *node.kwonly_params)
    rest = [one for one in (node.star_arg, node.star_kwarg) if isinstance(one, cst.Param)]
    return tuple(one.name.value for one in every), tuple(one.name.value for one in rest)


def _yields(node: cst.CSTNode) -> bool:
    if isinstance(node, (cst.FunctionDef, cst.Lambda, cst.ClassDef)):
        return False
    return isinstance(node, cst.Yield) or any(_yields(child) for child in children(node))


def _any(terms: list[Term]) -> Term:
    known = tuple(dict.fromkeys(term for term in terms if term is not None))
    return known[0] if len(known) == 1 else ("any", *known) if known else None


def _box(*terms: Term) -> Term:
    known = tuple(dict.fromkeys(term for term in terms if term is not None))
    return ("box", *known) if known else None


def _item(term: Term) -> Term:
    return ("item", term) if term is not None else None


def holdings_of(module: Module) -> HoldingsReader:
    """The reader of a file; the file is read once."""
    if module.holdings is None:
        module.holdings = HoldingsReader(module)
    return cast("HoldingsReader", module.holdings)
