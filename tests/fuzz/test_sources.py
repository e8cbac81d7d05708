"""The converter over damaged programs: every case's source, changed at random, is converted, left alone or refused by name.

`FLYTE_BRIDGE_FUZZ=N` makes N changes of each case (1 of every sixth case otherwise), `FLYTE_BRIDGE_FUZZ_SEED` begins elsewhere.
"""

from __future__ import annotations

import ast
import os
import random
import traceback
from typing import TYPE_CHECKING
from zlib import crc32

from flyte_bridge.convert.converter import convert_source
from flyte_bridge.errors import BridgeError
from flyte_bridge_translators.source.engine.translator import Converted, Unchanged
from golden import case_files, case_id

if TYPE_CHECKING:
    from collections.abc import Callable

EACH = int(os.environ.get("FLYTE_BRIDGE_FUZZ", "0"))
SEED = int(os.environ.get("FLYTE_BRIDGE_FUZZ_SEED", "1"))

GAVE_UP = {"FB111"}
"""What a rule that failed leaves behind, with the statement as it was."""


def _statements(tree: ast.AST) -> list[list[ast.stmt]]:
    """Every list of statements, so that one can be taken out, put elsewhere, or wrapped."""
    bodies: list[list[ast.stmt]] = []
    for node in ast.walk(tree):
        bodies += [
            body
            for name in ("body", "orelse", "finalbody")
            if isinstance(body := getattr(node, name, None), list) and body and isinstance(body[0], ast.stmt)
        ]
    return bodies


def _lose(tree: ast.Module, chance: random.Random) -> None:
    body = chance.choice(_statements(tree))
    if len(body) > 1:
        del body[chance.randrange(len(body))]


def _move(tree: ast.Module, chance: random.Random) -> None:
    source, target = (chance.choice(_statements(tree)) for _ in range(2))
    if len(source) > 1:
        statement = source.pop(chance.randrange(len(source)))
        if target is source or not any(node is statement for body in [target] for node in body):
            target.insert(chance.randrange(len(target) + 1), statement)


def _wrap(tree: ast.Module, chance: random.Random) -> None:
    body = chance.choice(_statements(tree))
    at = chance.randrange(len(body))
    if isinstance(body[at], ast.ImportFrom) and getattr(body[at], "module", "") == "__future__":
        return
    wrapper = chance.choice(
        (
            "if True:\n    pass",
            "try:\n    pass\nfinally:\n    pass",
            "class Holder:\n    pass",
            "def maker():\n    pass",
            "async def maker():\n    pass",
            "with open('x') as held:\n    pass",
            "for _ in range(2):\n    pass",
            "while unknown():\n    pass",
            "match 1:\n    case 1:\n        pass",
        )
    )
    [outer] = ast.parse(wrapper).body
    inner: list[ast.stmt] = outer.cases[0].body if isinstance(outer, ast.Match) else outer.body  # type: ignore[attr-defined]
    inner[:] = [body[at]]
    body[at] = outer


def _rename(tree: ast.Module, chance: random.Random) -> None:
    names = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    if not names:
        return
    old = chance.choice(names)
    new = chance.choice([*names, "flyte", "asyncio", "env", "task", "self", "größe", "_", "list"])
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = new


def _exchange(tree: ast.Module, chance: random.Random) -> None:
    """Puts one expression in another's place."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    expressions = [node for node in ast.walk(tree) if isinstance(node, ast.expr) and not isinstance(node, ast.Starred)]
    if calls and expressions:
        call = chance.choice(calls)
        new = ast.parse(ast.unparse(chance.choice(expressions)), mode="eval").body
        way = chance.randrange(4)
        if way == 0 and call.args:
            call.args[chance.randrange(len(call.args))] = new
        elif way == 1 and call.keywords:
            chance.choice(call.keywords).value = new
        elif way == 2:
            call.args.append(ast.Starred(new, ast.Load()))
        else:
            call.func = new


def _undress(tree: ast.Module, chance: random.Random) -> None:
    decorated = [node for node in ast.walk(tree) if getattr(node, "decorator_list", None)]
    if decorated:
        node = chance.choice(decorated)
        other = chance.choice(decorated)
        node.decorator_list = chance.choice(([], [*node.decorator_list, *other.decorator_list], other.decorator_list))  # type: ignore[attr-defined]


WAYS: tuple[Callable[[ast.Module, random.Random], None], ...] = (_lose, _move, _wrap, _rename, _exchange, _undress)


def changed(text: str, chance: random.Random) -> str | None:
    """A program a few changes away; None where what comes out is no Python."""
    tree = ast.parse(text)
    try:
        for _ in range(chance.randint(1, 3)):
            chance.choice(WAYS)(tree, chance)
        other = ast.unparse(ast.fix_missing_locations(tree))
        compile(other, "changed", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, IndexError, AttributeError, TypeError):
        return None
    return other


def test_no_program_breaks_the_converter() -> None:
    """No traceback, no rule that gave up; what is written parses, and converting it again changes nothing but what was
    left in Flyte 1."""
    files = case_files()
    tried, failures = 0, []
    for path in files:
        if not EACH and crc32(case_id(path).encode()) % 6:  # the same ones, whatever cases are added
            continue
        text = path.read_text()
        for turn in range(EACH or 1):
            seed = f"{SEED}/{case_id(path)}/{turn}"
            program = changed(text, random.Random(seed))
            if program is None:
                continue
            tried += 1
            failure = defect(program)
            if failure:
                failures.append(f"{seed}: {failure}")
    print(f"{tried} programs, seed {SEED}, {len(failures)} failures")
    assert not failures, "\n".join(failures[:10])


def defect(program: str) -> str:
    """What is wrong with the conversion of a program, nothing if it is as it should be."""
    try:
        outcome = convert_source(program, path="program.py", name="program")
    except BridgeError:
        return ""
    except Exception:
        return f"{traceback.format_exc()[-1500:]}\n{program}"
    gave_up = [str(finding) for finding in outcome.findings if finding.code in GAVE_UP]
    if gave_up:
        return f"{gave_up}\n{program}"
    if not isinstance(outcome, Converted):
        return ""
    try:
        ast.parse(outcome.text)
    except SyntaxError as error:
        return f"{error}\n{outcome.text}"
    if any(
        finding.code == "FB103" for finding in outcome.findings
    ):  # what was left over in Flyte 1 may be read better now
        return ""
    again = convert_source(outcome.text, path="program.py", name="program")
    if not isinstance(again, Unchanged):
        return f"a second conversion changes it:\n{outcome.text}\n=== again\n{getattr(again, 'text', again)}"
    return ""
