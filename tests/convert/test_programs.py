"""Random Flyte 1 programs are converted and run: what differs without a finding left to do by hand is a silent failure."""

import os
from pathlib import Path

from flyte_bridge.convert.project import convert_files, find
from flyte_bridge.verify.verify import Outcome, Pair, verify
from flyte_bridge_translators.findings import Severity
from flyte_bridge_translators.source.engine.translator import Converted, Unchanged
from programs import program

COUNT = int(os.environ.get("FLYTE_BRIDGE_PROGRAMS", "15"))
"""How many programs: a sample by default; the full run takes 500."""


def test_no_silent_failure(tmp_path: Path) -> None:
    """Each of the programs converts, converts to itself again, and gives the same, or says what is left to do by hand."""
    assert COUNT
    (tmp_path / "v1").mkdir()
    (tmp_path / "v2").mkdir()
    said: set[str] = set()
    for seed in range(COUNT):
        made = program(seed)
        folder = tmp_path / "alone" / made.main
        folder.mkdir(parents=True)
        for name, text in made.files.items():
            (folder / f"{name}.py").write_text(text)
            (tmp_path / "v1" / f"{name}.py").write_text(text)
        for result in convert_files(find([folder])).files:
            assert isinstance(result.outcome, Converted), result.outcome.findings
            if any(found.severity is Severity.HAND for found in result.outcome.findings):
                said.add(made.main)
            result.file.path.write_text(result.outcome.text)
            (tmp_path / "v2" / result.file.path.name).write_text(result.outcome.text)
        again = convert_files(find([folder]))
        assert all(isinstance(result.outcome, Unchanged) for result in again.files), made.main
    modules = tuple(f"p{seed}" for seed in range(COUNT))
    verdicts = verify([Pair(tmp_path / "v1", tmp_path / "v2", modules)], timeout=60)
    assert len(verdicts) == 3 * COUNT
    silent = [
        f"{one.workflow}: {one.outcome.value}: {one.reason}"
        for one in verdicts
        if one.outcome is not Outcome.SAME and one.workflow.split(".")[0] not in said
    ]
    assert not silent, "\n".join(silent)
    assert len(said) <= COUNT // 10  # most of it is converted, not only reported
