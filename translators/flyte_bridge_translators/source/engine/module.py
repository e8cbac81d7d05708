"""One parsed file: its tree, the parents of its nodes, its names, and short lists of what translators look for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from typing import TypeVar, cast

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from flyte_bridge_translators.source.engine.names import NOTHING_KNOWN, Names, Search, is_v1
from flyte_bridge_translators.source.engine.naming import Naming
from flyte_bridge_translators.source.engine.python_text import tree_of
from flyte_bridge_translators.source.engine.scan import Scan
from flyte_bridge_translators.source.engine.tree import dotted, walk

Kind = TypeVar("Kind", bound=cst.CSTNode)


class Module(Scan):
    """One parsed file, read once.

    Args:
        tree: The parsed file.
        text: Its text, when it is at hand.
        path: What the user calls it; used in findings.
        name: Its dotted module name.
        package: The package relative imports start from; by default the name without its last part.
        star: See `Names`.
        search: See `Names`.
        is_notebook: Whether its statements may await: IPython runs them in its event loop.
        known: See `Names`.
        before: The same file as the user wrote it, when some of it was written out.
        origin: What was written out → the statement of `before` that it stands for.
        naming: What its entities are called after.

    Attributes:
        parents: Node → the node it hangs on.
        names: Resolves expressions to qualified names.
        calls: Every call whose function resolves to a Flyte 1 name, with that name, in the order of the text.
        references: Every name or attribute chain (the longest) that resolves to a Flyte 1 name outside import statements.
        functions: Every function definition, in the order of the text.
        imports: Every import statement.
        assignments: Every `name = value` (annotated or not) at module level, in the order of the text.
        holdings: What `holdings_of` read of the file.
        decorator_values: What `decorator_values` read of it.
    """

    def __init__(
        self,
        tree: cst.Module,
        *,
        text: str | None = None,
        path: str = "<string>",
        name: str = "module",
        package: str | None = None,
        star: Callable[[str, str], bool] | None = None,
        search: Search = (),
        is_notebook: bool = False,
        before: Module | None = None,
        origin: Mapping[cst.CSTNode, cst.CSTNode] | None = None,
        naming: Naming | None = None,
        known: Mapping[str, str] = NOTHING_KNOWN,
    ) -> None:
        self.before = before
        self.naming = naming or Naming(name)
        self.origin = origin or {}
        self.text = tree.code if text is None else text
        self.path = path
        self.name = name
        self.is_notebook = is_notebook
        from_ = name.rpartition(".")[0] if package is None else package
        super().__init__(tree, Names(name, from_, star, search, known))
        self.holdings: object | None = None
        self.decorator_values: object | None = None
        self._positions: dict[cst.CSTNode, tuple[int, int]] = {}

    def is_written_out(self, node: cst.CSTNode) -> bool:
        """Whether a node at module level stands for a statement of the user's that was written out."""
        module: Module | None = self
        while module is not None:
            if node in module.origin:
                return True
            module = module.before
        return False

    # -- what translators look for -----------------------------------------------------------------------------------

    @cached_property
    def calls(self) -> list[tuple[cst.Call, str]]:
        found = ((call, self.names.qualified(call.func)) for call in self._calls)
        return [(call, name) for call, name in found if name is not None and is_v1(name)]

    @cached_property
    def all_calls(self) -> list[cst.Call]:
        """Every call of the file, in the order of the walk."""
        return self._calls

    @cached_property
    def references(self) -> list[tuple[cst.Name | cst.Attribute, str]]:
        found = ((chain, self.names.qualified(chain)) for chain in self._chains)
        return [(chain, name) for chain, name in found if name is not None and is_v1(name)]

    @cached_property
    def name_references(self) -> list[tuple[cst.Name | cst.Attribute, str]]:
        """Every name or attribute chain (the longest) that resolves to anything qualified."""
        found = ((chain, self.names.qualified(chain)) for chain in self._chains)
        return [(chain, name) for chain, name in found if name is not None]

    @cached_property
    def assignments(self) -> list[tuple[str, cst.BaseExpression, cst.SimpleStatementLine]]:
        result = []
        for statement in self.tree.body:
            if not isinstance(statement, cst.SimpleStatementLine):
                continue
            for small in statement.body:
                if (
                    isinstance(small, cst.Assign)
                    and len(small.targets) == 1
                    and isinstance(small.targets[0].target, cst.Name)
                ):
                    result.append((small.targets[0].target.value, small.value, statement))
                elif (
                    isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name) and small.value is not None
                ):
                    result.append((small.target.value, small.value, statement))
        return result

    @property
    def is_flyte1(self) -> bool:
        """Whether the file names flytekit, one of its plugins or union anywhere, by a name of another module too."""
        return bool(self.names.known) or any(is_v1(self._import_root(node)) for node in self.imports)

    def _import_root(self, node: cst.Import | cst.ImportFrom) -> str:
        if isinstance(node, cst.ImportFrom):
            return self.names.absolute(node)
        roots = [dotted(alias.name) or "" for alias in node.names]
        return next((root for root in roots if is_v1(root)), roots[0])

    @cached_property
    def used(self) -> set[str]:
        """Every name the file uses outside its import statements."""
        return {_root(chain) for chain in self._chains}

    # -- where things are --------------------------------------------------------------------------------------------

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes above, nearest first."""
        current = self.parents.get(node)
        while current is not None:
            yield current
            current = self.parents.get(current)

    def statement(self, node: cst.CSTNode) -> cst.BaseStatement | None:
        """The statement a node stands in (itself, when it is one)."""
        if isinstance(node, cst.BaseStatement):
            return node
        return next((above for above in self.ancestors(node) if isinstance(above, cst.BaseStatement)), None)

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """The innermost function whose body a node stands in."""
        below = node
        for above in self.ancestors(node):
            if isinstance(above, cst.FunctionDef) and below is above.body:
                return above
            below = above
        return None

    def enclosing_class(self, node: cst.CSTNode) -> cst.ClassDef | None:
        """The class whose method a node stands in."""
        return next((above for above in self.ancestors(node) if isinstance(above, cst.ClassDef)), None)

    def is_top_level(self, node: cst.CSTNode) -> bool:
        """Whether a statement hangs on the module itself (or on an `if`/`try` of the module), not in a function or class."""
        return not any(isinstance(above, (cst.FunctionDef, cst.ClassDef)) for above in self.ancestors(node))

    def position(self, node: cst.CSTNode) -> tuple[int, int]:
        """Line (from 1) and column (from 0) of a node; (0, 0) when it is not of this file.

        LibCST knows positions only by emitting the text again, which costs more than parsing it. So only the innermost
        statement that holds the node is emitted, without the blocks in it, and `ast`, a tenth of the price, says where it
        begins.
        """
        if node is self.tree:
            return (1, 0)
        if self.before is not None:
            if node in self.before.parents:
                return self.before.position(node)
            statement = next((self.origin[each] for each in (node, *self.ancestors(node)) if each in self.origin), None)
            return self.before.position(statement) if statement is not None else (0, 0)
        if node not in self._positions and node in self.parents:
            statement = next((each for each in (node, *self.ancestors(node)) if _is_statement(type(each))), None)
            start = self._starts.get(statement) if statement is not None else None
            if start is not None and statement is node:
                return start
            if statement is not None and start is not None:
                self._place(statement, start)
        if node not in self._positions and node in self.parents:
            for each, place in MetadataWrapper(self.tree, unsafe_skip_copy=True).resolve(PositionProvider).items():
                self._positions[each] = (place.start.line, place.start.column)
        return self._positions.get(node, (0, 0))

    def _place(self, statement: cst.CSTNode, start: tuple[int, int]) -> None:
        """Note where the nodes of a statement stand, given where it does itself."""
        line = self._text_lines[start[0] - 1]
        alone, anchor = _alone(statement, line[: len(line) - len(line.lstrip())])
        places = MetadataWrapper(self.tree.with_changes(body=[alone]), unsafe_skip_copy=True).resolve(PositionProvider)
        first = places[anchor].start
        # What is `if` by itself may be `elif` where it stands.
        shift = start[1] - first.column + 2 * isinstance(self.parents[statement], cst.If)
        for each, place in places.items():
            column = place.start.column + (shift if place.start.line == first.line else 0)
            self._positions.setdefault(each, (place.start.line - first.line + start[0], column))
        self._positions[statement] = start

    @cached_property
    def _text_lines(self) -> list[str]:
        # Not `splitlines`: form feeds end no line of Python's.
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @cached_property
    def _starts(self) -> dict[cst.CSTNode, tuple[int, int]]:
        """Where each statement's anchor stands; nothing when the text is newer Python than the one that runs us."""
        try:
            parsed = tree_of(self.text)
        except SyntaxError:
            return {}
        starts = [(each.lineno, each.col_offset) for each in ast.walk(parsed) if isinstance(each, ast.stmt)]
        lines = self._text_lines
        statements = [each for each in self._nodes if _is_statement(type(each))]
        if len(starts) != len(statements):
            return {}
        return {
            each: (line, offset if lines[line - 1].isascii() else len(lines[line - 1].encode()[:offset].decode()))
            for each, (line, offset) in zip(statements, sorted(starts), strict=True)
        }

    def definition(self, name: str) -> cst.BaseExpression | cst.FunctionDef | cst.ClassDef | None:
        """What a module-level name stands for: the one value assigned to it, or the function or class; None when unknown or
        bound more than once."""
        bindings = self.scope.bindings.get(name, [])
        if len(bindings) != 1:
            return None
        binding = bindings[0]
        if binding.kind == "assignment":
            return binding.value
        return binding.node if isinstance(binding.node, (cst.FunctionDef, cst.ClassDef)) else None

    def taken(self) -> set[str]:
        """Every name that any scope of the file binds or uses: generated names stay out of it."""
        return set(self._taken)

    @cached_property
    def _taken(self) -> frozenset[str]:
        names = (node.value for node in self.names.scopes if isinstance(node, cst.Name))
        return frozenset(names) | frozenset(self.scope.bindings)

    @cached_property
    def _nodes(self) -> list[cst.CSTNode]:
        return list(walk(self.tree))

    def every(self, *kinds: type[Kind]) -> list[Kind]:
        """Every node of the file that is of one of these very classes, in the order of a walk."""
        # `type(...) in` and not `isinstance`: LibCST's classes are abstract, and saying no takes them ten times as long.
        wanted = set(kinds)
        return [cast("Kind", node) for node in self._nodes if type(node) in wanted]

    def search(self, root: cst.CSTNode, kind: type[cst.CSTNode]) -> Iterator[cst.CSTNode]:
        """Every node of a kind below (and at) a node."""
        return (node for node in walk(root) if isinstance(node, kind))


def _root(chain: cst.BaseExpression) -> str:
    while isinstance(chain, cst.Attribute):
        chain = chain.value
    return chain.value if isinstance(chain, cst.Name) else ""


@cache
def _is_statement(kind: type) -> bool:
    """Whether nodes of a class are what `ast` calls statements."""
    return issubclass(kind, (cst.BaseSmallStatement, cst.BaseCompoundStatement))


def _alone(statement: cst.CSTNode, indent: str) -> tuple[cst.BaseStatement, cst.CSTNode]:
    """A statement by itself, indented, its blocks left out where that is simple; and the node that stands for it there."""
    anchor = statement
    if isinstance(statement, cst.BaseSmallStatement):
        alone: cst.BaseStatement = cst.SimpleStatementLine([statement])
    else:
        alone = cast("cst.BaseStatement", statement)
        if isinstance(statement, (cst.FunctionDef, cst.ClassDef, cst.If, cst.For, cst.While, cst.With)):
            changes = {"orelse": None} if isinstance(statement, (cst.If, cst.For, cst.While)) else {}
            alone = anchor = statement.with_changes(body=cst.SimpleStatementSuite([cst.Pass()]), **changes)
    return (cst.If(cst.Name("_"), cst.IndentedBlock([alone], indent=indent)) if indent else alone), anchor
