"""The critical path of a driver's source, against asyncio itself on a clock that only sleeping moves."""

import asyncio
import selectors
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flyte_bridge.verify.paths import Paths, Unknown

DRIVERS = {
    "chain": (3, "return await c.aio(x=await b.aio(x=await a.aio(x=x)))"),
    "one_by_one": (3, "await a.aio(x=x)\nawait b.aio(x=x)\nreturn await c.aio(x=x)"),
    "gathered": (1, "p, q = await asyncio.gather(a.aio(x=x), b.aio(x=x))\nreturn p"),
    "diamond": (
        3,
        "p = await a.aio(x=x)\nq, r = await asyncio.gather(b.aio(x=p), c.aio(x=p))\nreturn await a.aio(x=q)",
    ),
    "levels": (
        4,
        "p, q = await asyncio.gather(a.aio(x=x), b.aio(x=x))\n"
        "r, s = await asyncio.gather(c.aio(x=p), a.aio(x=await b.aio(x=q)))\n"
        "return await c.aio(x=r)",
    ),
    "coroutines": (
        3,
        """
        async def left():
            return await b.aio(x=await a.aio(x=x))

        async def right():
            p = await a.aio(x=x)
            q = await b.aio(x=p)
            return await c.aio(x=q)

        p, q = await asyncio.gather(left(), right())
        return p
        """,
    ),
    "shared": (
        4,
        """
        a_ = asyncio.create_task(a.aio(x=x))
        b_ = asyncio.create_task(two.aio(x=x))

        async def run_c():
            return await c.aio(x=await a_)

        async def run_d():
            return await b.aio(x=await a_ + await b_)

        r, s = await asyncio.gather(run_c(), run_d())
        return await c.aio(x=r)
        """,
    ),
    "started_early": (
        2,
        "t = asyncio.create_task(a.aio(x=x))\nawait b.aio(x=x)\nreturn await c.aio(x=await t)",
    ),
    "nonlocal_task": (
        2,
        """
        t = None

        async def start():
            nonlocal t
            t = asyncio.create_task(a.aio(x=x))
            return await b.aio(x=x)

        await start()
        return await c.aio(x=await t)
        """,
    ),
    "longer_branch": (
        3,
        "if x > 0:\n    p = await b.aio(x=await a.aio(x=x))\nelse:\n    p = x\nreturn await c.aio(x=p)",
    ),
    "early_return": (2, "if x < 0:\n    return await a.aio(x=x)\nreturn await b.aio(x=await a.aio(x=x))"),
    "fails": (1, "if x < 0:\n    await a.aio(x=await b.aio(x=x))\n    raise ValueError(x)\nreturn await c.aio(x=x)"),
    "choice": (2, "p = await a.aio(x=x) if x else x\nreturn await b.aio(x=p)"),
    "fan_out": (2, "ps = await asyncio.gather(*(a.aio(x=i) for i in range(3)))\nreturn await b.aio(x=sum(ps))"),
    "fan_out_listed": (1, "calls = [a.aio(x=i) for i in range(3)]\nps = await asyncio.gather(*calls)\nreturn ps[0]"),
    "sub_driver": (3, "p, q = await asyncio.gather(chain2(x=x), a.aio(x=x))\nreturn await b.aio(x=p)"),
    "helper": (3, "return await c.aio(x=await plain(x))"),
    "overridden": (1, "return await a.override(retries=2).aio(x=x)"),
    "cleanup": (1, "try:\n    return await a.aio(x=x)\nexcept Exception:\n    await b.aio(x=x)\n    raise"),
    "in_a_group": (1, "with group('g'):\n    p, q = await asyncio.gather(a.aio(x=x), b.aio(x=x))\nreturn p"),
    "gather_by_name": (
        2,
        "both = asyncio.gather(a.aio(x=x), b.aio(x=x))\np = await a.aio(x=x)\nawait both\nreturn await c.aio(x=p)",
    ),
    "nothing": (0, "return x"),
}
"""Name → the steps it takes, by hand, and its body."""

HEAD = """
import asyncio
from contextlib import contextmanager

@contextmanager
def group(name):
    yield

@env.task
def a(x): ...
@env.task
def b(x): ...
@env.task
def c(x): ...

@env.task
async def chain2(x):
    return await b.aio(x=await a.aio(x=x))

@env.task
async def two(x):
    await a.aio(x=x)
    return await b.aio(x=x)

async def plain(x):
    return await b.aio(x=await a.aio(x=x))
"""


class Task:
    """Stands for a task: one that is called by `.aio` sleeps one step, a driver runs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def override(self, **_: Any) -> "Task":
        return self

    async def __call__(self, **inputs: Any) -> Any:
        if asyncio.iscoroutinefunction(self.function):
            return await self.function(**inputs)
        await asyncio.sleep(1)
        return inputs["x"]

    aio = __call__


class Env:
    """Stands for a task environment."""

    task = Task


class Clock(selectors.DefaultSelector):
    """A selector that never waits: the time it is asked to wait for passes at once."""

    now = 0.0

    def select(self, timeout: "float | None" = None) -> list[Any]:
        self.now += timeout or 0.0
        return super().select(0)


def measured(source: str, name: str) -> int:
    """How long asyncio takes for a driver, for the input that takes longest."""
    scope: dict[str, Any] = {"env": Env}
    exec(source, scope)
    longest = 0
    for x in (1, -1):
        clock = Clock()
        loop = asyncio.SelectorEventLoop(clock)
        loop.time = lambda clock=clock: clock.now  # type: ignore[misc]
        try:
            loop.run_until_complete(scope[name](x=x))
        except ValueError:
            continue
        finally:
            loop.close()
        longest = max(longest, round(clock.now))
    return longest


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    bodies = [
        f"@env.task\nasync def {name}(x):\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n"
        for name, (_, body) in DRIVERS.items()
    ]
    (root / "drivers.py").write_text(HEAD + "\n" + "\n".join(bodies))
    return root


@pytest.mark.parametrize("name", DRIVERS)
def test_path(tree: Path, name: str) -> None:
    """The length that is read is the length that asyncio measures, and the one counted by hand."""
    workflows = [f"drivers:{driver}" for driver in [*DRIVERS, "chain2", "two"]]
    read = Paths(tree, workflows).length(f"drivers:{name}")
    assert read == DRIVERS[name][0]
    assert read == measured((tree / "drivers.py").read_text(), name)


def test_drivers_that_were_no_workflows_take_one_step(tree: Path) -> None:
    """A driver made of a dynamic task is one node in Flyte 1's graph, and counts as one."""
    assert Paths(tree, ["drivers:sub_driver"]).length("drivers:sub_driver") == 2


def test_modules(tmp_path: Path) -> None:
    """Tasks are found through imports, relative ones and aliases too; what is not the tree's takes nothing."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("from .tasks import load as load")
    (tmp_path / "shop" / "tasks.py").write_text(
        "@env.task\ndef load(x): ...\n@env.task\nasync def wf(x): return await load.aio(x=x)"
    )
    (tmp_path / "shop" / "main.py").write_text(
        "import asyncio\nimport shop.tasks\nimport shop\nfrom . import tasks as t\nfrom .tasks import load as fetch, wf\n"
        "from elsewhere import other\n\n"
        "@env.task\nasync def go(x):\n"
        "    await fetch.aio(x=x)\n    await t.load.aio(x=x)\n    await shop.tasks.load.aio(x=x)\n"
        "    await shop.load.aio(x=x)\n    await other(x)\n    await asyncio.sleep(1)\n    return await wf(x=x)\n"
    )
    assert Paths(tmp_path, ["shop.main:go", "shop.tasks:wf"]).length("shop.main:go") == 5


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        ("rs = [r async for r in flyte.map.aio(a, xs)]\n    return await b.aio(x=rs)", 2),
        ("rs = list(flyte.map(functools.partial(a, y=1), xs))\n    return await b.aio(x=rs)", 2),
        ("rs = [r async for r in flyte.map.aio(wf, xs)]", 2),
        ("ok = await (await flyte.new_condition.aio('ok')).wait.aio()\n    return await a.aio(x=ok)", 2),
    ],
)
def test_flyte_forms(tmp_path: Path, source: str, steps: int) -> None:
    """A map takes what one element takes, a condition one step."""
    (tmp_path / "m.py").write_text(
        "import flyte, functools\n@env.task\ndef a(x): ...\n@env.task\ndef b(x): ...\n"
        "@env.task\nasync def wf(x):\n    return await b.aio(x=await a.aio(x=x))\n"
        f"@env.task\nasync def go(xs):\n    {source}\n"
    )
    assert Paths(tmp_path, ["m:go", "m:wf"]).length("m:go") == steps


def test_plain_drivers(tmp_path: Path) -> None:
    """In a driver that is not async each call is there and then."""
    (tmp_path / "m.py").write_text(
        "@env.task\ndef a(x): ...\n@env.task\ndef go(x):\n    p = a(x=x)\n    q = a(x=x)\n    return a(x=p + q)\n"
    )
    assert Paths(tmp_path, ["m:go"]).length("m:go") == 3


@pytest.mark.parametrize(
    "source",
    [
        "@env.task\nasync def go(x): return await go(x=x)\n",
        "go = 3",
        "def broken(:",
        "async def f(x): return await f(x)\n@env.task\nasync def go(x): return await f(x)",
    ],
)
def test_what_cannot_be_read(tmp_path: Path, source: str) -> None:
    """Nothing is said about a driver that calls itself, is not there or does not parse."""
    (tmp_path / "m.py").write_text(source)
    with pytest.raises(Unknown):
        Paths(tmp_path, ["m:go"]).length("m:go")


def test_scripts_beside_each_other(tmp_path: Path) -> None:
    """A script that is imported by its bare name is the module of its folder, and its workflows take their own steps."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "basis.py").write_text(
        "@env.task\ndef a(x): ...\n@env.task\nasync def wf(x): return await a.aio(x=await a.aio(x=x))\n"
    )
    (tmp_path / "jobs" / "main.py").write_text(
        "from basis import wf\n@env.task\nasync def go(x): return await wf(x=x)\n"
    )
    assert Paths(tmp_path, ["jobs.main:go", "jobs.basis:wf"]).length("jobs.main:go") == 2
