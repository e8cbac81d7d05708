"""A conditional is read once, and reported by who writes it."""

import libcst as cst

from flyte_bridge.convert.converter import convert_source
from flyte_bridge_translators.source import context
from flyte_bridge_translators.source.driver.any_call import AnyCall
from flyte_bridge_translators.source.driver.conditional import parse
from flyte_bridge_translators.source.driver.workflow import scene_of
from flyte_bridge_translators.source.engine import entities
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module

TEXT = """\
from flytekit import conditional, task, workflow

@task
def f(x: int) -> int:
    return x

@workflow
def wf(x: int) -> int:
    return conditional("n").if_(x > 1).then(f(x=x)).perhaps(f(x=1))
"""


def test_asking_reports_nothing() -> None:
    """What is wrong with a conditional is in what is read, which is the same however often it is asked."""
    module = Module(cst.parse_module(TEXT), name="m")
    plan = Plan("workflow")
    scene = scene_of(
        module, context({"m": entities.read(module)}), plan, module.functions[-1], frozenset(), AnyCall.of(module)
    )
    call = next(
        each for each in module.all_calls if isinstance(each.func, cst.Attribute) and each.func.attr.value == "perhaps"
    )
    asked = parse(scene, call)
    assert asked is not None
    assert asked.wrong == "`.perhaps` is not a part of a conditional that is understood"
    assert parse(scene, call) is asked
    assert not plan.reports


def test_written_it_is_reported_once() -> None:
    """The finding stands at the conditional, once."""
    codes = [finding.code for finding in convert_source(TEXT, name="m").findings]
    assert codes.count("FB242") == 1
