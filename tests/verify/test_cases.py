"""Every case that can run is run: its Flyte 1 text against its golden, on the same inputs."""

from pathlib import Path

import pytest

from flyte_bridge.verify.verify import Outcome, Pair, Verdict, verify
from golden import CASES, GOLDEN, case_files, case_id

CASE_IDS = [case_id(path) for path in case_files() if (GOLDEN / case_id(path)).with_suffix(".py").is_file()]
TODO = "TODO(flyte-bridge"


def left_by_hand(verdict: Verdict) -> bool:
    """Whether a golden says itself that something in it is left to do."""
    parts = verdict.workflow.split(".")[1:]
    places = [GOLDEN.joinpath(*parts[:count]).with_suffix(".py") for count in range(1, len(parts) + 1)]
    return any(place.is_file() and TODO in place.read_text() for place in places)


def is_said_to_wait(verdict: Verdict) -> bool:
    """Whether a case's findings say that its calls are awaited in their order, since they change something."""
    parts = verdict.workflow.split(".")[1:]
    places = [GOLDEN.joinpath(*parts[:count]).with_suffix(".findings") for count in range(1, len(parts) + 1)]
    said = "".join(place.read_text() for place in places if place.is_file())
    return "FB211 what is called here changes" in said


@pytest.mark.parametrize("half", [0, 1])
def test_goldens_run(tmp_path: Path, half: int) -> None:
    """A golden without a TODO gives what its case gives, and its critical path is no longer, but where a finding says so."""
    assert CASE_IDS
    # a package name in front, because folders are called `types` and `enum`
    for side, folder in (("v1", CASES), ("v2", GOLDEN)):
        (tmp_path / side).mkdir()
        (tmp_path / side / "cases").symlink_to(folder, target_is_directory=True)
    modules = tuple("cases." + one.replace("/", ".") for one in CASE_IDS[half::2])
    verdicts = verify([Pair(tmp_path / "v1", tmp_path / "v2", modules)], timeout=60)
    wrong = [
        f"{one.workflow}: {one.outcome.value}: {one.reason}\n{one.log[-1500:]}"
        for one in verdicts
        if one.outcome in (Outcome.DIFFERENT, Outcome.V2_FAILED) and not left_by_hand(one)
    ]
    slower = [
        f"{one.workflow}: critical path {one.critical_path}"
        for one in verdicts
        if "FB507" in one.notes and not left_by_hand(one) and not is_said_to_wait(one)
    ]
    assert not wrong + slower, "\n".join(wrong + slower)
