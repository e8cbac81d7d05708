"""The example project: it shows what it should, and its conversion gives what it gives."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

SURFACE = [
    "@workflow",
    "@dynamic",
    "NamedTuple",
    "@dataclass",
    "(Enum)",
    "Optional[",
    "map_task(partial(",
    "concurrency=",
    "conditional(",
    ".elif_(",
    ".fail(",
    ".is_true()",
    ") & (",
    " >> ",
    ".with_overrides(",
    ".sample(frac=",
    "ImageSpec(",
    "Resources(",
    "limits=",
    "cache_version=",
    "retries=",
    "timeout=",
    "interruptible=",
    "environment=",
    "Secret(",
    "current_context().secrets",
    "FlyteFile",
    "FlyteDirectory",
    "pd.DataFrame",
    "StructuredDataset",
    "kwtypes(",
    "Deck(",
    "LaunchPlan",
    "CronSchedule",
    "FixedRate",
    "kickoff_time_input_arg",
    "fixed_inputs",
    "default_inputs",
    "notifications",
    '"@daily"',
    '__name__ == "__main__"',
]


@pytest.mark.parametrize("feature", SURFACE)
def test_surface(feature: str) -> None:
    """The example uses each feature that a first conversion must get right."""
    assert any(feature in path.read_text() for path in EXAMPLES.rglob("*.py"))


def test_every_workflow_is_the_same() -> None:
    """`convert examples --verify` finds every workflow's outputs and critical path the same, on inputs of the source's own."""
    done = subprocess.run(
        [sys.executable, "-m", "flyte_bridge_cli.main", "convert", str(EXAMPLES), "--verify", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = json.loads(done.stdout)["verify"]
    assert {one["workflow"]: one["reason"] for one in verdicts if one["verdict"] != "SAME"} == {}
    kinds = [one["kind"] for one in verdicts]
    assert (kinds.count("workflow"), kinds.count("launch plan")) == (10, 3)
    for one in verdicts:
        assert one["notes"] == [], one
        path = one["critical_path"]
        assert path["flyte1"] == path["flyte2"] if one["kind"] == "workflow" else path is None, one
    assert done.returncode == 0, done.stderr
