"""Where imports lead in the layouts that projects have: what is found there is awaited."""

from pathlib import Path

import pytest

from flyte_bridge.convert.project import convert_files, find
from flyte_bridge_translators.source.engine.translator import Converted

STEPS = """\
from flytekit import task

__all__ = ["chain", "inc"]


@task
def inc(x: int) -> int:
    return x + 1


def chain(x):
    return inc(x=inc(x=x))
"""

FLOW = """\
from flytekit import workflow
{imports}


@workflow
def wf(x: int = 1) -> int:
    return {steps}chain({steps}inc(x=x))
"""

LAYOUTS = {
    "package below a folder": (("outer/inner/__init__.py", "outer/inner/steps.py"), "outer/flow.py", "outer.inner.steps"),
    "package two folders below": (("a/b/c/__init__.py", "a/b/c/steps.py"), "flow.py", "a.b.c.steps"),
    "package that a script lies beside": (("jobs/lib/__init__.py", "jobs/lib/steps.py"), "jobs/flow.py", "lib.steps"),
    "src": (("src/pk/__init__.py", "src/pk/steps.py"), "src/pk/flow.py", "pk.steps"),
    "src, seen from a script": (("src/pk/__init__.py", "src/pk/steps.py"), "run/flow.py", "pk.steps"),
    "module in src": (("src/steps.py",), "src/pk/flow.py", "steps"),
    "script": (("jobs/steps.py",), "jobs/flow.py", "steps *"),
    "three up": (("pk/__init__.py", "pk/steps.py", "pk/b/__init__.py", "pk/b/c/__init__.py"), "pk/b/c/flow.py", "...steps"),
    "star of a star": (("pk/__init__.py:from .steps import *", "pk/steps.py"), "flow.py", "pk *"),
    "by name": (("steps.py",), "flow.py", ""),
}  # fmt: skip
"""Files with steps, the file with the workflow, the module that it imports, `*` for everything."""

BY_NAME = 'import importlib\n\nsteps = importlib.import_module("steps")'


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(tmp_path: Path, layout: str) -> None:
    """A task and a helper of another module are awaited."""
    others, flow, module = LAYOUTS[layout]
    source, star = module.removesuffix(" *"), module.endswith(" *")
    imports = f"from {source} import {'*' if star else 'chain, inc'}" if module else BY_NAME
    for each in others:
        name, _, text = each.partition(":")
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STEPS if path.stem == "steps" else f"{text}\n" if text else "")
    (tmp_path / flow).parent.mkdir(parents=True, exist_ok=True)
    steps = "" if module else "steps."
    (tmp_path / flow).write_text(FLOW.format(imports=imports, steps=steps))
    outcomes = {one.file.path.name: one.outcome for one in convert_files(find([tmp_path])).files}
    converted = outcomes["flow.py"]
    assert isinstance(converted, Converted)
    assert f"return await {steps}chain(await {steps}inc.aio(x=x))" in converted.text
    assert isinstance(outcomes["steps.py"], Converted)
    assert "async def chain(x):" in outcomes["steps.py"].text
