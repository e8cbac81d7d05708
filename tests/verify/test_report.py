"""Verdicts as people and programs see them."""

import io
import json

from rich.console import Console

from flyte_bridge.verify.compare import compare_outputs
from flyte_bridge.verify.report import details, differs, print_table, proved, remarks, summary, to_json
from flyte_bridge.verify.verify import CODES, Outcome, Verdict
from flyte_bridge_translators.findings.catalogue import CATALOGUE

SAME = Verdict(
    "shop.orders", "workflow", Outcome.SAME, inputs={"n": 3}, sources={"n": "generated"}, critical_path=(4, 4, 9)
)
DIFFERENT = Verdict(
    "shop.bills",
    "workflow",
    Outcome.DIFFERENT,
    code="FB501",
    reason="o0[0]: 1 became 2",
    differences=tuple(compare_outputs(["o0"], [["a\nb", *range(20)]], [["a\nc", *range(1, 21)]])),
    critical_path=(4, 6, 9),
)
FAILED = Verdict("shop.gone", "workflow", Outcome.V2_FAILED, code="FB503", reason="ValueError: no", log="[bold]trace")


def test_remarks() -> None:
    """A remark tells the reason, the critical paths and the generated inputs."""
    assert remarks(SAME) == ["critical path 4 of 9 nodes on both sides", "inputs generated: n=3"]
    assert remarks(DIFFERENT)[1] == "critical path 4 of 9 nodes on Flyte 1, 6 on Flyte 2"
    assert DIFFERENT.notes == ("FB507",)


def test_details() -> None:
    """Details show the first differences with both sides and a diff of texts; the rest is counted."""
    lines = details(DIFFERENT)
    assert lines[2:5] == ["  o0[0] (value)", "    - 'a\\nb'", "    + 'a\\nc'"]
    assert "    -b" in lines
    assert "    +c" in lines
    assert lines[-1] == "  and 11 more; --json lists them"
    assert details(SAME) == []


def test_table() -> None:
    """The table has a row per workflow, what failed below it, and a sum; what a process printed is no markup."""
    out = io.StringIO()
    print_table([SAME, DIFFERENT, FAILED], Console(file=out, width=200))
    text = out.getvalue()
    assert "SAME       shop.orders" in text
    assert "  | [bold]trace" in text
    assert text.splitlines()[-1] == "1 SAME, 1 DIFFERENT, 1 V2 FAILED"
    assert summary([]) == "nothing to verify: no workflow was found"


def test_json() -> None:
    """JSON has every verdict with all its differences, and nothing JSON cannot say."""
    first, second, _ = json.loads(json.dumps(to_json([SAME, DIFFERENT, FAILED])))
    assert first["verdict"] == "SAME"
    assert first["notes"] == ["FB506"]
    assert first["critical_path"] == {"flyte1": 4, "flyte2": 4, "nodes": 9}
    assert len(second["differences"]) == 21
    assert first.keys() == second.keys()


def test_what_speaks_against_a_conversion() -> None:
    """Only DIFFERENT and V2 FAILED do."""
    against = {outcome for outcome in Outcome if differs([Verdict("w", "workflow", outcome)])}
    assert against == {Outcome.DIFFERENT, Outcome.V2_FAILED}


def test_what_proves_a_conversion() -> None:
    """Only SAME does, of every workflow: `--strict` asks for it."""
    alone = {outcome for outcome in Outcome if proved([Verdict("w", "workflow", outcome)])}
    assert alone == {Outcome.SAME}
    assert not proved([Verdict("w", "workflow", Outcome.SAME), Verdict("v", "workflow", Outcome.BY_HAND)])


def test_codes_are_in_the_catalogue() -> None:
    """Each verdict but SAME has a finding code, and each code of this range is in the catalogue."""
    assert set(CODES) == set(Outcome) - {Outcome.SAME}
    assert {*CODES.values(), "FB505", "FB506", "FB507"} == {code for code in CATALOGUE if code.startswith("FB5")}
