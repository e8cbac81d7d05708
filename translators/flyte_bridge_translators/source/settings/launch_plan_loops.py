"""Launch plans made in loops, comprehensions and containers, written out one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import libcst as cst

from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.constant_values import MOST, NotConstantError, value_of
from flyte_bridge_translators.source.engine.entities import CONSTRUCTORS, Kind
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.syntax import assign, parsed
from flyte_bridge_translators.source.engine.tree import code, rebuilt, walk
from flyte_bridge_translators.source.settings.decorated import unique

_ADDING = frozenset({"append", "add"})


def unfold(module: Module) -> Mapping[cst.CSTNode, Sequence[cst.BaseStatement]]:
    """The statements that make several launch plans, as one statement for each; what is not constant stays as it is."""
    if "LaunchPlan" not in module.text:
        return {}
    written: dict[cst.CSTNode, Sequence[cst.BaseStatement]] = {}
    for statement in module.tree.body:
        if not any(_is_launch_plan(module, node) for node in walk(statement)):
            continue
        unrolled = _Unrolled(module)
        try:
            if isinstance(statement, cst.For):
                unrolled.loop(statement, {}, "")
                # What the loop's variables hold when it is done.
                unrolled.statements += [assign(cst.Name(v), cst.Name(n)) for v, n in unrolled.renamed.items()]
            elif isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
                unrolled.container(statement.body[0])
        except NotConstantError:
            continue
        if unrolled.statements:
            first = unrolled.statements[0]
            lead = [*statement.leading_lines, *(line for line in first.leading_lines if line.comment is not None)]
            written[statement] = [first.with_changes(leading_lines=lead), *unrolled.statements[1:]]
    return written


def _is_launch_plan(module: Module, node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.Call):
        return False
    return CONSTRUCTORS.get(module.names.qualified(node.func) or "") is Kind.LAUNCH_PLAN


@dataclass
class _Unrolled:
    """What is written for one statement.

    Attributes:
        statements: The lines, in order.
        renamed: Variable of the loop's body → what it is called this time.
        made: What the launch plans are bound to.
    """

    module: Module
    statements: list[cst.SimpleStatementLine] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    # -- loops -------------------------------------------------------------------------------------------------------

    def loop(self, loop: cst.For, known: Mapping[str, object], suffix: str) -> None:
        """Every iteration of a loop over constants."""
        if loop.orelse is not None or not isinstance(loop.body, cst.IndentedBlock):
            raise NotConstantError
        for values in self._iterations(loop.target, loop.iter, known):
            word = f"{suffix}_{_word(values.values())}"
            self._block(loop.body, {**known, **values}, word)

    def _iterations(
        self, target: cst.BaseExpression, iterated: cst.BaseExpression, known: Mapping[str, object]
    ) -> Iterator[dict[str, object]]:
        values = value_of(self.module, iterated, known)
        if not isinstance(values, Iterable):
            raise NotConstantError
        for count, value in enumerate(values):
            if count >= MOST:
                raise NotConstantError
            yield dict(_bound(target, value))

    def _block(self, block: cst.IndentedBlock, known: Mapping[str, object], suffix: str) -> None:
        names = dict(known)
        self.renamed = {}
        first = len(self.statements)
        for line in block.body:
            if isinstance(line, cst.For):
                self.loop(line, names, suffix)
                continue
            if not isinstance(line, cst.SimpleStatementLine):
                raise NotConstantError
            before = len(self.statements)
            for small in line.body:
                self._small(small, names, suffix)
            if suffix.count("_") and before < len(self.statements) and not any(self._said(line, first)):
                lead = [each for each in line.leading_lines if each.comment is not None]
                self.statements[before] = self.statements[before].with_changes(leading_lines=lead)

    def _said(self, line: cst.SimpleStatementLine, first: int) -> Iterator[bool]:
        """Whether the comments of a line of the loop's body stand above what an earlier iteration wrote."""
        texts = [each.comment.value for each in line.leading_lines if each.comment is not None]
        for statement in self.statements[:first]:
            yield any(each.comment is not None and each.comment.value in texts for each in statement.leading_lines)

    def _small(self, small: cst.BaseSmallStatement, known: dict[str, object], suffix: str) -> None:
        value = small.value if isinstance(small, (cst.Assign, cst.Expr)) else None
        if value is None or (isinstance(small, cst.Assign) and len(small.targets) != 1):
            raise NotConstantError
        target = small.targets[0].target if isinstance(small, cst.Assign) else None
        if isinstance(target, cst.Name) and not _is_launch_plan(self.module, value):
            known[target.value] = value_of(self.module, value, known)
        elif isinstance(target, cst.Name):
            self.renamed[target.value] = self._made(value, known, f"{target.value}{suffix}")
        elif isinstance(target, cst.Subscript):
            key = value_of(self.module, cast("cst.Index", target.slice[0].slice).value, known)
            holder = code(target.value)
            name = self._held(value, known, f"{_variable(holder)}{suffix}")
            if holder == "globals()":
                self.statements.append(assign(cst.Name(str(key)), cst.Name(name)))
            else:
                self.statements.append(_line(f"{holder}[{_literal(key)}] = {name}"))
        elif _is_launch_plan(self.module, value):
            self.statements.append(cst.SimpleStatementLine([cst.Expr(self._filled(value, known))]))
        elif isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute) and value.func.attr.value in _ADDING:
            name = self._held(value.args[0].value, known, f"{_variable(code(value.func.value))}{suffix}")
            self.statements.append(_line(f"{code(value.func)}({name})"))
        else:
            raise NotConstantError

    def _held(self, value: cst.BaseExpression, known: Mapping[str, object], wish: str) -> str:
        if isinstance(value, cst.Name) and value.value in self.renamed:
            return self.renamed[value.value]
        if not _is_launch_plan(self.module, value):
            raise NotConstantError
        return self._made(value, known, wish)

    # -- containers --------------------------------------------------------------------------------------------------

    def container(self, small: cst.BaseSmallStatement) -> None:
        """`plans = [LaunchPlan…, …]`, a dictionary, or a comprehension of either."""
        if (
            not isinstance(small, (cst.Assign, cst.AnnAssign))
            or small.value is None
            or _is_launch_plan(self.module, small.value)
        ):
            return
        target = small.targets[0].target if isinstance(small, cst.Assign) else small.target
        if not isinstance(target, cst.Name):
            return
        wish = _variable(target.value)
        held = small.value
        if isinstance(held, (cst.List, cst.Tuple)):
            names = [self._item(each.value, {}, f"{wish}_{place}") for place, each in enumerate(held.elements)]
            text = f"[{', '.join(names)}]" if isinstance(held, cst.List) else f"({', '.join(names)},)"
        elif isinstance(held, cst.Dict):
            pairs = [each for each in held.elements if isinstance(each, cst.DictElement)]
            text = self._pairs(
                (code(each.key), self._item(each.value, {}, f"{wish}_{_word([code(each.key)])}")) for each in pairs
            )
        elif isinstance(held, (cst.ListComp, cst.DictComp)) and held.for_in.inner_for_in is None:
            text = self._comprehension(held, wish)
        else:
            raise NotConstantError
        self.statements.append(cst.SimpleStatementLine([small.with_changes(value=parsed(text))]))

    def _comprehension(self, held: cst.ListComp | cst.DictComp, wish: str) -> str:
        if held.for_in.ifs:
            raise NotConstantError
        found: list[tuple[str, str]] = []
        for known in self._iterations(held.for_in.target, held.for_in.iter, {}):
            made = held.elt if isinstance(held, cst.ListComp) else held.value
            key = _literal(value_of(self.module, held.key, known)) if isinstance(held, cst.DictComp) else ""
            found.append((key, self._item(made, known, f"{wish}_{_word(known.values())}")))
        return self._pairs(found) if isinstance(held, cst.DictComp) else f"[{', '.join(name for _, name in found)}]"

    @staticmethod
    def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
        return "{" + ", ".join(f"{key}: {name}" for key, name in pairs) + "}"

    def _item(self, value: cst.BaseExpression, known: Mapping[str, object], wish: str) -> str:
        if _is_launch_plan(self.module, value):
            return self._made(value, known, wish)
        if any(_is_launch_plan(self.module, node) for node in walk(value)):
            raise NotConstantError
        return code(self._filled(value, known))

    # -- one launch plan ---------------------------------------------------------------------------------------------

    def _made(self, value: cst.BaseExpression, known: Mapping[str, object], wish: str) -> str:
        """Write a launch plan; the variable it is bound to."""
        name = unique([wish], self.module.taken() | self.made)
        self.made.add(name)
        self.statements.append(assign(cst.Name(name), self._filled(value, known)))
        return name

    def _filled(self, value: cst.BaseExpression, known: Mapping[str, object]) -> cst.BaseExpression:
        """The expression with the loop's variables in it as literals."""

        def change(node: cst.CSTNode) -> cst.CSTNode | None:
            if isinstance(node, cst.Arg) and node.keyword is not None:
                return node.with_changes(value=rebuilt(node.value, change))
            if isinstance(node, cst.Attribute):
                return node.with_changes(value=rebuilt(node.value, change))
            is_whole = isinstance(node, (cst.FormattedString, cst.Subscript, cst.BinaryOperation))
            names = {each.value for each in walk(node) if isinstance(each, cst.Name)} if is_whole else set()
            if (is_whole and names & set(known)) or (isinstance(node, cst.Name) and node.value in known):
                assert isinstance(node, cst.BaseExpression)
                return parsed(_literal(value_of(self.module, node, known)))
            return None

        return cast("cst.BaseExpression", rebuilt(value.deep_clone(), change))


def _bound(target: cst.BaseExpression, value: object) -> Iterator[tuple[str, object]]:
    """The variables of a loop's target and their values."""
    if isinstance(target, cst.Name):
        yield target.value, value
    elif isinstance(target, (cst.Tuple, cst.List)) and isinstance(value, (tuple, list)):
        if len(target.elements) != len(value):
            raise NotConstantError
        for element, inner in zip(target.elements, value, strict=True):
            yield from _bound(element.value, inner)
    else:
        raise NotConstantError


def _literal(value: object) -> str:
    if isinstance(value, str):
        return layout.quoted(value)
    if value is None or isinstance(value, (bool, int, float, list, tuple, dict)):
        return repr(value)
    raise NotConstantError


def _word(values: Iterable[object]) -> str:
    """A part of a name for the values of one iteration."""
    simple = [str(value) for value in values if isinstance(value, (str, int))]
    return re.sub(r"\W+", "_", "_".join(simple[:1] or ["item"])).strip("_").lower()


def _variable(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_").removesuffix("s") or "plan"


def _line(text: str) -> cst.SimpleStatementLine:
    return cst.ensure_type(cst.parse_statement(text), cst.SimpleStatementLine)
