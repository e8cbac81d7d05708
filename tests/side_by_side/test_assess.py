"""`flyte-bridge assess`: what there is to move, of source and of a live Flyte 1."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flyte_bridge.side_by_side import assess_report
from flyte_bridge.side_by_side.assessment import AssessedItem, Assessment, Disposition, put_in_order
from flyte_bridge.side_by_side.source_outline import outline

FLOW = """
from flytekit import LaunchPlan, CronSchedule, reference_launch_plan, reference_task, task, workflow, ContainerTask

box = ContainerTask(name="box", image="alpine", command=["true"])

@reference_task(project="other", domain="production", name="shell", version="1")
def shell() -> None:
    ...

@task(container_image="team/image:1")
def plus(x: int) -> int:
    return x + 1

@workflow
def inner(x: int) -> int:
    return plus(x=x)

@workflow
def outer(x: int = 1) -> int:
    a = inner(x=x)
    b = plus(x=a)
    return plus(x=b)

@workflow
def raw() -> None:
    shell()

@reference_launch_plan(project="other", domain="production", name="theirs", version="1")
def theirs(x: int) -> int:
    ...

@workflow
def across(x: int = 1) -> int:
    return theirs(x=x)

nightly = LaunchPlan.get_or_create(outer, "nightly", schedule=CronSchedule(schedule="0 6 * * *"))
"""
SCRIPT = """
from flytekit.remote import FlyteRemote

remote = FlyteRemote.for_sandbox()
remote.execute(remote.fetch_launch_plan(project="p", domain="d", name="flow.outer"), inputs={})
"""


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """A source tree with one of each."""
    root = tmp_path / "estate"
    (root / ".github" / "workflows").mkdir(parents=True)
    for name, text in {
        "flow.py": FLOW,
        "start.py": SCRIPT,
        "broken.py": "from flytekit import task\ndef (:\n",
        ".github/workflows/deploy.yml": "steps:\n  - run: pyflyte register flow.py\n",
        "README.md": "We use flytekit.\n",
    }.items():
        (root / name).write_text(text)
    return root


def assess(*words: str | Path) -> tuple[int, str, str]:
    """`flyte-bridge assess`: its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "flyte_bridge_cli.main", "assess", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def items(told: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The items by kind and name; a path by its last part."""
    return {(item["kind"], item["name"].rpartition("/")[2]): item for item in told["items"]}


def test_source(estate: Path) -> None:
    """Each thing has one disposition, with codes and places; what was not understood is listed; a broken file is exit 4."""
    code, out, said = assess(estate, "--json")
    assert code == 4, said
    told = json.loads(out)
    found = items(told)
    assert {at: item["disposition"] for at, item in found.items()} == {
        ("workflow", "flow.inner"): "converts",
        ("workflow", "flow.outer"): "converts",
        ("workflow", "flow.raw"): "converts, places by hand",
        ("workflow", "flow.across"): "converts, places by hand",
        ("launch plan", "flow.nightly"): "converts",
        ("schedule", "flow.nightly"): "converts",
        ("remote script", "start.py"): "runs unchanged only",
        ("CI file", "deploy.yml"): "runs unchanged only",
    }
    raw = found["workflow", "flow.raw"]["places"]
    assert [place["code"] for place in raw] == ["FB351"]
    assert raw[0]["where"].endswith("flow.py:7:0")
    unknown = {place["where"].rpartition("/")[2] for place in told["not_understood"]}
    assert {one.split(":")[0] for one in unknown} == {"broken.py", "README.md"}
    assert told["images"]["team/image:1"] == 1
    assert told["features"]["flytekit.ContainerTask"] == 1


def test_order(estate: Path) -> None:
    """What is called moves before its callers; calls between projects and of scripts are told."""
    found = items(json.loads(assess(estate, "--json")[1]))
    waves = {at: item["wave"] for at, item in found.items()}
    assert waves["workflow", "flow.inner"] < waves["workflow", "flow.outer"] < waves["launch plan", "flow.nightly"]
    assert waves["remote script", "start.py"] > waves["workflow", "flow.outer"]
    assert "other/production/theirs" in found["workflow", "flow.across"]["needs"]
    assert found["remote script", "start.py"]["needs"] == ["flow.outer"]


def test_drawing(estate: Path) -> None:
    """A workflow's graph has a box per call and an edge where one takes another's result."""
    drawing = items(json.loads(assess(estate, "--json")[1]))["workflow", "flow.outer"]["drawing"]
    assert drawing.count("<g data-node") == 3
    assert drawing.count('<path class="e"') == 2


def test_page(estate: Path, tmp_path: Path) -> None:
    """The page has everything, needs no network, and escapes what it is given."""
    page = tmp_path / "page.html"
    assess(estate, "--html", page)
    text = page.read_text()
    assert "flow.outer" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    bad = AssessedItem("workflow", "<script>x</script>", "&", Disposition.CONVERTS)
    told = assess_report.to_html(Assessment("<b>", [bad]))
    assert "<script>x" not in told
    assert "&lt;script&gt;x" in told
    assert "<script>x" not in assess_report.to_markdown(Assessment("<b>", [bad]))


def test_baseline(estate: Path, tmp_path: Path) -> None:
    """Against an earlier report: what became better, what is new, what is gone; another file is refused."""
    earlier = tmp_path / "earlier.json"
    earlier.write_text(assess(estate, "--json")[1])
    flow = estate / "flow.py"
    text = flow.read_text().replace("    shell()", "    plus(x=1)")
    flow.write_text(text.replace("inner", "within"))
    _, out, said = assess(estate, "--json", "--baseline", earlier)
    burnt = json.loads(out)["burn_down"]
    assert burnt["better"] == ["workflow flow.raw: converts, places by hand -> converts"], said
    assert (burnt["new"], burnt["gone"]) == (["workflow flow.within"], ["workflow flow.inner"])
    earlier.write_text("{}")
    code, _, said = assess(estate, "--baseline", earlier)
    assert code == 2
    assert "no report of `flyte-bridge assess --json`" in said


def test_what_is_mentioned_counts(tmp_path: Path) -> None:
    """What a plugin's class makes is no entity to the converter; a workflow that calls it, from another file too, has its code."""
    (tmp_path / "notebooks.py").write_text(
        "from flytekitplugins.papermill import NotebookTask\n\nread = NotebookTask(name='read', notebook_path='a.ipynb')\n"
    )
    (tmp_path / "flows.py").write_text(
        "from flytekit import workflow\nfrom notebooks import read\n\n\n@workflow\ndef wf() -> None:\n    read()\n"
    )
    _, told, _ = assess(str(tmp_path), "--json")
    [item] = [item for item in json.loads(told)["items"] if item["name"] == "flows.wf"]
    assert item["disposition"] != "converts"
    assert {place["code"] for place in item["places"]} == {"FB105"}


def test_what_needs_each_other_moves_together() -> None:
    """Workflows that call each other have one number."""
    convert = Disposition.CONVERTS
    pair = [
        AssessedItem("workflow", "a", "", convert, needs=["b"]),
        AssessedItem("workflow", "b", "", convert, needs=["a"]),
    ]
    put_in_order(pair)
    assert [item.wave for item in pair] == [1, 1]


def test_outline_of_no_python() -> None:
    """What is no Python has no outline."""
    assert outline("def (:") is None


def test_command_line() -> None:
    """Neither source nor endpoint, or both, and an endpoint that does not answer."""
    assert assess()[0] == 2
    assert assess("--from-admin", "x:1", ".")[0] == 2
    code, _, said = assess("--from-admin", "127.0.0.1:1")
    assert code == 7
    assert "127.0.0.1:1" in said


def test_verified(tmp_path: Path) -> None:
    """With --verify workflows are run on both sides: what is the same is proved, and why something was not is told."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    good = "from flytekit import task, workflow\n\n@task\ndef plus(x: int) -> int:\n    return x + 1\n\n"
    flow = "@workflow\ndef flow(x: int = 1) -> int:\n    return plus(x=x)\n"
    (tmp_path / "good.py").write_text(good + flow)
    (tmp_path / "broken.py").write_text(good + flow.replace("def flow", "def lost") + "\nraise OSError('not here')\n")
    done = subprocess.run(
        [sys.executable, "-m", "flyte_bridge_cli.main", "assess", str(tmp_path), "--verify", "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {item["name"]: item for item in json.loads(done.stdout)["items"]}
    assert set(found) >= {"good.flow", "broken.lost"}, done.stdout
    assert found["good.flow"]["disposition"] == "converts, proved"
    assert found["broken.lost"]["disposition"] == "converts"
    assert "not proved: v1 failed: it cannot be imported: OSError: not here" in found["broken.lost"]["detail"]
    assert "running 2 modules on Flyte 1" in done.stderr
