"""A rule of the converter that fails costs one statement."""

from collections.abc import Callable

import libcst as cst
import pytest

from flyte_bridge.convert.converter import SourceFile, convert_parsed, parse
from flyte_bridge_translators.source import CONCEPTS
from flyte_bridge_translators.source.engine.edits import Edit, Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Concept, Context, Converted

TEXT = """\
from flytekit import task, workflow


def broken(x):
    return x


@task
def inc(x: int) -> int:
    return x + 1


@workflow
def wf(x: int = 1) -> int:
    return inc(x=x)
"""


def failing(node: cst.CSTNode) -> Edit:
    """An edit that fails."""
    return lambda _: 1 // 0  # type: ignore[return-value, arg-type]


def no_python(node: cst.CSTNode) -> Edit:
    """An edit whose result is no Python."""
    return lambda _: cst.parse_statement("def broken(x):\n    await x\n")  # type: ignore[return-value]


def looking_fails(module: Module, context: Context) -> Plan:
    """A rule that fails while it looks at the file."""
    function = module.functions[0]
    raise ValueError(function.name.value)


def claims(edit: Callable[[cst.CSTNode], Edit]) -> Callable[[Module, Context], Plan]:
    """A rule that edits the first function."""

    def translate(module: Module, context: Context) -> Plan:
        plan = Plan("test")
        plan.replace(module.functions[0], edit(module.functions[0]))
        return plan

    return translate


@pytest.mark.parametrize("rule", [claims(failing), claims(no_python), looking_fails])
def test_one_statement(rule: Callable[[Module, Context], Plan]) -> None:
    """The statement is left as it was, with a finding; all others are converted."""
    parsed = parse(SourceFile("m.py", "m", "", TEXT.encode()))
    concepts = (Concept("failing", "nothing", translate=rule), *CONCEPTS)
    outcome = convert_parsed(parsed, Context({"m": parsed.facts}, concepts=concepts))
    assert isinstance(outcome, Converted), outcome.findings
    assert [(found.code, found.where.line) for found in outcome.findings] == [("FB111", 4)]
    assert "# TODO(flyte-bridge FB111)" in outcome.text
    assert "def broken(x):\n    return x\n" in outcome.text
    assert "return await inc.aio(x=x)" in outcome.text
