"""Random drivers, converted and run on a clock that only jumps: same values as Flyte 1, and not a moment longer.

Flyte 1's side is what its compiler does: the driver's body runs once with promises, and each node starts when its own
inputs are there. The Flyte 2 side is the converted text itself, executed with tasks that sleep on a virtual clock; neither
SDK is needed for either, so that hundreds of programs fit into seconds.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import libcst as cst
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flyte_bridge_translators.source import context
from flyte_bridge_translators.source.driver import workflow
from flyte_bridge_translators.source.engine import entities
from flyte_bridge_translators.source.engine.edits import apply
from flyte_bridge_translators.source.engine.module import Module

HEADER = """\
from functools import partial
from flytekit import conditional, dynamic, map_task, task, workflow

@task
def one(x: int) -> int: ...

@task
def two(x: int, y: int) -> int: ...

@task
def three(x: int, y: int, z: int) -> int: ...

"""


class _Jumping(selectors.SelectSelector):
    """A selector that never waits: it moves the clock instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout:
            self.now += timeout
        return super().select(0)


def virtual(main: Callable[[], Any]) -> tuple[Any, float]:
    """Runs a coroutine function; its result, and the virtual time it took."""
    selector = _Jumping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    try:
        result = loop.run_until_complete(main())
        return result, selector.now
    finally:
        loop.close()


def duration(name: str, values: tuple[Any, ...]) -> float:
    """How long a call takes: different for each call, the same on both sides."""
    return 1.0 + (hash((name, values)) % 7)


def value(name: str, values: tuple[Any, ...]) -> int:
    return hash((name, values)) % 1000


class Task:
    """A task on either side: called, it is Flyte 1's node; through `.aio`, Flyte 2's action."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, **inputs: Any) -> Promise:
        found = [one if isinstance(one, Promise) else Promise(one, 0.0) for one in inputs.values()]
        values = tuple(one.value for one in found)
        decided = [ready for ready, _ in Conditional.around]
        start = max([*decided, *(one.ready for one in found)], default=0.0)
        made = Promise(value(self.name, values), start + duration(self.name, values))
        if all(chosen for _, chosen in Conditional.around):
            Promise.last = max(Promise.last, made.ready)
        return made

    async def aio(self, **inputs: Any) -> int:
        values = tuple(inputs.values())
        await asyncio.sleep(duration(self.name, values))
        return value(self.name, values)


@dataclass
class Promise:
    """A value and the time at which it is there."""

    value: Any
    ready: float
    last = 0.0

    def __rshift__(self, other: Promise) -> Promise:
        return other

    def __gt__(self, other: Any) -> Promise:
        """A comparison for a conditional: decided when both sides are there."""
        return Promise(self.value > plain(other), max(self.ready, getattr(other, "ready", 0.0)))


@dataclass
class Conditional:
    """Flyte 1's `conditional`: the nodes of an arm start when it is chosen, those of the others never."""

    name: str
    chosen: Any = None
    decided: bool = False
    last: bool = False
    ready: float = 0.0
    around: ClassVar[list[tuple[float, bool]]] = []

    def if_(self, condition: Any) -> Conditional:
        found = condition if isinstance(condition, Promise) else Promise(condition, 0.0)
        self.ready = max(self.ready, found.ready)
        self.around.append((self.ready, not self.decided and found.value))
        return self

    elif_ = if_

    def else_(self) -> Conditional:
        self.around.append((self.ready, not self.decided))
        self.last = True
        return self

    def then(self, result: Any) -> Any:
        _, mine = self.around.pop()
        if mine:
            self.decided, self.chosen = True, result
        return self.chosen if self.last else self


def plain(result: Any) -> Any:
    if isinstance(result, Promise):
        return result.value
    if isinstance(result, dict):
        return {key: plain(one) for key, one in result.items()}
    return [plain(one) for one in result] if isinstance(result, (list, tuple)) else result


def convert(text: str) -> tuple[str, set[str]]:
    """The converted text, and the codes reported."""
    module = Module(cst.parse_module(text), name="m")
    plan = workflow.translate(module, context({"m": entities.read(module)}))
    return apply(module, plan).code, {report.code for report in plan.reports}


def body_of(text: str, name: str) -> str:
    """The driver alone, without its decorator."""
    tree = cst.parse_module(text)
    found = next(one for one in tree.body if isinstance(one, cst.FunctionDef) and one.name.value == name)
    return cst.Module(body=[found.with_changes(decorators=[])]).code


@dataclass(frozen=True)
class Run:
    """Both sides of one driver: values, times, the converted text and what was reported."""

    expected: Any
    wanted: float
    result: Any
    took: float
    text: str
    codes: set[str]


def run_both(text: str) -> Run:
    """Runs a driver as Flyte 1 would, and its conversion."""
    tasks = {name: Task(name) for name in ("one", "two", "three")}
    whole, codes = convert(text)
    converted = body_of(whole, "driver")
    before: dict[str, Any] = {**tasks, "conditional": Conditional}
    Conditional.around.clear()
    exec(compile(body_of(text, "driver"), "v1", "exec"), before)
    Promise.last = 0.0
    expected = plain(before["driver"](a=1, b=2, n=3))
    after: dict[str, Any] = {**tasks, "asyncio": asyncio}
    exec(compile(converted, "v2", "exec"), after)
    result, took = virtual(lambda: after["driver"](a=1, b=2, n=3))
    return Run(expected, Promise.last, plain(result), took, converted, codes)


@dataclass
class Writer:
    """Writes the statements of a random driver."""

    draw: st.DrawFn
    names: list[str]
    lines: list[str] = field(default_factory=list)
    fresh: int = 0

    def name(self) -> str:
        self.fresh += 1
        return f"v{self.fresh}"

    def operand(self, depth: int = 0) -> str:
        choice = self.draw(st.integers(0, 9))
        if choice == 0 and depth < 2:
            return self.call(depth + 1)
        if choice == 1:
            return str(self.draw(st.integers(0, 9)))
        return self.draw(st.sampled_from(self.names))

    def call(self, depth: int = 0) -> str:
        task, parameters = self.draw(st.sampled_from([("one", "x"), ("two", "xy"), ("three", "xyz")]))
        return f"{task}({', '.join(f'{one}={self.operand(depth)}' for one in parameters)})"

    def statement(self, indent: str = "    ") -> None:
        kind = self.draw(st.integers(0, 11))
        if kind == 0 and len(self.names) > 2:
            target = self.draw(st.sampled_from([one for one in self.names if one.startswith("v")] or [self.name()]))
        else:
            target = self.name()
        if kind == 1:
            self.lines.append(f"{indent}{target} = {self.operand(2)}")
        elif kind == 2:
            self.lines.append(f"{indent}{self.call()}")
            return
        elif kind == 3:
            target = self.name()
            # one operand twice: which element is picked does not change what is waited for
            operand = self.draw(st.sampled_from(self.names))
            self.lines.append(f"{indent}{target} = [{operand}, {operand}]")
            other = self.name()
            self.lines.append(f"{indent}{other} = {target}[{self.draw(st.integers(0, 1))}]")
            target = other
        else:
            self.lines.append(f"{indent}{target} = {self.call()}")
        if target not in self.names:
            self.names.append(target)

    def branch(self) -> None:
        """A `conditional` with arms of their own inputs."""
        target = self.name()
        condition = f"{self.draw(st.sampled_from(self.names))} > {self.draw(st.integers(0, 999))}"
        arms = f".if_({condition}).then({self.call(1)}).else_().then({self.call(1)})"
        self.lines.append(f'    {target} = conditional("c"){arms}')
        self.names.append(target)

    def block(self) -> None:
        """What decides on values, not on promises: `if`, a dictionary of calls, an expression with a condition, `while`."""
        kind = self.draw(st.integers(0, 5))
        target, outside = self.name(), list(self.names)
        choice = self.draw(st.sampled_from(["n > 2", "n < 2", "a == 1"]))
        if kind == 0:
            self.lines.append(f"    {target} = {self.call(1)} if {choice} else {self.call(1)}")
        elif kind == 1:
            self.lines.append(f"    if {choice}:")
            self.statement("        ")
            self.lines.append(f"        {target} = {self.call(1)}")
            self.names = list(outside)
            self.lines.append("    else:")
            self.statement("        ")
            self.lines.append(f"        {target} = {self.call(1)}")
        elif kind == 2:
            self.lines.append(f"    if {choice}:")
            self.lines.append(f"        return [{self.call(1)}]")
            return
        elif kind == 3:
            made, item = self.name(), self.name()
            self.names.append(item)
            self.lines.append(f"    {made} = {{{item}: {self.call(1)} for {item} in range(n)}}")
            self.lines.append(f"    {target} = {made}[{self.draw(st.integers(0, 2))}]")
        elif kind == 4:
            counter = self.name()
            self.lines.append(f"    {target} = {self.call(1)}")
            self.lines.append(f"    {counter} = 0")
            self.names.append(target)
            self.lines.append(f"    while {counter} < n:")
            self.lines.append(f"        {counter} += 1")
            self.lines.append(f"        {target} = {self.call(1)}")
        else:
            self.lines.append(f"    {target} = [{self.call(2)}, {self.call(2)}]")
            other = self.name()
            self.lines.append(f"    for {other} in {target}:")
            self.lines.append(f"        {self.call(2)}")
            self.names = outside
            return
        self.names = [*outside, target]

    def loop(self) -> None:
        kind = self.draw(st.integers(0, 3))
        collected, item = self.name(), self.name()
        outside = list(self.names)
        if kind == 0:
            self.names = [*outside, item]
            self.lines.append(f"    {collected} = [{self.call()} for {item} in range(n)]")
        elif kind == 1:
            self.lines.append(f"    {collected} = []")
            self.lines.append(f"    for {item} in range(n):")
            self.names = [*outside, item]
            for _ in range(self.draw(st.integers(0, 2))):
                self.statement("        ")
            self.lines.append(f"        {collected}.append({self.call()})")
        elif kind == 2:
            self.lines.append(f"    {collected} = 0")
            self.lines.append(f"    for {item} in range(n):")
            self.names = [*outside, item]
            self.statement("        ")
            self.lines.append(f"        {collected} = two(x={collected}, y={self.names[-1]})")
            self.names = [*outside, collected]
            return
        else:
            self.lines.append(f"    {collected} = []")
            self.lines.append(f"    for {item} in range(n):")
            self.lines.append(f"        if {item} % 2:")
            self.names = [*outside, item]
            self.lines.append(f"            {collected}.append({self.call(2)})")
            self.lines.append("        else:")
            self.lines.append(f"            {collected}.append({self.call(2)})")
        self.names = outside
        picked = self.name()
        self.lines.append(f"    {picked} = {collected}[{self.draw(st.integers(0, 2))}]")
        self.names.append(picked)


@st.composite
def straight(draw: st.DrawFn) -> str:
    """A workflow without loops."""
    writer = Writer(draw, ["a", "b"])
    for _ in range(draw(st.integers(1, 9))):
        writer.statement()
    results = draw(st.lists(st.sampled_from(writer.names), min_size=1, max_size=3))
    return f"{HEADER}@workflow\ndef driver(a: int, b: int, n: int):\n" + "\n".join(
        [*writer.lines, f"    return [{', '.join(results)}]"]
    )


@st.composite
def looping(draw: st.DrawFn) -> str:
    """A dynamic with loops."""
    writer = Writer(draw, ["a", "b"])
    for _ in range(draw(st.integers(1, 4))):
        writer.loop() if draw(st.booleans()) else writer.statement()
    results = draw(st.lists(st.sampled_from(writer.names), min_size=1, max_size=3))
    return f"{HEADER}@dynamic\ndef driver(a: int, b: int, n: int):\n" + "\n".join(
        [*writer.lines, f"    return [{', '.join(results)}]"]
    )


@st.composite
def mixed(draw: st.DrawFn) -> str:
    """A dynamic with everything."""
    writer = Writer(draw, ["a", "b"])
    for _ in range(draw(st.integers(1, 5))):
        draw(st.sampled_from([writer.loop, writer.statement, writer.branch, writer.block]))()
    results = draw(st.lists(st.sampled_from(writer.names), min_size=1, max_size=3))
    return f"{HEADER}@dynamic\ndef driver(a: int, b: int, n: int):\n" + "\n".join(
        [*writer.lines, f"    return [{', '.join(results)}]"]
    )


RANDOM = settings(max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))


@RANDOM
@given(straight())
def test_workflows_lose_nothing(text: str) -> None:
    """A workflow gives Flyte 1's values and ends exactly when Flyte 1's dataflow does."""
    run = run_both(text)
    assert run.result == run.expected, f"{text}\n{run.text}"
    assert run.took <= run.wanted + 1e-6, f"{text}\n{run.text}"
    assert "FB211" not in run.codes


@RANDOM
@given(st.one_of(looping(), mixed()))
def test_dynamics_are_right(text: str) -> None:
    """A dynamic gives Flyte 1's values, whatever its loops carry; where it takes longer than Flyte 1's dataflow, it says so."""
    run = run_both(text)
    assert run.result == run.expected, f"{text}\n{run.text}"
    assert run.took <= run.wanted + 1e-6 or "FB211" in run.codes, f"{text}\n{run.text}"
