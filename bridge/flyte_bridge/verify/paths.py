"""How long the longest chain of a Flyte 2 driver is, read from its source: what it takes when every task takes one step.

The source is walked with a clock. An awaited task moves it by one step, a `gather` by its longest part, a task started
with `create_task` runs beside it until it is awaited. Drivers that are Flyte 1 workflows take what their own body takes;
loops are walked once, of branches the longer one counts. It is read from the conversion as it stands and not asked of the
converter, so that a lost parallelism is seen whoever lost it, and after edits by hand too.

The rules are asyncio's: a coroutine that is called runs when it is awaited, a task from when it is created, and `gather`
and `shield` make tasks of what they are given.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flyte_bridge.verify.worker import script_folders

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Collection, Iterable

DEEP = 50
"""Calls nested deeper than this are a recursion: nothing is said about it."""


@dataclass(frozen=True)
class _Function:
    node: ast.AsyncFunctionDef | ast.FunctionDef
    module: str
    scope: dict[str, Any]


@dataclass
class _Awaitable:
    """Something that can be awaited.

    Attributes:
        parts: What has to run, from when it is awaited.
        until: When it is done, for what runs already.
    """

    parts: list[Any] = field(default_factory=list)
    until: int | None = None


class Unknown(Exception):
    """Raised when a driver cannot be read: it is not there, or it calls itself."""


class Paths:
    """The drivers of one converted tree.

    Args:
        root: The directory its modules are imported from.
        workflows: The drivers, as `module:name`, that Flyte 1 had as workflows; every other task takes one step.
    """

    def __init__(self, root: pathlib.Path, workflows: Collection[str]) -> None:
        self._root = root
        modules = {one.partition(":")[0] for one in workflows}
        self._folders = [".".join(folder.relative_to(root).parts) for folder in script_folders(root, modules)]
        self._workflows = frozenset(workflows)
        self._modules: dict[str, dict[str, Any]] = {}
        self._known: dict[str, int] = {}
        self._open: list[str] = []

    def length(self, target: str) -> int:
        """The length of a driver's longest chain, in tasks.

        Raises:
            Unknown: It cannot be read.
        """
        if target not in self._known:
            if target in self._open:
                raise Unknown(f"{target} calls itself")
            module, _, name = target.partition(":")
            found = self.module(module).get(name)
            if not isinstance(found, _Function):
                raise Unknown(f"{target} is no function")
            self._open.append(target)
            try:
                self._known[target] = _Walk(self, found).run(0)
            finally:
                self._open.pop()
        return self._known[target]

    def module(self, name: str) -> dict[str, Any]:
        """A module's functions, and for what it imports the dotted name; empty when it is not the tree's."""
        if name not in self._modules:
            self._modules[name] = {}
            for folder in ("", *self._folders):
                dotted = f"{folder}.{name}".lstrip(".")
                place = self._root.joinpath(*dotted.split("."))
                path = next(
                    (one for one in (place.with_name(place.name + ".py"), place / "__init__.py") if one.is_file()), None
                )
                if path is not None:
                    package = dotted if path.name == "__init__.py" else dotted.rpartition(".")[0]
                    self._modules[name] = _names(_parse(path), dotted, package)
                    break
        return self._modules[name]

    def resolve(self, scope: dict[str, Any], module: str, node: ast.expr) -> Any:
        """What a name or attribute stands for: a `_Function`, an `_Awaitable`, a dotted name, or None."""
        if isinstance(node, ast.Name):
            found = scope.get(node.id, self.module(module).get(node.id))
            return self._imported(found) if isinstance(found, str) else found
        if isinstance(node, ast.Attribute):
            owner = self.resolve(scope, module, node.value)
            return self._imported(f"{owner}.{node.attr}") if isinstance(owner, str) else None
        return None

    def _imported(self, dotted: str) -> Any:
        module, _, name = dotted.rpartition(".")
        for _ in range(DEEP):
            found = self.module(module).get(name) if module else None
            if not isinstance(found, str):
                return dotted if found is None else found
            module, _, name = found.rpartition(".")
        return dotted

    def steps(self, function: _Function) -> int | None:
        """What a call of one of the tree's functions takes; None for a function that is no task."""
        if not _is_task(function.node):
            return None
        target = f"{function.module}:{function.node.name}"
        return self.length(target) if target in self._workflows else 1


def _parse(path: pathlib.Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError) as error:
        raise Unknown(str(error)) from error


def _names(tree: ast.Module, module: str, package: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            base = package
            for _ in range(node.level - 1):
                base = base.rpartition(".")[0]
            origin = ".".join(part for part in (base if node.level else "", node.module or "") if part)
            names.update({alias.asname or alias.name: f"{origin}.{alias.name}" for alias in node.names})
    for statement in tree.body:
        if isinstance(statement, ast.AsyncFunctionDef | ast.FunctionDef):
            names[statement.name] = _Function(statement, module, {})
    return names


def _is_task(node: ast.AsyncFunctionDef | ast.FunctionDef) -> bool:
    for decorator in node.decorator_list:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(function, ast.Attribute) and function.attr == "task":
            return True
    return False


class _Walk:
    """One run of one function's body."""

    def __init__(self, paths: Paths, function: _Function, depth: int = 0) -> None:
        if depth > DEEP:
            raise Unknown(f"{function.node.name} calls itself")
        self._paths = paths
        self._function = function
        self._depth = depth
        self._scope = dict(function.scope)
        self._outer: set[str] = set()
        self._clock = 0
        self._ends: list[int] = []

    def run(self, start: int) -> int:
        """When the body is done, begun at a time."""
        self._clock = start
        if self._block(self._function.node.body):
            self._ends.append(self._clock)
        return max(self._ends, default=self._clock)

    def _block(self, statements: Iterable[ast.stmt]) -> bool:
        """Run statements; whether what follows them is reached."""
        return all(self._statement(statement) for statement in statements)

    def _statement(self, node: ast.stmt) -> bool:
        match node:
            case ast.AsyncFunctionDef() | ast.FunctionDef():
                # by reference: the body sees what is bound later, as Python's closures do
                self._scope[node.name] = _Function(node, self._function.module, self._scope)
            case ast.Assign(targets=targets, value=value):
                made = self._value(value)
                for target in targets:
                    self._bind(target, made)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self._bind(target, self._value(value))
            case ast.Nonlocal(names=names):
                self._outer.update(names)
            case ast.Return(value=value):
                if value is not None:
                    self._value(value)
                self._ends.append(self._clock)
                return False
            case ast.Raise():
                return False  # a failure is no part of the path
            case ast.If(test=test, body=body, orelse=orelse):
                self._value(test)
                return self._either(body, orelse)
            case ast.Match(subject=subject, cases=cases):
                self._value(subject)
                return self._either(*(case.body for case in cases), [])
            case ast.For() | ast.AsyncFor():
                self._value(node.iter)
                self._block([*node.body, *node.orelse])
            case ast.While():
                self._value(node.test)
                self._block(node.body)
            case ast.Try():
                # handlers run after a failure
                return self._block([*node.body, *node.orelse]) and self._block(node.finalbody)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._value(item.context_expr)
                return self._block(node.body)
            case _:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self._value(child)
        return True

    def _either(self, *bodies: list[ast.stmt]) -> bool:
        """The longest of several blocks counts."""
        start, ends = self._clock, []
        for body in bodies:
            self._clock = start
            if self._block(body):
                ends.append(self._clock)
        self._clock = max(ends, default=start)
        return bool(ends)

    def _bind(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            for scope in (self._scope, self._function.scope) if target.id in self._outer else (self._scope,):
                if isinstance(value, _Awaitable):
                    scope[target.id] = value
                else:
                    scope.pop(target.id, None)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._bind(item, None)

    def _value(self, node: ast.expr) -> Any:
        """Evaluate an expression; an `_Awaitable` when that is what it is."""
        match node:
            case ast.Await(value=value):
                self._await(self._value(value))
                return None
            case ast.Call():
                return self._call(node)
            case ast.Name():
                found = self._scope.get(node.id)
                return found if isinstance(found, _Awaitable) else None
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return self._together([self._value(item) for item in items])
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                made = None
                for generator in node.generators:
                    iterated = self._value(generator.iter)
                    if generator.is_async:
                        self._await(iterated)
                made = self._value(node.elt)
                return self._together([made])
            case ast.Starred(value=value):
                return self._value(value)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._value(test)
                start = self._clock
                one = self._value(body)
                after, self._clock = self._clock, start
                other = self._value(orelse)
                self._clock = max(self._clock, after)
                return self._together([one, other])
            case ast.Lambda():
                return None
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._value(child)
            elif isinstance(child, ast.comprehension):
                self._value(child.iter)
        return None

    def _together(self, values: list[Any]) -> Any:
        awaitables = [value for value in values if isinstance(value, _Awaitable)]
        return _Awaitable(parts=list(awaitables)) if awaitables else None

    def _call(self, node: ast.Call) -> Any:
        arguments = [self._value(item) for item in [*node.args, *(keyword.value for keyword in node.keywords)]]
        function = node.func
        waited = isinstance(self._function.node, ast.FunctionDef)
        if isinstance(function, ast.Attribute) and function.attr == "aio":
            function, waited = function.value, False
        if isinstance(function, ast.Call):
            # f.override(...)(...): what is overridden is called
            inner = function.func
            self._call(function)
            if isinstance(inner, ast.Attribute) and inner.attr == "override":
                function = inner.value
            else:
                return None
        found = self._paths.resolve(self._scope, self._function.module, function)
        if isinstance(found, _Function):
            made = self._called(found)
            if waited:
                # a call of a task in a plain function is there and then
                self._await(made)
            return None if waited else made
        match found:
            case "asyncio.wait" | "asyncio.wait_for":
                return self._together(arguments)
            case "asyncio.gather" | "asyncio.shield" | "asyncio.create_task" | "asyncio.ensure_future":
                return _Awaitable(until=self._finish(self._together(arguments), self._clock))
            case "flyte.map":
                made = self._mapped(node.args[0]) if node.args else _Awaitable()
                if function is node.func:  # without .aio it is there and then
                    self._await(made)
                return made
            case None if isinstance(function, ast.Attribute):
                # a method: tg.create_task(...), (await new_condition()).wait.aio(), list.append(...)
                if function.attr == "create_task":
                    return _Awaitable(until=self._finish(self._together(arguments), self._clock))
                self._value(function.value)
                return _Awaitable(parts=[1]) if function.attr == "wait" else None
        return self._together([one for one in arguments if one is not None]) if found in ("list", "tuple") else None

    def _mapped(self, node: ast.expr) -> _Awaitable:
        """A task that is mapped, or a partial of one."""
        while isinstance(node, ast.Call) and node.args:
            node = node.args[0]
        found = self._paths.resolve(self._scope, self._function.module, node)
        return self._called(found) if isinstance(found, _Function) else _Awaitable(parts=[1])

    def _called(self, function: _Function) -> _Awaitable:
        steps = self._paths.steps(function)
        return _Awaitable(parts=[function if steps is None else steps])

    def _await(self, value: Any) -> None:
        if isinstance(value, _Awaitable):
            self._clock = self._finish(value, self._clock)

    def _finish(self, value: Any, start: int) -> int:
        """When something is done that is awaited from a time on."""
        if not isinstance(value, _Awaitable):
            return start
        ends = [start if value.until is None else max(start, value.until)]
        for part in value.parts:
            if isinstance(part, int):
                ends.append(start + part)
            elif isinstance(part, _Awaitable):
                ends.append(self._finish(part, start))
            else:
                ends.append(_Walk(self._paths, part, self._depth + 1).run(start))
        return max(ends)
