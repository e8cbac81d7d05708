"""Random Flyte 1 programs, the same for the same seed: tasks reached in every way that Python allows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Program:
    """A program of two modules under one seed.

    Attributes:
        main: The name of the module with the workflows; the other is `<main>_steps`.
        files: Module → text.
    """

    main: str
    files: dict[str, str] = field(default_factory=dict)


HEADERS = (
    ("import flytekit as fk\n", "fk."),
    ("import flytekit\n", "flytekit."),
    ("from flytekit import conditional, dynamic, map_task, task, workflow\n", ""),
)

STEPS = """\
from flytekit import task


@task
def inc(x: int) -> int:
    return x + 1


@task
def dbl(x: int) -> int:
    return x * 2


@task
def add(a: int, b: int) -> int:
    return a + b


def chain(x, n):
    for _ in range(n):
        x = inc(x=x)
    return x


def apply(fn, x):
    return fn(x=x)


class Tools:
    first = inc

    def __init__(self, step):
        self.step = step

    def run(self, x):
        return self.step(x=x)


def spread(n):
    for i in range(n):
        yield dbl(x=i)
"""


def program(seed: int) -> Program:
    """The program of a seed."""
    chance = random.Random(seed)
    main = f"p{seed}"
    steps = f"{main}_steps"
    header, fk = chance.choice(HEADERS)
    style = chance.choice(("from", "module", "alias"))
    prefix = {"from": "", "module": f"{steps}.", "alias": "st."}[style]
    imported = {
        "from": f"from {steps} import Tools, add, apply, chain, dbl, inc, spread\n",
        "module": f"import {steps}\n",
        "alias": f"import {steps} as st\n",
    }[style]
    writer = Writer(chance, fk, prefix)
    bodies = [writer.workflow(number) for number in range(3)]
    text = (
        "import functools\n\n"
        + header
        + imported
        + LOCAL.format(fk=fk, p=prefix)
        + "\n\n".join(["", *writer.extra, *bodies])
        + "\n"
    )
    return Program(main, {main: text, steps: STEPS})


LOCAL = """

small = functools.partial({fk}task, retries=1)


@small
def dec(x: int) -> int:
    return x - 1


@{fk}task
def size(xs: list[int]) -> int:
    return sum(xs)


@{fk}task(cache=True, cache_version="1")
def neg(x: int) -> int:
    return -x


plus = {p}inc
TABLE = {{"dec": dec, "neg": neg, "dbl": {p}dbl}}


def both(x, fn=neg):
    return {p}add(a=fn(x=x), b=dec(x=x))


@{fk}dynamic
def fan(n: int) -> list[int]:
    out = []
    for i in range(n):
        out.append({p}inc(x=i))
    return out
"""


class Writer:
    """Writes the workflows of one program.

    Attributes:
        extra: Functions and classes that a workflow needed.
    """

    def __init__(self, chance: random.Random, fk: str, prefix: str) -> None:
        self.chance = chance
        self.fk = fk
        self.p = prefix
        self.extra: list[str] = []
        self.count = 0

    def workflow(self, number: int) -> str:
        """One workflow with a few statements."""
        lines: list[str] = []
        values = ["x", "y"]
        for _ in range(self.chance.randint(1, 4)):
            name = self.fresh(self.chance.choice(("v", "asyncio", "flyte", "result", "call", "item")))
            lines += self.statement(name, values)
            values.append(name)
        returned = self.chance.choice(values[2:])
        body = "".join(f"    {line}\n" for line in lines)
        return f"@{self.fk}workflow\ndef wf{number}(x: int = 2, y: int = 3) -> int:\n{body}    return {returned}\n"

    def fresh(self, stem: str) -> str:
        self.count += 1
        return stem if stem not in {"v", "item"} and self.chance.random() < 0.5 else f"{stem}{self.count}"

    def statement(self, name: str, values: list[str]) -> list[str]:
        kinds: list[Callable[[str, str, str], list[str]]] = [
            self.plain, self.aliased, self.table, self.loop, self.helper, self.applied, self.attribute, self.method,
            self.ternary, self.branch, self.mapped, self.partial, self.dynamic, self.generator, self.lambda_, self.walrus,
            self.namespace, self.nested, self.listed, self.folded, self.skipping, self.unpacked, self.keyword_dict,
        ]  # fmt: skip
        kind = self.chance.choice(kinds)
        return kind(name, self.chance.choice(values), self.chance.choice(values))

    def task(self) -> str:
        return self.chance.choice((f"{self.p}inc", f"{self.p}dbl", "dec", "neg", "plus"))

    def plain(self, name: str, a: str, b: str) -> list[str]:
        return [f"{name} = {self.p}add(a={self.task()}(x={a}), b={b})"]

    def aliased(self, name: str, a: str, b: str) -> list[str]:
        del b
        op = self.fresh("op")
        return [f"{op} = {self.task()}", f"{name} = {op}(x={a})"]

    def table(self, name: str, a: str, b: str) -> list[str]:
        del b
        key = self.chance.choice(("dec", "neg", "dbl"))
        return [f"{name} = " + self.chance.choice((f'TABLE["{key}"](x={a})', f'TABLE.get("{key}")(x={a})'))]

    def loop(self, name: str, a: str, b: str) -> list[str]:
        del b
        steps = ", ".join(self.task() for _ in range(2))
        return [f"{name} = {a}", f"for step in ({steps}):", f"    {name} = step(x={name})"]

    def helper(self, name: str, a: str, b: str) -> list[str]:
        del b
        return [
            f"{name} = "
            + self.chance.choice((f"{self.p}chain({a}, 2)", f"both({a})", f"both(x={a}, fn={self.task()})"))
        ]

    def applied(self, name: str, a: str, b: str) -> list[str]:
        del b
        return [f"{name} = {self.p}apply({self.task()}, {a})"]

    def attribute(self, name: str, a: str, b: str) -> list[str]:
        del b
        return [f"{name} = {self.p}Tools.first(x={a})"]

    def method(self, name: str, a: str, b: str) -> list[str]:
        del b
        return [f"{name} = {self.p}Tools({self.task()}).run({a})"]

    def ternary(self, name: str, a: str, b: str) -> list[str]:
        del b
        flag = self.chance.choice(("True", "False"))
        return [f"{name} = ({self.task()} if {flag} else {self.task()})(x={a})"]

    def branch(self, name: str, a: str, b: str) -> list[str]:
        return [
            f'{name} = {self.fk}conditional("c").if_({a} > 2).then({self.task()}(x={a})).else_().then({self.task()}(x={b}))'
        ]

    def mapped(self, name: str, a: str, b: str) -> list[str]:
        del b
        return [f"{name} = size(xs={self.fk}map_task({self.p}inc)(x=[{a}, 1, 2]))"]

    def partial(self, name: str, a: str, b: str) -> list[str]:
        bound = self.fresh("bound")
        return [f"{bound} = functools.partial({self.p}add, b={b})", f"{name} = {bound}(a={a})"]

    def dynamic(self, name: str, a: str, b: str) -> list[str]:
        del a, b
        return [f"{name} = size(xs=fan(n=3))"]

    def generator(self, name: str, a: str, b: str) -> list[str]:
        del a, b
        return [f"{name} = size(xs=list({self.p}spread(2)))"]

    def lambda_(self, name: str, a: str, b: str) -> list[str]:
        del b
        op = self.fresh("op")
        return [f"{op} = lambda q: {self.task()}(x=q)", f"{name} = {op}({a})"]

    def walrus(self, name: str, a: str, b: str) -> list[str]:
        del b
        inner = self.fresh("w")
        return [f"{name} = size(xs=[({inner} := {self.task()}(x={a})), {self.task()}(x={inner})])"]

    def namespace(self, name: str, a: str, b: str) -> list[str]:
        del b
        return [f'{name} = globals()["neg"](x={a})']

    def nested(self, name: str, a: str, b: str) -> list[str]:
        del b
        inner = self.fresh("inner")
        return [f"def {inner}(q):", f"    return {self.task()}(x=q)", f"{name} = {inner}({a})"]

    def listed(self, name: str, a: str, b: str) -> list[str]:
        del b
        return [f"{name} = size(xs=[{self.task()}(x={a}) for _ in range(2)])"]

    def folded(self, name: str, a: str, b: str) -> list[str]:
        del b
        steps = self.fresh("steps")
        return [
            f"{steps} = []",
            f"{steps}.append({self.task()})",
            f"{steps} += [{self.task()}]",
            f"{name} = {a}",
            f"for place, step in enumerate({steps}):",
            f"    {name} = step(x={name})",
        ]

    def skipping(self, name: str, a: str, b: str) -> list[str]:
        del a, b
        out = self.fresh("out")
        return [
            f"{out} = []",
            "for i in range(3):",
            "    if i == 1:",
            "        continue",
            f"    {out}.append({self.task()}(x={self.task()}(x=i)))",
            f"{name} = size(xs={out})",
        ]

    def unpacked(self, name: str, a: str, b: str) -> list[str]:
        left, right = self.fresh("left"), self.fresh("right")
        return [
            f"{left}, {right} = {self.task()}, {self.task()}",
            f"{name} = {self.p}add(a={left}(x={a}), b={right}(x={b}))",
        ]

    def keyword_dict(self, name: str, a: str, b: str) -> list[str]:
        return [f'{name} = {self.p}add(**{{"a": {a}, "b": {self.task()}(x={b})}})']
