"""The walk of a start: which modules a request passes on its way to `CreateRun`, as the documentation draws it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl2.workflow import run_service_pb2

from admin.control import DOMAIN, PROJECT, VERSION, Control
from flyte_bridge import config
from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.methods import METHODS
from flyte_bridge.admin.service import Facade
from flyte_bridge.backend.connect import connect
from flyte_bridge.launch.request import Launch

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture.md"
BEGIN, END = "<!-- walk -->\n", "<!-- end of walk -->"
PATH = next(path for path, method in METHODS.items() if method.name == "CreateExecution")
CARRIED = (
    execution_pb2.ExecutionCreateRequest,
    execution_pb2.ExecutionSpec,
    Launch,
    run_service_pb2.CreateRunRequest,
)
"""What a start is on its way: what was asked for, and what was made of it. What is only looked up for it is not drawn."""


class Walk:
    """The modules that hold the request, or what was made of it, in the order of their first call."""

    def __init__(self) -> None:
        self.modules: dict[str, set[str]] = {}
        self.stays: list[str] = []
        self.arrived = False

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """A profile function."""
        module, function = frame.f_globals.get("__name__", ""), frame.f_code.co_name
        if event != "call" or self.arrived or not module.startswith("flyte_bridge"):
            return
        self.arrived = (module, function) == ("flyte_bridge.backend.runs", "create_run")
        if (
            not self.arrived and not any(isinstance(value, CARRIED) for value in frame.f_locals.values())
        ) or function.startswith("<"):
            return
        self.modules.setdefault(module, set()).add(function)
        if self.stays[-1:] != [module]:
            self.stays.append(module)

    def drawn(self) -> str:
        """As the documentation has it: the modules in the order they come to it, with what each does."""
        lines = [f"| `{module}` | {', '.join(sorted(held))} |" for module, held in self.modules.items()]
        return "\n".join(["| module | functions |", "|---|---|", *lines, ""])


@contextmanager
def walking() -> Iterator[Walk]:
    """Whoever is called in this thread is noted."""
    walk = Walk()
    before = sys.getprofile()
    sys.setprofile(walk)
    try:
        yield walk
    finally:
        sys.setprofile(before)


def test_the_walk_is_short_and_drawn(
    control: Control, flows: Any, settings: config.Settings, pytestconfig: pytest.Config
) -> None:
    """The request is left as it came, and the modules are those of the drawing (`--snapshot-update` draws them anew)."""
    control.register(flows.child)
    plan = identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name="flows.child", version=VERSION
    )
    inputs = literals_pb2.LiteralMap()
    inputs.literals["a"].scalar.primitive.integer = 1
    spec = execution_pb2.ExecutionSpec(launch_plan=plan)
    request = execution_pb2.ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, spec=spec, inputs=inputs)
    before = request.SerializeToString(deterministic=True)

    async def start() -> Walk:
        async with connect(settings) as backend:
            facade = Facade(backend, settings)
            with walking() as walk:
                await facade.call(PATH, request, CallContext.of(PATH))
            return walk

    walk = asyncio.run(start())
    print(f"{len(walk.modules)} modules in {len(walk.stays)} stays")
    assert walk.arrived
    assert request.SerializeToString(deterministic=True) == before
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(BEGIN)
    drawn, _, tail = rest.partition(END)
    if pytestconfig.getoption("--snapshot-update"):
        DOCUMENT.write_text(f"{head}{BEGIN}{walk.drawn()}{END}{tail}")
        return
    assert drawn == walk.drawn()
