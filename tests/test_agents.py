"""What agents are told drives the gates that are there: each command can be read by a script, each exit code means what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flyte_bridge_cli.exits import Exit

HOUSE = Path(__file__).parent.parent
PAGES = [HOUSE / "AGENTS.md", *sorted((HOUSE / "skills").glob("*/SKILL.md"))]
COMMAND = re.compile(r"`(flyte-bridge [a-z][^`\n]*)`")


def _gates() -> list[list[str]]:
    """The rows of the tables of gates: name, command, codes that open, codes that shut."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGES[0].read_text().splitlines()]
    return [row for row in rows if len(row) == 4 and "`flyte-bridge" in row[1]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_command_is_one_that_a_script_reads(page: Path) -> None:
    """It has `--json`. (That verbs and options exist is checked with those of the other pages, in test_readme.)"""
    commands = COMMAND.findall(page.read_text())
    assert len(commands) > 10
    assert [command for command in commands if "--json" not in command and "VERB" not in command] == []


@pytest.mark.parametrize("gate", _gates(), ids=lambda gate: gate[0])
def test_each_gate_is_decided_by_exit_codes(gate: list[str]) -> None:
    """Those that open it and those that shut it are codes, no code does both, and 0 always opens it."""
    known = {str(code.value) for code in Exit}
    opens, shuts = set(re.findall(r"\d+", gate[2])), set(re.findall(r"\b(\d+):|\b(\d) and (\d) as above", gate[3]))
    closing = {code for codes in shuts for code in codes if code}
    assert opens | closing <= known
    assert "0" in opens
    assert closing
    assert not opens & closing


def test_the_skill_goes_through_the_gates_in_their_order() -> None:
    """The verbs of the skill's lists are those of the tables, in the same order."""
    order = [command.split()[1] for gate in _gates() for command in COMMAND.findall(gate[1])]
    numbered = [line for line in PAGES[1].read_text().splitlines() if re.match(r"\d+\. .*`flyte-bridge", line)]
    verbs = [COMMAND.findall(line)[0].split()[1] for line in numbered]
    assert set(verbs) == set(order)
    rest = iter(order)
    assert all(verb in rest for verb in verbs)
