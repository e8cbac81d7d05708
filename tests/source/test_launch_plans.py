"""Launch plans over files, and what schedules mean."""

from datetime import datetime, timezone

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from croniter import croniter
from flytekit.core.schedule import CronSchedule

from flyte_bridge_translators.cron import ALIASES, five_fields
from source.project import convert_project

FLOW = """\
from typing import Dict, List, NamedTuple

import pandas as pd
from flytekit import task, workflow
from flytekit.types.file import FlyteFile

Out = NamedTuple("Out", table=pd.DataFrame, count=int)
DEFAULT = 3


@task
def work(n: int, f: FlyteFile) -> Out:
    return Out(pd.DataFrame(), n)


@workflow
def wf(f: FlyteFile, n: int = DEFAULT, tags: Dict[str, str] = {}) -> Out:
    return work(n=n, f=f)
"""

PLANS = """\
from flytekit import CronSchedule, LaunchPlan
from flow import wf

CRON = "@daily"

nightly = LaunchPlan.get_or_create(
    wf, "nightly", schedule=CronSchedule(schedule=CRON), fixed_inputs={"f": "s3://bucket/a.csv"}, default_inputs={"n": 5}
)
plain = LaunchPlan.get_or_create(wf)
"""


def test_a_launch_plan_of_another_file_is_a_task_here() -> None:
    """It calls the workflow with what was fixed, keeps the rest as parameters, and imports the types it names."""
    texts, findings = convert_project({"flow": FLOW, "plans": PLANS})
    text = texts["plans"]
    assert 'triggers=flyte.Trigger("nightly", flyte.Cron("0 0 * * *"), auto_activate=False)' in text
    assert "async def nightly(n: int = 5, tags: Dict[str, str] = {}) -> Out:" in text
    assert 'wf(f=File.from_existing_remote("s3://bucket/a.csv"), n=n, tags=tags)' in " ".join(text.split())
    assert "from typing import Dict" in text
    assert "from flow import Out, driver as flow_driver, wf" in text
    assert "from flyte.io import File" in text
    assert "plain = wf" in text
    assert "depends_on=[flow_driver]" in text
    assert {finding.code for finding in findings["plans"]} == {"FB341", "FB349"}


def test_a_launch_plan_of_an_unknown_workflow_is_left_to_do() -> None:
    """A workflow that is not converted together cannot be called with its types."""
    texts, findings = convert_project({"plans": PLANS})
    assert "FB343" in {finding.code for finding in findings["plans"]}
    assert "# TODO(flyte-bridge FB343)" in texts["plans"]


def test_every_alias_of_flyte_1_is_known() -> None:
    """The table of names is flytekit's own, and each means what croniter says."""
    assert set(ALIASES) == set(CronSchedule._VALID_CRON_ALIASES)
    start = datetime(2024, 2, 28, 12, 34, tzinfo=timezone.utc)
    for alias in ("@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually"):
        ours, theirs = croniter(ALIASES[alias], start), croniter(alias, start)
        assert [ours.get_next() for _ in range(5)] == [theirs.get_next() for _ in range(5)]


@pytest.mark.parametrize(
    ("aws", "standard"),
    [
        ("0 10 * * ? *", "0 10 * * *"),
        ("15 12 * * ? *", "15 12 * * *"),
        ("0 18 ? * MON-FRI *", "0 18 * * MON-FRI"),
        ("0 18 ? * 2-6 *", "0 18 * * 1-5"),
        ("0 0 ? * 1,7 *", "0 0 * * 0,6"),
        ("0/10 * ? * MON *", "0/10 * * * MON"),
        ("0 8 1 * ? *", "0 8 1 * *"),
        ("0 8 L * ? *", None),
        ("0 8 15W * ? *", None),
        ("0 8 ? * 2#1 *", None),
        ("0 8 ? * 6L *", None),
        ("0 8 1 1 ? 2030", None),
        ("0 8 1 1 ?", None),
    ],
)
def test_aws_expressions(aws: str, standard: str | None) -> None:
    """Six AWS fields become five standard ones, weekdays counted from 0; what five fields cannot say is refused."""
    assert five_fields(aws) == standard
    if standard is not None:
        assert croniter.is_valid(standard)


def test_a_workflow_without_outputs_is_not_returned() -> None:
    """The task of a launch plan returns what its workflow does: nothing."""
    flow = "from flytekit import workflow\n\n\n@workflow\ndef wf(n: int):\n    pass\n"
    plans = 'from flytekit import LaunchPlan\nfrom flow import wf\n\nlp = LaunchPlan.get_or_create(wf, "lp")\n'
    texts, _ = convert_project({"flow": flow, "plans": plans})
    assert "async def lp(n: int):\n    await wf(n=n)\n" in texts["plans"]
