"""What a conditional gives when its arms give different numbers of outputs: what all of them have, as in Flyte 1.

flytekit's `ConditionalSection.compute_output_vars` keeps the outputs whose names every arm has; one that is left is no tuple.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import libcst as cst

from flyte_bridge_translators.source.driver.conditional import Case, Conditional
from flyte_bridge_translators.source.driver.recognize import recognize
from flyte_bridge_translators.source.driver.scene import Scene
from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.entities import Outputs
from flyte_bridge_translators.source.engine.syntax import parsed


def common_outputs(scene: Scene, expression: cst.BaseExpression, conditional: Conditional) -> Sequence[Case]:
    """The arms of a conditional, each with the outputs that all of them have."""
    if isinstance(expression, cst.IfExp):  # Python's own choice gives what its arm gives
        return conditional.cases
    arms = {case: _outputs(scene, case.then) for case in conditional.cases if case.then is not None}
    names = {outputs.names for outputs in arms.values() if outputs is not None}
    if len(names) < 2 or None in arms.values():
        return conditional.cases
    if names >= {("o0",)} and all(each[0] == "o0" for each in names):
        return [_first(case) if len(getattr(arms.get(case), "names", ())) > 1 else case for case in conditional.cases]
    message = (
        f"the arms of `{layout.brief(expression)}` give different outputs; Flyte 1 keeps those that all of them have"
    )
    scene.plan.report("FB242", expression, message)
    return conditional.cases


def _outputs(scene: Scene, then: cst.BaseExpression) -> Outputs | None:
    """What an arm gives; None when that is not known, or is nothing."""
    call = recognize(scene, then)
    outputs = call.callee.outputs if call is not None else None
    return outputs if outputs is not None and outputs.kind in {"single", "tuple", "named"} else None


def _first(case: Case) -> Case:
    subscript = cst.ensure_type(parsed("call[0]"), cst.Subscript)
    assert case.then is not None
    return replace(case, then=subscript.with_changes(value=case.then))
