"""Which verdict a conversion gets where something fails, is left to do, or takes too long: real conversions, real runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flyte_bridge.convert.project import convert_files, find
from flyte_bridge.verify.by_hand import LeftByHand
from flyte_bridge.verify.clock import Clock
from flyte_bridge.verify.verify import NewText, Outcome, Verdict, staged, verify

UNWRAPPED = """
from typing import Optional
from flytekit import conditional, task, workflow

@task
def a() -> int:
    return 1

@task
def b(x: Optional[int]) -> int:
    return x or 0

@workflow
def wf(x: Optional[int] = None) -> int:
    return conditional("c").if_(x.is_none()).then(a()).else_().then(b(x=x))
"""

EXCEPTIONS = """
from flytekit import task, workflow
from flytekit.exceptions.user import FlyteAssertion, FlyteRecoverableException, FlyteUserException

class Again(FlyteRecoverableException):
    pass

@task
def f(kind: str) -> int:
    if kind == "recoverable":
        raise FlyteRecoverableException("again")
    if kind == "own":
        raise Again("and again")
    if kind == "user":
        raise FlyteUserException("no")
    assert kind != "plain", "never"
    if kind == "assertion":
        raise FlyteAssertion("not so")
    return 1

@workflow
def recoverable(kind: str = "recoverable") -> int:
    return f(kind=kind)

@workflow
def own(kind: str = "own") -> int:
    return f(kind=kind)

@workflow
def user(kind: str = "user") -> int:
    return f(kind=kind)

@workflow
def plain(kind: str = "plain") -> int:
    return f(kind=kind)

@workflow
def nested(kind: str = "assertion") -> int:
    return user(kind=kind)
"""

LEFTOVER = """
from flytekit import task, workflow
from flytekit.core.interface import Interface
from flytekit.core.python_function_task import PythonInstanceTask
from flytekit.remote import FlyteRemote

class Says(PythonInstanceTask):
    def execute(self, **kwargs):
        return None

says = Says(name="says", task_config=None, interface=Interface(inputs={"a": int}))

@task
def up(x: int) -> int:
    return x + 10

@task
def asks(x: int) -> int:
    return len(FlyteRemote.for_endpoint("localhost").recent_executions())

@workflow
def uses(x: int = 1) -> int:
    says(a=x)
    return up(x=x)

@workflow
def through(x: int = 1) -> int:
    return uses(x=x)

@workflow
def free(x: int = 1) -> int:
    return up(x=x)
"""


HALF = """
from flytekit import task, workflow

@task
def half(n: int) -> int:
    if n > 200:
        raise ValueError("too much")
    return n // 2

@workflow
def wf(n: int = 4) -> int:
    return half(n=n)
"""


def proof(folder: Path, text: str, **options: object) -> dict[str, Verdict]:
    (folder / "flow.py").write_text(text)
    result = convert_files(find([folder]))
    changes = [NewText(each.file.path, each.file.name, each.data) for each in result.files if each.data is not None]
    with staged(changes) as pairs:
        return {one.workflow.removeprefix("flow."): one for one in verify(pairs, **options)}  # type: ignore[arg-type]


def test_an_exception_in_a_workflows_body_is_flyte_1s_failure(tmp_path: Path) -> None:
    """Local execution runs a workflow's body on plain values: what fails there says nothing of the conversion."""
    verdict = proof(tmp_path, UNWRAPPED)["wf"]
    assert (verdict.outcome, verdict.code) == (Outcome.V1_FAILED, "FB502")
    assert "raised in a workflow's body" in verdict.reason
    assert "is_none" in verdict.reason


def test_renamed_exceptions_are_the_same(tmp_path: Path) -> None:
    """What the converter writes for an exception of Flyte 1 is that exception, with the message it was made with."""
    verdicts = proof(tmp_path, EXCEPTIONS)
    assert {name: one.outcome for name, one in verdicts.items()} == dict.fromkeys(verdicts, Outcome.SAME), verdicts
    assert len(verdicts) == 5
    assert (
        verdicts["recoverable"].reason
        == "both raise FlyteRecoverableException: again, which is RuntimeError in Flyte 2"
    )
    assert verdicts["own"].reason == "both raise Again: and again"


def test_another_message_is_another_exception(tmp_path: Path) -> None:
    """A renamed exception with another message is a difference."""
    (tmp_path / "flow.py").write_text(EXCEPTIONS)
    (each,) = convert_files(find([tmp_path])).files
    assert each.data is not None
    assert b'"again"' in each.data
    with staged([NewText(each.file.path, "flow", each.data.replace(b'"again"', b'"once"'))]) as pairs:
        verdicts = {one.workflow: one.outcome for one in verify(pairs)}
    assert verdicts["flow.recoverable"] is Outcome.DIFFERENT
    assert verdicts["flow.own"] is Outcome.SAME


def test_a_leftover_touches_those_that_use_it(tmp_path: Path) -> None:
    """What was left to do by hand is charged to the workflows that reach it; the others of the module are proved."""
    verdicts = proof(tmp_path, LEFTOVER)
    assert {name: one.outcome for name, one in verdicts.items()} == {
        "uses": Outcome.BY_HAND,
        "through": Outcome.BY_HAND,
        "free": Outcome.SAME,
    }, verdicts
    assert verdicts["through"].code == "FB508"
    assert "FB103 in flow, line" in verdicts["through"].reason


def test_what_is_left_is_followed_through_modules(tmp_path: Path) -> None:
    """A TODO is reached through imports of all spellings, and no further than names lead."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "a.py").write_text(
        "# TODO(flyte-bridge FB471): a shell task\nshell = None\n\n\ndef clean():\n    return 1\n"
    )
    (tmp_path / "shop" / "b.py").write_text(
        "from . import a\nfrom .a import clean, shell as sh\nimport shop.a as aa\n\n\n"
        "def one():\n    return sh()\n\n\ndef two():\n    return a.shell()\n\n\ndef three():\n    return aa.shell()\n\n\n"
        "def four():\n    return clean() + a.clean()\n"
    )
    left = LeftByHand(tmp_path)
    reached = {
        name: [place.code for place in left.reached_by(f"shop.b:{name}")] for name in ("one", "two", "three", "four")
    }
    assert reached == {"one": ["FB471"], "two": ["FB471"], "three": ["FB471"], "four": []}


def test_rows_of_inputs(tmp_path: Path) -> None:
    """A workflow runs on each row that is given; drawn rows find what the example hides; the gravest row decides."""
    (tmp_path / "flow.py").write_text(HALF)
    (each,) = convert_files(find([tmp_path])).files
    assert each.data is not None
    wrong = each.data.replace(b"n // 2", b"int(n / 2)")
    with staged([NewText(each.file.path, "flow", wrong)]) as pairs:
        (given,) = verify(pairs, inputs={"wf": [{"n": 4}, {"n": 6}, {"n": 300}]})
        (drawn,) = verify(pairs, samples=12)
    assert (given.outcome, given.reason) == (Outcome.SAME, "3 of 3 rows of inputs are the same")
    assert [row.inputs for row in given.rows] == [{"n": 4}, {"n": 6}, {"n": 300}]
    assert given.rows[2].reason == "both raise ValueError: too much"
    assert len({row.results for row in given.rows}) == 3
    assert drawn.outcome is Outcome.DIFFERENT
    assert drawn.inputs == {"n": -1}
    assert len(drawn.rows) == 13
    assert {row.outcome for row in drawn.rows if row.inputs.get("n") != -1} == {Outcome.SAME}


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="only Linux tells how long a thread has waited")
def test_waiting_for_a_processor_is_not_charged() -> None:
    """Of processes that share one processor none is charged for the others' turns; one that sleeps is charged."""
    processor = str(min(os.sched_getaffinity(0)))
    code = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nprint(flush=True)\nwhile True: pass"
    rivals = [
        subprocess.Popen([sys.executable, "-c", code, processor], stdout=subprocess.PIPE, start_new_session=True)
        for _ in range(4)
    ]
    try:
        for rival in rivals:
            assert rival.stdout is not None
            rival.stdout.readline()
        clock = Clock(rivals[0].pid)
        clock.seconds()
        turns = subprocess.run([sys.executable, "-c", "import time; time.sleep(2)"], check=True)
        assert turns.returncode == 0
        assert clock.seconds() < 1.6
    finally:
        for rival in rivals:
            rival.kill()
            rival.wait()
            assert rival.stdout is not None
            rival.stdout.close()
