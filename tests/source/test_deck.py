"""The reports of a converted task hold what Flyte 1's decks held."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from golden import GOLDEN

RUN = """
import importlib.util, sys
import flyte
spec = importlib.util.spec_from_file_location("tabs", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["tabs"] = module
spec.loader.exec_module(module)
flyte.init()
run = flyte.run(getattr(module, sys.argv[2]), **({"rows": 4} if sys.argv[2] != "kept_to_itself" else {}))
print(run.url)
"""


def reports(tmp_path: Path, task: str) -> list[str]:
    """The report pages that one task of the case leaves behind."""
    environment = {**os.environ, "HOME": str(tmp_path), "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1"}
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(GOLDEN / "deck" / "tabs.py"), task],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert run.returncode == 0, run.stderr
    metadata = Path(run.stdout.splitlines()[-1])  # a local run's address is where it keeps its metadata
    assert metadata.is_dir()
    return [path.read_text() for path in metadata.rglob("report.html")]


@pytest.mark.parametrize(
    ("task", "parts"),
    [
        ("shown", ("<li onclick", "frame", "<h1>Notes</h1>", "<p>more</p>", "<em>done</em>", "<td>0</td>")),
        ("waiting", ("live", "<p>4</p>", "<p>main</p>")),
    ],
)
def test_report(tmp_path: Path, task: str, parts: tuple[str, ...]) -> None:
    """Each deck is a tab with its HTML; the default deck is the main tab."""
    (page,) = reports(tmp_path, task)
    missing = [part for part in parts if part not in page]
    assert not missing, page


def test_deck_that_is_not_enabled(tmp_path: Path) -> None:
    """A task that did not enable decks shows nothing, as in Flyte 1."""
    assert not reports(tmp_path, "kept_to_itself")
