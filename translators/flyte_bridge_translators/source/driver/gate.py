"""Gates: `approve`, `wait_for_input` and `sleep` become conditions and a durable sleep."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.driver.scene import AwaitedCall, Scene
from flyte_bridge_translators.source.driver.steps import NOTHING, UNKNOWN
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.entities import Outputs
from flyte_bridge_translators.source.engine.syntax import assign, chain, keyword, parsed
from flyte_bridge_translators.source.engine.tree import code

WAITABLE = frozenset({"bool", "int", "float", "str"})
"""The types a condition of Flyte 2 can carry (`flyte._condition`, 2.12.1)."""


@dataclass
class Sleep:
    """`sleep(duration)`."""

    duration: cst.BaseExpression
    name: str = "sleep"
    outputs: Outputs = NOTHING
    simple: bool = True
    awaits: bool = True
    prepares: bool = False

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """Nothing."""
        return []

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """`flyte.durable.sleep.aio(seconds)`."""
        duration = rewrite(self.duration)
        seconds: cst.BaseExpression = cst.Call(cst.Attribute(duration, cst.Name("total_seconds")))
        if isinstance(duration, cst.Call) and len(duration.args) == 1 and duration.args[0].keyword is not None:
            only = duration.args[0]
            if only.keyword is not None and only.keyword.value == "seconds":
                seconds = only.value
        return cst.Call(chain("flyte.durable.sleep.aio"), [cst.Arg(seconds)])


@dataclass
class Wait:
    """`approve(value, name, timeout)` or `wait_for_input(name, timeout, expected_type)`."""

    arguments: dict[str, cst.BaseExpression]
    variable: str
    name: str
    kind: cst.BaseExpression
    value: cst.BaseExpression | None = None
    outputs: Outputs = UNKNOWN
    simple: bool = field(default=False, init=False)
    prepares: bool = field(default=True, init=False)

    @property
    def awaits(self) -> bool:
        return self.value is None

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """The condition; for an approval also what happens when it is refused."""
        given = [cst.Arg(rewrite(self.arguments["name"]))]
        if self.value is not None:
            given.append(keyword("prompt", cst.SimpleString('"Approve?"')))
        given.append(keyword("data_type", self.kind))
        if "timeout" in self.arguments:
            given.append(keyword("timeout", rewrite(self.arguments["timeout"])))
        made = cst.Await(cst.Call(chain("flyte.new_condition.aio"), given))
        lines: list[cst.BaseStatement] = [assign(cst.Name(self.variable), made)]
        if self.value is not None:
            message = f"{code(self.arguments['name'])} was not approved"
            text = f"if not await {self.variable}.wait.aio():\n    raise RuntimeError({message!r})\n"
            lines.append(cst.parse_statement(text))
        return lines

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """For an input: the wait. For an approval: the approved value, as it is."""
        if self.value is not None:
            return rewrite(self.value)
        return parsed(f"{self.variable}.wait.aio()")


def recognize(scene: Scene, call: cst.Call, overrides: tuple[cst.Call, ...]) -> AwaitedCall | None:
    """A gate, or None."""
    which = scene.qualified(call.func)
    del overrides  # a gate has no settings to override but its name
    names = {
        "flytekit.approve": ("upstream_item", "name", "timeout"),
        "flytekit.wait_for_input": ("name", "timeout", "expected_type"),
        "flytekit.sleep": ("duration",),
    }.get(which or "")
    if names is None:
        return None
    given = {
        argument.keyword.value if argument.keyword is not None else names[place]: argument.value
        for place, argument in enumerate(call.args)
        if argument.keyword is not None or place < len(names)
    }
    if any(name not in given for name in names if name != "timeout"):
        return None
    inner = tuple((value, "") for value in given.values())
    scene.plan.want("import flyte")
    if which == "flytekit.sleep":
        scene.plan.want("import flyte.durable")
        return AwaitedCall(Sleep(given["duration"]), inner)
    if which == "flytekit.approve":
        scene.plan.report("FB231", call, "the approval is a condition now: signal it with `flyte signal condition`")
        variable = scene.fresh("approval")
        return AwaitedCall(Wait(given, variable, "approve", cst.Name("bool"), given["upstream_item"]), inner)
    kind = given["expected_type"]
    if code(kind) not in WAITABLE:
        scene.plan.report("FB232", kind, f"a condition carries bool, int, float or str, not `{code(kind)}`")
    scene.plan.report("FB231", call, "the input is a condition now: signal it with `flyte signal condition`")
    variable = scene.fresh("answer", "condition")
    return AwaitedCall(
        Wait(given, variable, "wait_for_input", kind, None, Outputs("single", ("o0",), (code(kind),))), inner
    )
