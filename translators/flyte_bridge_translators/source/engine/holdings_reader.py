"""Reads what the names of a file may hold: see `holdings`."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import libcst as cst

from flyte_bridge_translators.source.engine.entities import entity_decorator
from flyte_bridge_translators.source.engine.holdings import FunctionHoldings, Holdings, Term
from flyte_bridge_translators.source.engine.house_decorators import applied_in_place
from flyte_bridge_translators.source.engine.implied_calls import implied
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import Scope
from flyte_bridge_translators.source.engine.tree import children, dotted, string_value

READ = ("cached_property", "property", "setter", "deleter")
"""Decorators of methods that run when an attribute is read, set or deleted."""

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
        self.implied: dict[str, dict[tuple[Term, str, tuple[Term, ...]], None]] = {}
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
            {owner: tuple(items) for owner, items in self.implied.items()},
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
                    item = self.term(node.item)
                    self._store(node.asname.name, _any([item, _implied(item, "__enter__")]))
            case cst.Match():
                for case in node.cases:
                    self._pattern(case.pattern, self.term(node.subject))
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
        self._implied(node, owner)
        for child in children(node):
            self._visit(child, owner)

    def _implied(self, node: cst.CSTNode, owner: str) -> None:
        """What may call a method of an object without saying so."""
        here = self.implied.setdefault(owner, {})
        if isinstance(node, cst.Attribute):
            base = self.term(node.value)
            if base is not None:
                here[base, node.attr.value, ()] = None
            return
        for holder, name, given in implied(node):
            base = self.term(holder)
            if base is not None:
                here[base, name, tuple(self.term(one) for one in given)] = None

    def _pattern(self, node: cst.MatchPattern, subject: Term) -> None:
        """The names that a pattern of `match` binds."""
        match node:
            case cst.MatchAs():
                if node.name is not None:
                    self._store(node.name, subject)
                if node.pattern is not None:
                    self._pattern(node.pattern, subject)
            case cst.MatchOr():
                for element in node.patterns:
                    self._pattern(element.pattern, subject)
            case cst.MatchList() | cst.MatchTuple():
                for one in node.patterns:
                    if isinstance(one, cst.MatchStar):
                        if one.name is not None:
                            self._store(one.name, _box(_item(subject)))
                    else:
                        self._pattern(one.value, _item(subject))
            case cst.MatchMapping():
                for pair in node.elements:
                    self._pattern(pair.pattern, _item(subject))
                if node.rest is not None:
                    self._store(node.rest, _box(_item(subject)))
            case cst.MatchClass():
                for one in node.patterns:
                    self._pattern(one.value, _attribute(subject, "*"))
                for keyword in node.kwds:
                    self._pattern(keyword.pattern, _attribute(subject, keyword.key.value))

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
        names = {(dotted(decorator.decorator) or "").rpartition(".")[2] for decorator in node.decorators}
        method = in_class and "staticmethod" not in names
        self.functions[mine] = FunctionHoldings(
            *_parameters(node.params),
            generator=_yields(node.body),
            is_async=node.asynchronous is not None,
            entity=f"{self.module.name}.{node.name.value}" if found is not None else None,
            driver=found is not None and found[1].is_driver,
            name=node.name.value,
            method=method,
            reads=next((name for name in READ if name in names), "") if method else "",
            abstract=bool(names & {"abstractmethod", "abstractproperty"}) or _is_empty(node.body),
        )
        value: Term = ("value", f"f:{mine}")
        name = node.name.value
        applied = self._applied.get(name)
        if applied is not None and applied.applied == name and within.kind == "module":  # `f = task(...)(f)`
            value = ("value", f"e:{self.module.name}.{name}")
        elif found is not None:
            value = ("value", f"e:{self.module.name}.{node.name.value}")
            for decorator in node.decorators[: node.decorators.index(found[0])]:  # it may keep the task somewhere
                self.calls.setdefault(owner, []).append(("call", self.term(decorator.decorator), (value,), ()))
        elif not self.functions[mine].reads:
            for decorator in reversed(node.decorators):
                known = decorator.decorator.value if isinstance(decorator.decorator, cst.Name) else ""
                if known not in {"staticmethod", "classmethod"}:
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
        reads = self.functions[mine].reads if mine in self.functions else ""
        self.functions[mine] = FunctionHoldings(*_parameters(node.params), is_lambda=True, name="lambda", reads=reads)
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
                return _attribute(self.term(node.value), node.attr.value)
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
                base = self.term(node.value)
                given = [self.term(one.slice.value) for one in node.slice if isinstance(one.slice, cst.Index)]
                return _any([_item(base), _implied(base, "__getitem__", *given)])
            case cst.IfExp():
                return _any([self.term(node.body), self.term(node.orelse)])
            case cst.BooleanOperation():
                return _any([self.term(node.left), self.term(node.right)])
            case cst.BinaryOperation():
                parts = [
                    _implied(self.term(holder), name, *map(self.term, given)) for holder, name, given in implied(node)
                ]
                return _any([self.term(node.left), self.term(node.right), *parts])
            case cst.UnaryOperation():
                return _any(
                    [_implied(self.term(holder), name, *map(self.term, given)) for holder, name, given in implied(node)]
                )
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
        for argument in node.args:
            if argument.keyword is not None and argument.keyword.value == "default_factory":
                self._runs_unseen(argument.value)
        builtin = node.func.value if isinstance(node.func, cst.Name) and self.term(node.func) is None else ""
        if builtin in {"globals", "locals", "vars"} and not node.args:
            return ("namespace", self.module.name)
        if builtin == "vars":
            return ("members", self.term(node.args[0].value))
        if builtin == "property":
            for argument in node.args:
                self._runs_unseen(argument.value)
            return self.term(node.args[0].value) if node.args else None
        if builtin == "super":
            inside = self.module.enclosing_class(node)
            return ("super", self._class_id(inside)) if inside is not None else None
        if builtin == "__import__" and node.args:
            return self._imported(node.args[0].value)
        if builtin == "getattr" and len(node.args) > 1:
            name = string_value(node.args[1].value)
            rest = [self.term(argument.value) for argument in node.args[2:]]
            return _any([("attr", self.term(node.args[0].value), name or "*"), *rest])
        qualified = self.module.names.qualified(node.func)
        if qualified == "importlib.import_module" and node.args:
            return self._imported(node.args[0].value)
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

    def _runs_unseen(self, node: cst.BaseExpression) -> None:
        """A function that runs when something is read or made, though nobody calls it."""
        function: cst.CSTNode = node
        if isinstance(node, cst.Name):
            bindings = self.module.names.bindings(node)
            function = bindings[-1].node if bindings else node
        elif isinstance(node, cst.Lambda):
            self.term(node)
            self.functions.setdefault(self._lambda_id(node), FunctionHoldings((), is_lambda=True, name="lambda"))
        known = self.functions.get(self.ids.get(function, ""))
        if known is not None:
            self.functions[self.ids[function]] = replace(known, reads=known.reads or "setter")

    def _imported(self, name: cst.BaseExpression) -> Term:
        """The module of a name; any module of the project when the name is computed."""
        if isinstance(name, cst.Name) and name.value == "__name__":
            return ("value", f"m:{self.module.name}")
        text = string_value(name)
        return ("value", f"m:{self.module.names.located(text) if text else '*'}")

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


def _is_empty(body: cst.BaseSuite) -> bool:
    """Whether a body only says that there is none: `...`, `pass`, `raise NotImplementedError`, a docstring."""
    lines = body.body if isinstance(body, cst.IndentedBlock) else [body]
    return all(
        isinstance(line, (cst.SimpleStatementLine, cst.SimpleStatementSuite)) and all(map(_says_nothing, line.body))
        for line in lines
    )


def _says_nothing(small: cst.BaseSmallStatement) -> bool:
    return isinstance(small, (cst.Pass, cst.Raise)) or (
        isinstance(small, cst.Expr) and isinstance(small.value, (cst.Ellipsis, cst.BaseString))
    )


def _attribute(term: Term, name: str) -> Term:
    if term is None:
        return None
    return ("members", term) if name == "__dict__" else ("attr", term, name)


def _implied(term: Term, name: str, *given: Term) -> Term:
    return ("implied", term, name, given) if term is not None else None


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
