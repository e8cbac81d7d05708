"""Verification: real runs of both SDKs on the hand-written pairs of `tests/verify/pairs`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flyte_bridge.verify.verify import NewText, Outcome, Pair, Verdict, staged, verify

PAIRS = Path(__file__).parent / "pairs"


def run(*modules: str, **options: object) -> dict[str, Verdict]:
    pair = Pair(PAIRS / "v1", PAIRS / "v2", modules)
    return {one.workflow: one for one in verify([pair], **options)}  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Verdict]:
    return run("outcomes", inputs={"no_such_workflow": [{"n": 1}], "outcomes.v2_broken": [{"m": 1}]})


@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("same", Outcome.SAME, ""),
        ("different", Outcome.DIFFERENT, "o0: 8 became 9"),
        ("both_raise", Outcome.SAME, "both raise ValueError: 5 is too large"),
        ("generated_raise", Outcome.NOT_RUN, "with made-up inputs both sides raise ValueError: 3 is too large"),
        ("only_v1_raises", Outcome.DIFFERENT, "Flyte 1 raises ValueError: 5 is too large, Flyte 2 returns"),
        ("v2_calls_wrongly", Outcome.V2_FAILED, "Missing required inputs: n"),
        ("v2_broken", Outcome.NOT_RUN, "--inputs names m, but it takes n"),
        ("v1_broken", Outcome.V1_FAILED, "TypeError: Failed to convert output"),
        ("noisy", Outcome.SAME, "except o0: nondeterministic in Flyte 1"),
        ("all_noise", Outcome.NOT_RUN, "nondeterministic: all its outputs differ"),
        ("gate", Outcome.NOT_RUN, "waits for a person to answer 'look-at-it'"),
        ("made_up", Outcome.SAME, ""),
        ("from_main", Outcome.SAME, ""),
    ],
)
def test_verdict(outcomes: dict[str, Verdict], name: str, outcome: Outcome, reason: str) -> None:
    """Each verdict is given for its reason."""
    verdict = outcomes[f"outcomes.{name}"]
    assert verdict.outcome is outcome, verdict
    assert reason in verdict.reason if reason else not verdict.reason


def test_codes_and_sources(outcomes: dict[str, Verdict]) -> None:
    """A verdict has its finding's code, and says where each argument comes from."""
    assert outcomes["outcomes.same"].code is None
    assert outcomes["outcomes.different"].code == "FB501"
    assert outcomes["outcomes.v1_broken"].code == "FB502"
    assert outcomes["outcomes.noisy"].notes == ("FB505",)
    made_up, called = outcomes["outcomes.made_up"], outcomes["outcomes.from_main"]
    assert made_up.notes == ("FB506",)
    assert made_up.sources == {"n": "generated", "flag": "generated", "point": "generated"}
    assert (called.sources["n"], called.inputs) == ("__main__", {"n": -4, "color": "BLUE"})


def test_inputs_for_nobody(outcomes: dict[str, Verdict]) -> None:
    """Inputs for a workflow that is not there are not passed over."""
    assert "a workflow that is not there" in outcomes["no_such_workflow"].reason


def test_data() -> None:
    """Files, directories, frames, records, times, arrays and the rest are the same on both sides."""
    verdicts = run("data")
    shapeless = verdicts.pop("data.shapeless")
    assert {one.outcome for one in verdicts.values()} == {Outcome.SAME}, verdicts
    assert len(verdicts) == 11
    assert "which columns the DataFrame has is not known; give one with --inputs" in shapeless.reason


def test_data_that_changed(tmp_path: Path) -> None:
    """A change of any kind of data is seen, and told where it is."""
    text = (PAIRS / "v2" / "data.py").read_text()
    for before, after in (
        (".upper()", ".title()"),
        ("[::-1]", "[:-1]"),
        ("ascending=False", "ascending=True"),
        ("at + span, span * 2", "at + span * 2, span * 2"),
        ("values / 3", "values / 4"),
        ("[outer.inner] * 2", "[outer.inner] * 3"),
        ("[count, count + 1]", "[count, count + 2]"),
        ('"level": Level.HIGH', '"level": Level.LOW'),
        ("return Half(n / 2)", "return Half(n / 2 + 1e-6)"),
    ):
        assert before in text
        text = text.replace(before, after)
    rows = tmp_path / "rows.csv"
    rows.write_text("name,size,weight\na,1,2.5\nb,2,1.5\nc,3,0.5\n")
    change = NewText(PAIRS / "v1" / "data.py", "data", text.encode())
    with staged([change]) as pairs:
        verdicts = {one.workflow: one for one in verify(pairs, inputs={"shapeless": [{"rows": str(rows)}]})}
    # pandas 2 keeps the rows' index in parquet where pandas 3 does not: that is a difference of its own
    places = {
        name.removeprefix("data."): [each.path for each in one.differences if not each.path.endswith(".index")]
        for name, one in verdicts.items()
    }
    seen = {name: paths[0] for name, paths in places.items() if paths}
    assert seen == {
        "files": "o0",
        "directories": "o0['deep/input.txt']",
        "frames": "o0['name'][0]",
        "times": "o0",
        "arrays": "o0[0]",
        "records": "o0.items",
        "mappings": 'o0["a"][1]',
        "anythings": 'o0["level"]',
        "halves": "half",
        "shapeless": "o0['name'][0]",
    }
    assert "-ONE" in verdicts["data.files"].differences[0].detail
    assert verdicts["data.unions"].outcome is verdicts["data.silent"].outcome is Outcome.SAME


@pytest.fixture(scope="module")
def troubles() -> dict[str, Verdict]:
    os.environ["_FSEC_REGISTRY_TOKEN"] = "abc"
    try:
        return run("dies_on_import", "troubles", "needs_package", "fails_to_import", "mixes", timeout=4, tasks=True)
    finally:
        del os.environ["_FSEC_REGISTRY_TOKEN"]


@pytest.mark.parametrize(
    ("name", "outcome", "reason"),
    [
        ("dies_on_import", Outcome.V1_FAILED, "it cannot be imported: the process ended with exit status 9"),
        ("needs_package", Outcome.NOT_RUN, "the package no_such_package is not installed here"),
        (
            "fails_to_import",
            Outcome.V1_FAILED,
            "it cannot be imported: RuntimeError: not today (line 3: raise RuntimeError",
        ),
        (
            "mixes.halves",
            Outcome.V2_FAILED,
            "the conversion still imports flytekit (line 2: from flytekit import task)",
        ),
        ("mixes.alone", Outcome.V2_FAILED, "the conversion still imports flytekit"),
        ("troubles.dies", Outcome.V1_FAILED, "the process ended with exit status 7"),
        ("troubles.hangs", Outcome.TIMED_OUT, "no answer within 4 s"),
        ("troubles.asks", Outcome.SAME, ""),
        ("troubles.asks_in_vain", Outcome.NOT_RUN, "needs a secret"),
        ("troubles.lends", Outcome.NOT_RUN, "the package no_such_package is not installed here"),
        ("troubles.stays_home", Outcome.SAME, ""),
        ("troubles.leaves", Outcome.V2_FAILED, "the converted module troubles has no task leaves"),
        ("troubles.dies_on_flyte_2", Outcome.V2_FAILED, "the process ended with exit status 3"),
        ("troubles.lost", Outcome.V2_FAILED, "the converted module troubles has no task lost"),
        ("troubles.retries", Outcome.NOT_RUN, "to be retried, and Flyte 1's local execution does not retry"),
        ("troubles.browses", Outcome.NOT_RUN, "needs the network"),
        ("troubles.last", Outcome.SAME, ""),
    ],
)
def test_trouble(troubles: dict[str, Verdict], name: str, outcome: Outcome, reason: str) -> None:
    """A workflow or module that crashes, hangs, or lacks something is named, and the others are still verified."""
    assert troubles[name].outcome is outcome, troubles[name]
    assert reason in troubles[name].reason if reason else not troubles[name].reason


def test_output_of_a_crash(troubles: dict[str, Verdict]) -> None:
    """What a process printed before it died is in the verdict."""
    assert "about to die" in troubles["troubles.dies"].log


def test_interrupt() -> None:
    """An interrupt ends the runners and the verification at once."""
    code = (
        "import pathlib, sys\n"
        "from flyte_bridge.verify.verify import Pair, verify\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "verify([Pair(root / 'v1', root / 'v2', ('troubles',))], progress=lambda line: print(line, flush=True))\n"
    )
    # run as a script is: its own group, so that its runners can be told from others
    started = subprocess.Popen(
        [sys.executable, "-c", code, str(PAIRS)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert started.stdout is not None
    assert "Flyte 1" in started.stdout.readline()
    time.sleep(1)
    asked = time.monotonic()
    started.send_signal(signal.SIGINT)
    assert started.wait(timeout=20) != 0
    started.stdout.close()
    assert time.monotonic() - asked < 10


def test_staged_copies_nothing_else(tmp_path: Path) -> None:
    """A staged tree has the new text, links to the rest, and leaves the user's tree alone."""
    package = tmp_path / "shop" / "deep"
    package.mkdir(parents=True)
    for path in (tmp_path / "shop" / "__init__.py", package / "__init__.py", package / "a.py", package / "rows.csv"):
        path.write_text("# old")
    (tmp_path / "other").mkdir()
    changes = [
        NewText(package / "a.py", "shop.deep.a", b"# new"),
        NewText(tmp_path / "shop" / "__init__.py", "shop", b"# newer"),
    ]
    with staged(changes) as pairs:
        assert [(pair.v1, pair.modules) for pair in pairs] == [(tmp_path, ("shop.deep.a", "shop"))]
        copy = pairs[0].v2
        assert (copy / "shop" / "deep" / "a.py").read_text() == "# new"
        assert (copy / "shop" / "__init__.py").read_text() == "# newer"
        assert (copy / "shop" / "deep" / "rows.csv").resolve() == package / "rows.csv"
        assert (copy / "other").is_symlink()
    assert not copy.exists()
    assert (package / "a.py").read_text() == "# old"


def test_modules_that_clash() -> None:
    """Scripts that cannot be imported together are run apart: two launch plans of one name are an error in Flyte 1."""
    verdicts = run("clash_one", "clash_two")
    assert {name: one.outcome for name, one in verdicts.items()} == {
        "clash_one.plus_one": Outcome.SAME,
        "clash_one.nightly": Outcome.SAME,
        "clash_two.plus_two": Outcome.SAME,
        "clash_two.nightly": Outcome.DIFFERENT,
    }
    # a launch plan with values of its own is run too: its trigger, or the task that stands for it
    assert verdicts["clash_one.nightly"].kind == "launch plan"
    assert verdicts["clash_one.nightly"].sources == {"n": "launch plan"}
    assert verdicts["clash_two.nightly"].reason == "o0: 5 became 6"


def test_scripts_and_the_documented_call(tmp_path: Path) -> None:
    """The documentation's block verifies scripts that import each other by their bare names."""
    for side, version in (("before", "v1"), ("after", "v2")):
        folder = tmp_path / side / "jobs"
        folder.mkdir(parents=True)
        (folder / "basis.py").write_text((PAIRS / version / "clash_one.py").read_text())
        (folder / "pipeline.py").write_text((PAIRS / version / "uses_basis.py").read_text())
    page = (PAIRS.parents[2] / "docs" / "verify.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0].replace('("pipeline",)', '("jobs.pipeline",)')
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["SAME", "jobs.pipeline.twice"], done.stderr


def test_the_path_of_a_branch_holds_what_its_arms_need() -> None:
    """Two tasks before a conditional whose arms take the second's output: three in a row, as `flyte-bridge graph` says."""
    from flytekit import conditional, task, workflow

    from flyte_bridge.verify.entities_v1 import critical_path

    @task
    def f(x: int) -> int:
        return x + 1

    @workflow
    def chosen(x: int = 1, flag: bool = True) -> int:
        z = f(x=f(x=x))
        return conditional("c").if_(flag.is_true()).then(f(x=z)).else_().then(f(x=z))

    assert critical_path(chosen) == (3, 4)


def test_critical_paths(outcomes: dict[str, Verdict]) -> None:
    """Both sides' critical paths are told: Flyte 1's from its own compilation, Flyte 2's from the source."""
    assert outcomes["outcomes.same"].critical_path == (1, 1, 2)
    assert outcomes["outcomes.slower"].critical_path == (2, 3, 4)
    assert outcomes["outcomes.slower"].outcome is Outcome.SAME
    assert outcomes["outcomes.slower"].notes == ("FB507",)
    assert outcomes["outcomes.gate"].critical_path is None
