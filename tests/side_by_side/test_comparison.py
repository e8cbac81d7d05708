"""What two records of executions come to, without any control plane."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.core import literals_pb2

from flyte_bridge.backend.storage import Storage
from flyte_bridge.convert import rename_table
from flyte_bridge.errors import SourceError, UsageError
from flyte_bridge.side_by_side import report
from flyte_bridge.side_by_side.comparison import (
    ExecutionComparison,
    Sameness,
    Stores,
    compare_executions,
    without_noise,
)
from flyte_bridge.side_by_side.record import ErrorRecord, ExecutionRecord, NodeRecord
from flyte_bridge.side_by_side.sides import execution_of
from flyte_bridge.verify.rules import USUAL, ComparisonRules

if TYPE_CHECKING:
    from pathlib import Path


def values(**numbers: float) -> literals_pb2.LiteralMap:
    literals = literals_pb2.LiteralMap()
    for name, number in numbers.items():
        literals.literals[name].scalar.primitive.float_value = number
    return literals


def node(name: str, target: str = "m.t", **more: Any) -> NodeRecord:
    known = {"title": target.rpartition(".")[2], "kind": "task", "target": target, "phase": "SUCCEEDED", "seconds": 1.0}
    known |= {"attempts": 1, "cache_hit": False, "error": None, "outputs": values(o0=1)}
    return NodeRecord(id=name, **{**known, **more})


def execution(name: str = "e", *nodes: NodeRecord, **more: Any) -> ExecutionRecord:
    known: dict[str, Any] = {"side": "Flyte 1", "name": name, "workflow": "m.w", "version": "v", "phase": "SUCCEEDED"}
    known |= {"seconds": 1.0, "error": None, "inputs": values(), "outputs": values(o0=1)}
    return ExecutionRecord(**{**known, "nodes": {one.id: one for one in nodes}, **more})


def compared(
    left: ExecutionRecord, right: ExecutionRecord, rules: ComparisonRules = USUAL, names: dict[str, str] | None = None
) -> ExecutionComparison:
    store = Storage({})
    return asyncio.run(compare_executions(left, right, Stores(store, store), rules, names))


def places(comparison: ExecutionComparison) -> list[str]:
    whole = [one.path for one in comparison.differences]
    return whole + [f"{each.name}/{one.path}" for each in comparison.nodes for one in each.differences]


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("Trace:\n\n    Traceback (most recent call last):\n\nMessage:\n\n    ValueError: no 2", "ValueError: no 2"),
        ("failed at Node[n0]. RuntimeExecutionError: x", "RuntimeExecutionError: x"),
        ("failed at Node[n0]. failed at Node[n1]. Trace", "Trace"),
        ("[2/2] currentAttempt done. Last Error: USER::ValueError: no 1", "ValueError: no 1"),
        ("[UserProvidedError] too small", "too small"),
        ("lost <object at 0x7f2a>", "lost <object at 0x…>"),
        ("", ""),
    ],
)
def test_the_last_line_of_an_error(message: str, line: str) -> None:
    """Engines' prefixes, tracebacks and addresses are no part of an error."""
    assert ErrorRecord.of("c", "USER", message).last_line == line


def test_errors_by_code_kind_and_last_line() -> None:
    """Engines' words before a code do not count, codes that say nothing are passed over, rules say how much counts."""
    left = execution(phase="FAILED", error=ErrorRecord.of("RetriesExhausted|USER:Recoverable", "USER", "Trace\nno 1"))
    assert places(compared(left, replace(left, error=ErrorRecord.of("USER:Recoverable", "USER", "other\nno 1")))) == []
    assert places(compared(left, replace(left, error=ErrorRecord.of("UnknownError", "UNKNOWN", "no 1")))) == []
    other = replace(left, error=ErrorRecord.of("USER:NonRecoverable", "SYSTEM", "no 2"))
    assert places(compared(left, other)) == ["error.kind", "error.code", "error.message"]
    assert places(compared(left, other, ComparisonRules(errors="code"))) == ["error.kind", "error.code"]
    assert places(compared(left, other, ComparisonRules(errors="kind"))) == ["error.kind"]


def test_nodes_by_their_facts() -> None:
    """Phases and attempts count, cache hits when a rule says so; a node that was skipped may be missing."""
    left = execution("a", node("n0"), node("n1", phase="SKIPPED", outputs=None), node("n2"))
    right = execution("b", node("n0", attempts=2, cache_hit=True), node("n3"))
    assert places(compared(left, right)) == ["n0/attempts", "n2/node", "n3/node"]
    assert places(compared(left, right, ComparisonRules(cache=True, retries=False))) == [
        "n0/cache",
        "n2/node",
        "n3/node",
    ]


def test_a_conversion_by_its_names() -> None:
    """What was converted is matched by what it runs, through the table; nodes of one side alone are no difference."""
    left = execution("a", node("n0", "m.load"), node("n1", "m.fit"), node("n2", "m.fit", outputs=values(o0=2)))
    right = execution(
        "b",
        node("a0", "env.main", kind="dynamic"),
        node("x1", "env.load"),
        node("x2", "env.train"),
        node("x3", "env.train", outputs=values(o0=3)),
        node("x4", "env.extra"),
        workflow=".flyte2.b",
        task="env.main",
        outputs=values(result=1),
    )
    comparison = compared(left, right, names={"m.fit": "env.train", "m.w": "env.main"})
    assert places(comparison) == ["n2/o0"]
    pairs = [(one.left and one.left.id, one.right and one.right.id) for one in comparison.nodes]
    assert pairs == [("n0", "x1"), ("n1", "x2"), ("n2", "x3"), (None, "x4")]
    other = compared(left, right, names={"m.w": "env.other"})
    assert (other.verdict, "which became env.other" in other.reason) == (Sameness.NOT_COMPARABLE, True)


def test_noise_is_set_aside_where_it_is() -> None:
    """What differs between two runs of the first side is no difference, another place is."""
    left = execution("a", node("n0"), outputs=values(o0=1, o1=1))
    again = execution("c", node("n0"), outputs=values(o0=2, o1=1))
    right = execution("b", node("n0", outputs=values(o0=5)), outputs=values(o0=3, o1=1))
    quiet = without_noise(compared(left, right), compared(left, again))
    assert (places(quiet), quiet.unstable, quiet.verdict) == (["n0/o0"], ("o0",), Sameness.DIFFERENT)


def test_reports_escape_everything(tmp_path: Path) -> None:
    """Whatever an execution is called, a page shows it and does not run it; JSON has it as it is."""
    bad = "<script>alert(1)</script>"
    left = execution(bad, node("n0", f"m.{bad}", outputs=values(o0=2)), outputs=values(**{bad: 1}))
    comparison = compared(left, execution("b", node("n0"), outputs=values(o0=2)))
    page = report.to_html(comparison)
    assert bad not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert json.loads(json.dumps(report.to_json(comparison)))["left"]["execution"] == bad


def test_a_table_of_names(tmp_path: Path) -> None:
    """What `convert --json` prints is read, and its table alone; something else is refused."""
    path = tmp_path / "names.json"
    for document in ({"renames": {"m.a": "env.a"}, "files": []}, {"m.a": "env.a"}):
        path.write_text(json.dumps(document))
        assert rename_table.read(path).entities == {"m.a": "env.a"}
    for text, said in (("[", "no JSON"), ("[1]", "has no table of names"), ('{"a": 1}', "has no table of names")):
        path.write_text(text)
        with pytest.raises(SourceError, match=said):
            rename_table.read(path)


def test_names_of_executions() -> None:
    """A side and a name, with project and domain or without; a directory may have colons of its own."""
    from flyte_bridge import config

    settings = config.load(project="p", domain="d")
    told = {text: execution_of(text, settings) for text in ("v1:a", "v2:x/y/a", "local@/tmp/a:b:c", "local:a")}
    assert [(side, one.project, one.domain, one.name) for side, one in told.values()] == [
        ("v1", "p", "d", "a"),
        ("v2", "x", "y", "a"),
        ("local@/tmp/a:b", "p", "d", "c"),
        ("local", "p", "d", "a"),
    ]
    for text in ("a", "v3:a", "v1:", "v1:a/b", "local@:a", "v1:/d/a"):
        with pytest.raises(UsageError, match="names no execution"):
            execution_of(text, settings)
