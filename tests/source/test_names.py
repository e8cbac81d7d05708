"""Which name means which symbol."""

import textwrap

import libcst as cst
import pytest

from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import canonical


def references(text: str, **options: str) -> list[str]:
    module = Module(cst.parse_module(textwrap.dedent(text)), name="pkg.mod", **options)
    return [qualified for _, qualified in module.references]


@pytest.mark.parametrize(
    ("written", "known_as"),
    [
        ("flytekit.task", "flytekit.task"),
        ("flytekit.core.task.task", "flytekit.task"),
        ("flytekit.core.task", "flytekit.task"),
        ("flytekit.core.launch_plan.LaunchPlan.get_or_create", "flytekit.LaunchPlan.get_or_create"),
        ("flytekit.types.file.FlyteFile", "flytekit.FlyteFile"),
        ("flytekit.types.file.file.FlyteFile", "flytekit.FlyteFile"),
        ("flytekit.image_spec.ImageSpec.is_container", "flytekit.ImageSpec.is_container"),
        ("flytekit.core.array_node_map_task.map_task", "flytekit.map_task"),
        ("flytekit.experimental.map_task", "flytekit.map_task"),
        ("flytekit.exceptions.user.FlyteRecoverableException", "flytekit.exceptions.user.FlyteRecoverableException"),
        ("flytekit.exceptions.base.FlyteRecoverableException", "flytekit.exceptions.user.FlyteRecoverableException"),
        ("union.task", "flytekit.task"),
        ("union.Resources", "flytekit.Resources"),
        ("union.ActorEnvironment", "union.ActorEnvironment"),
        ("flytekitplugins.spark.Spark", "flytekitplugins.spark.Spark"),
        ("mylib.task", "mylib.task"),
    ],
)
def test_canonical(written: str, known_as: str) -> None:
    """Whatever path a symbol is imported from, it is known by one name."""
    assert canonical(written) == known_as


@pytest.mark.parametrize(
    "text",
    [
        "from flytekit import task\ntask",
        "from flytekit import task as t\nt",
        "import flytekit\nflytekit.task",
        "import flytekit as fk\nfk.task",
        "import flytekit.core.task\nflytekit.core.task.task",
        "from flytekit.core.task import task\ntask",
        "from flytekit.core import task as m\nm.task",
        "from flytekit import *\ntask",
        "import union\nunion.task",
        "from union import task\ntask",
        "try:\n    from flytekit import task\nexcept ImportError:\n    task = None\ntask",
        "def f():\n    from flytekit import task\n    return task",
        "from flytekit import task\ndef f():\n    return [task for _ in x]",
    ],
)
def test_spellings(text: str) -> None:
    """Aliases, submodules, star imports, function-level imports and fallbacks all resolve."""
    assert references(text)[-1] == "flytekit.task"


@pytest.mark.parametrize(
    "text",
    [
        "from mylib import task\ntask",
        "from flytekit import task\ndef f(task):\n    return task",
        "from flytekit import task\ndef f():\n    task = 1\n    return task",
        "from flytekit import task\ndef f():\n    for task in x:\n        task",
        "from flytekit import task\n[task for task in x]",
        "from flytekit import task\nlambda task: task",
        "from flytekit import task\ndef task():\n    pass\ntask",
        "from flytekit import task\ndef f():\n    with x as task:\n        task",
        "task",
    ],
)
def test_shadowed(text: str) -> None:
    """A name bound to something else in a nearer scope is not flytekit's."""
    assert "flytekit.task" not in references(text)


def test_class_scope_is_not_seen_from_methods() -> None:
    """A class attribute does not shadow the module's name inside a method."""
    assert references("from flytekit import task\nclass A:\n    task = 1\n    def m(self):\n        return task\n") == [
        "flytekit.task"
    ]


def test_default_belongs_to_the_outer_scope() -> None:
    """A parameter's default is looked up outside the function it belongs to."""
    assert references("from flytekit import task\ndef f(task=task):\n    pass\n") == ["flytekit.task"]


@pytest.mark.parametrize(
    ("text", "package", "expected"),
    [
        ("from .tasks import load\nload", "pkg", "pkg.tasks.load"),
        ("from . import tasks\ntasks.load", "pkg", "pkg.tasks.load"),
        ("from ..other import load\nload", "top.pkg", "top.other.load"),
        ("from pkg.tasks import load as l\nl", "pkg", "pkg.tasks.load"),
    ],
)
def test_relative_imports(text: str, package: str, expected: str) -> None:
    """Relative imports start from the module's package."""
    module = Module(cst.parse_module(text), name=f"{package}.mod", package=package)
    assert [qualified for _, qualified in module.name_references][-1] == expected
