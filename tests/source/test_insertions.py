"""What a translator inserts beside the lines of a driver is in the result, whatever becomes of the line."""

from pathlib import Path

import libcst as cst
import pytest

from flyte_bridge_translators.source import CONCEPTS
from flyte_bridge_translators.source.engine import entities
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Concept, Context, Converted, convert
from flyte_bridge_translators.source.engine.tree import walk
from golden import case_files, case_id

FILES = case_files("dynamic", "workflow", "map_task", "conditional", "node", "gate", "outputs")


def marked(module: Module, context: Context) -> Plan:
    """Marks both sides of every simple line of every driver."""
    del context
    plan = Plan("marked")
    for number, line in enumerate(lines_of(module)):
        plan.insert_before(line, [marker(f"before_{number}")])
        plan.insert_after(line, [marker(f"after_{number}")])
    return plan


def marker(name: str) -> cst.SimpleStatementLine:
    return cst.SimpleStatementLine([cst.Expr(cst.Name(name))])


def lines_of(module: Module) -> list[cst.SimpleStatementLine]:
    found = []
    for function in module.functions:
        decorator = entity_decorator(module, function)
        if decorator is not None and decorator[1].is_driver and module.is_top_level(function):
            found += [node for node in walk(function.body) if isinstance(node, cst.SimpleStatementLine)]
    return found


@pytest.mark.parametrize("path", FILES, ids=[case_id(path) for path in FILES])
def test_nothing_inserted_is_dropped(path: Path) -> None:
    """A line inserted beside another is written once, or reported where it belongs."""
    module = Module(cst.parse_module(path.read_text()), name=path.stem)
    last = Concept("mark", "Lines around every line.", marked)
    outcome = convert(module, Context({path.stem: entities.read(module)}, concepts=(*CONCEPTS, last)))
    lines = lines_of(module)
    if not lines:
        pytest.skip("no driver in this case")
    assert isinstance(outcome, Converted)
    written = [line.strip() for line in outcome.text.splitlines()]
    reported = {line for finding in outcome.findings if finding.code == "FB109" for line in finding.message.split("`")}
    for number in range(len(lines)):
        for name in (f"before_{number}", f"after_{number}"):
            assert written.count(name) == 1 or name in reported, outcome.text
