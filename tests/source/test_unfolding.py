"""Forms that only build something are written out in Flyte 1's plain words, or left where they cannot be read."""

from flyte_bridge.convert.converter import convert_source
from flyte_bridge_translators.source.engine.translator import Converted

HEAD = """\
import os

from flytekit import CronSchedule, LaunchPlan, Workflow, task, workflow


@task
def work(region: str) -> str:
    return region


@workflow
def wf(region: str = "eu") -> str:
    return work(region=region)


"""


def converted(text: str) -> Converted:
    outcome = convert_source(HEAD + text, name="m")
    assert isinstance(outcome, Converted)
    return outcome


def test_a_finding_stands_at_the_statement_that_was_written_out() -> None:
    """What is told of an unrolled launch plan is told where the user made it."""
    text = 'for r in ("eu", "us"):\n    LaunchPlan.get_or_create(wf, f"p_{r}", max_parallelism=3)\n\n\nx = 1\n'
    line = HEAD.count("\n") + 1
    assert {each.where.line for each in converted(text).findings} <= {
        line,
        HEAD[: HEAD.index("def wf")].count("\n") + 1,
    }


def test_a_loop_over_what_is_not_constant_is_left_and_said() -> None:
    """Values that come from outside are nobody's to guess: FB343, and the statement is set aside."""
    outcome = converted('for r in os.environ["REGIONS"].split(","):\n    LaunchPlan.get_or_create(wf, f"p_{r}")\n')
    assert "FB343" in {each.code for each in outcome.findings}
    assert "for r in os.environ" in outcome.text


def test_a_condition_in_the_loop_is_left_and_said() -> None:
    """A loop whose body is more than launch plans and constants is not unrolled."""
    outcome = converted(
        'for r in ("eu", "us"):\n    if os.getenv(r):\n        LaunchPlan.get_or_create(wf, f"p_{r}")\n'
    )
    assert "FB343" in {each.code for each in outcome.findings}


def test_an_imperative_workflow_with_computed_inputs_is_left_and_said() -> None:
    """An input whose name is not literal makes no parameter."""
    outcome = converted(
        'iw = Workflow(name="iw")\ni = iw.add_workflow_input(os.environ["N"], str)\nn = iw.add_entity(work, region=i)\n'
    )
    assert "FB103" in {each.code for each in outcome.findings}
    assert "def iw" not in outcome.text
