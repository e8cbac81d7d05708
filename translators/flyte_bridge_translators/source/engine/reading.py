"""What a piece of a driver's text reads and binds, and whether it may do anything else."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator

import libcst as cst

from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import children, dotted

MUTATING = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove",
        "reverse", "setdefault", "sort", "update", "write",
    }
)  # fmt: skip
"""Methods that change the object they are called on."""

_EFFECTS = frozenset({"print", "input", "open", "exec", "eval", "setattr", "delattr", "next", "breakpoint"})
PURE_MODULES = ("datetime.", "math.", "os.path.", "pathlib.", "itertools.", "functools.", "typing.", "json.dumps")

UNSTABLE = {
    "datetime.datetime.now": "the time",
    "datetime.datetime.today": "the time",
    "datetime.datetime.utcnow": "the time",
    "datetime.date.today": "the date",
    "time.time": "the time",
    "time.time_ns": "the time",
    "time.strftime": "the time",
    "os.environ": "an environment variable",
    "os.environ.get": "an environment variable",
    "os.getenv": "an environment variable",
    "random.random": "a random number",
    "random.randint": "a random number",
    "random.choice": "a random choice",
    "random.uniform": "a random number",
    "uuid.uuid4": "a random id",
    "uuid.uuid1": "a random id",
    "os.getcwd": "the working directory",
    "socket.gethostname": "the host's name",
    "getpass.getuser": "the user's name",
}
"""What gives another value at another time or place: Flyte 1 asked once, at registration; Flyte 2 asks in every run."""

BUILTINS = frozenset(dir(builtins))


class Locals:
    """The variables of one function, seen from any expression in it."""

    def __init__(self, module: Module, function: cst.FunctionDef | cst.Lambda) -> None:
        self.module = module
        self.function = function

    def is_local(self, name: cst.Name) -> bool:
        """Whether a name is a variable (or parameter) of the function itself."""
        scope = self.module.names.scopes.get(name)
        found = scope.lookup(name.value) if scope is not None else None
        return found is not None and found[0].node is self.function

    def names(self, node: cst.CSTNode, skip: frozenset[cst.CSTNode] = frozenset()) -> Iterator[cst.Name]:
        """The names in a piece of text that stand for variables of the function, in the order of the text."""
        if node in skip:
            return
        if isinstance(node, cst.Name):
            if self.is_local(node):
                yield node
            return
        if isinstance(node, cst.Attribute):
            yield from self.names(node.value, skip)
            return
        if isinstance(node, cst.Arg):
            yield from self.names(node.value, skip)
            return
        for child in children(node):
            yield from self.names(child, skip)


def targets(node: cst.BaseExpression) -> Iterator[cst.Name]:
    """The names an assignment target binds."""
    if isinstance(node, cst.Name):
        yield node
    elif isinstance(node, (cst.Tuple, cst.List)):
        for element in node.elements:
            yield from targets(element.value)
    elif isinstance(node, cst.StarredElement):
        yield from targets(node.value)


def base_name(node: cst.BaseExpression) -> cst.Name | None:
    """`a` of `a.b[0].c`."""
    while isinstance(node, (cst.Attribute, cst.Subscript)):
        node = node.value
    return node if isinstance(node, cst.Name) else None


def calls(node: cst.CSTNode, skip: frozenset[cst.CSTNode] = frozenset()) -> Iterator[cst.Call]:
    """Every call in a piece of text, outer ones first."""
    if node in skip:
        return
    if isinstance(node, cst.Call):
        yield node
    for child in children(node):
        yield from calls(child, skip)


def mutated(node: cst.CSTNode, bare: bool, skip: frozenset[cst.CSTNode] = frozenset()) -> Iterator[cst.Name]:
    """Variables whose objects a statement changes by a method; `bare` when its result is thrown away (then it must)."""
    for call in calls(node, skip):
        if isinstance(call.func, cst.Attribute) and (bare or call.func.attr.value in MUTATING):
            base = base_name(call.func.value)
            if base is not None:
                yield base


def has_effect(module: Module, node: cst.CSTNode, skip: frozenset[cst.CSTNode] = frozenset()) -> bool:
    """Whether evaluating it may do something besides giving a value."""
    for call in calls(node, skip):
        qualified = module.names.qualified(call.func)
        if qualified is not None and (is_v1(qualified) or qualified.startswith(PURE_MODULES)):
            continue
        name = dotted(call.func)
        if name is None:
            continue
        last = name.rpartition(".")[2]
        if name in BUILTINS and name not in _EFFECTS:
            continue
        if last[:1].isupper() or (isinstance(call.func, cst.Attribute) and base_name(call.func) is not None):
            if last in {"info", "warning", "debug", "error", "exception", "log", "write"}:
                return True
            continue
        return True
    return False


def unstable(module: Module, node: cst.CSTNode) -> Iterator[tuple[cst.CSTNode, str, str]]:
    """Places that read the time, the environment or chance: node, what is called, what it gives."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, (cst.Attribute, cst.Name)):
            qualified = module.names.qualified(current)
            if qualified in UNSTABLE:
                yield current, qualified, UNSTABLE[qualified]
                continue
        stack.extend(children(current))


def foreign(module: Module, context: Context, node: cst.CSTNode) -> Iterator[tuple[cst.Call, str]]:
    """Calls that may be of entities nobody here knows: a lower-case name imported from a module that is neither converted
    along nor Python's own, called by keywords only, as Flyte 1 asks for."""
    for call in calls(node):
        if not isinstance(call.func, cst.Name) or not call.args or any(one.keyword is None for one in call.args):
            continue
        qualified = module.names.qualified(call.func)
        source = (context.resolve(qualified) or "").rpartition(".")[0]
        root = source.split(".")[0]
        if not source or source in context.facts or is_v1(qualified) or root in sys.stdlib_module_names:
            continue
        if call.func.value[:1].islower():
            yield call, source


def leaves(node: cst.CSTNode) -> bool:
    """Whether a block may end the function or an iteration before its end."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, (cst.FunctionDef, cst.Lambda, cst.ClassDef)):
            continue
        if isinstance(current, (cst.Return, cst.Break, cst.Continue, cst.Raise)):
            return True
        stack.extend(children(current))
    return False


def read_later(variables: Locals, node: cst.BaseStatement, names: set[str]) -> set[str]:
    """Which of these variables a later statement (or the next turn of a loop around) reads before binding them again."""
    parents = variables.module.parents
    found: set[str] = set()
    current: cst.CSTNode = node
    while current is not variables.function:
        block = parents[current]
        if isinstance(block, cst.IndentedBlock):
            lines = list(block.body)
            place = next(index for index, line in enumerate(lines) if line is current)
            following = lines[place + 1 :]
            if isinstance(parents[block], (cst.For, cst.While)):
                following += lines[:place]
            pending = set(names)
            for line in following:
                found |= _reads(variables, line, pending)
        elif isinstance(block, cst.While):
            found |= {name.value for name in variables.names(block.test)} & names
        current = block
    return found


def _reads(variables: Locals, node: cst.CSTNode, pending: set[str]) -> set[str]:
    """The variables of `pending` that a statement reads; what it surely binds is taken out of `pending`."""
    if isinstance(node, cst.SimpleStatementLine):
        found: set[str] = set()
        for small in node.body:
            bound: set[str] = set()
            if isinstance(small, cst.Assign):
                bound = {name.value for target in small.targets for name in targets(target.target)}
                read = {name.value for name in variables.names(small.value)}
                for target in small.targets:
                    if not isinstance(target.target, (cst.Name, cst.Tuple, cst.List)):
                        read |= {name.value for name in variables.names(target.target)}
            else:
                read = {name.value for name in variables.names(small)}
            found |= read & pending
            pending -= bound
        return found
    if isinstance(node, cst.For):
        found = {name.value for name in variables.names(node.iter)} & pending
        inner = pending - {name.value for name in targets(node.target)}
        for line in node.body.body:
            found |= _reads(variables, line, inner)
        return found
    return {name.value for name in variables.names(node)} & pending
