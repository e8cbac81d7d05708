"""Every case that can run is run: its Flyte 1 text against its golden, on the same inputs."""

from pathlib import Path

import pytest

from flyte_bridge.parity.verify import Outcome, Pair, Verdict, verify
from golden import CASES, GOLDEN, case_files

FOLDERS = sorted({path.parent.relative_to(CASES) for path in case_files()})
TODO = "TODO(flyte-bridge"


def left_by_hand(folder: Path, verdict: Verdict) -> bool:
    """Whether a golden says itself that something in it is left to do."""
    place = GOLDEN / folder / verdict.workflow.replace(".", "/")
    return any(
        path.is_file() and TODO in path.read_text()
        for path in (place.with_suffix(".py"), place.parent.with_suffix(".py"))
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_goldens_run(folder: Path) -> None:
    """A golden without a TODO gives what its case gives, and its critical path is no longer."""
    modules = tuple(
        path.stem for path in sorted((CASES / folder).glob("*.py")) if (GOLDEN / folder / path.name).is_file()
    )
    verdicts = verify([Pair(CASES / folder, GOLDEN / folder, modules)], timeout=30)
    wrong = [
        f"{one.workflow}: {one.outcome.value}: {one.reason}\n{one.log[-1500:]}"
        for one in verdicts
        if one.outcome in (Outcome.DIFFERENT, Outcome.V2_FAILED) and not left_by_hand(folder, one)
    ]
    slower = [
        f"{one.workflow}: critical path {one.critical_path}"
        for one in verdicts
        if "FB507" in one.notes and not left_by_hand(folder, one)
    ]
    assert not wrong + slower, "\n".join(wrong + slower)
