"""Environments over a whole project: names, dependencies, imports, images."""

import re
from dataclasses import replace
from itertools import product

import pytest

from flyte_bridge_translators.source.engine.entities import Entity, Facts, Kind
from flyte_bridge_translators.source.engine.environment_names import LONGEST, clean, environment_names
from source.project import convert_project

VALID = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
"""What `flyte.TaskEnvironment` accepts as a name."""

TASKS = """\
from flytekit import Resources, task

BIG = Resources(mem="8Gi")


@task
def load(n: int) -> int:
    return n


@task(requests=BIG)
def crunch(n: int) -> int:
    return n
"""


def facts(module: str, *variables: str) -> Facts:
    """Facts of a module with one task per environment variable."""
    entities = [
        Entity(Kind.TASK, f"t{number}", module, environment=variable) for number, variable in enumerate(variables)
    ]
    return Facts(module, {entity.qualified: entity for entity in entities})


def names(*modules: Facts) -> dict[tuple[str, str], str]:
    return dict(environment_names({each.module: each for each in modules}).of)


def test_environments_are_called_after_the_path_of_their_file() -> None:
    """The whole path, and what the variable says; that workflows are in a file called so is not said twice."""
    assert names(facts("pkg.tasks", "env", "driver", "gpu_env"), facts("pkg.workflows", "env", "driver", "b_env")) == {
        ("pkg.tasks", "env"): "pkg-tasks",
        ("pkg.tasks", "driver"): "pkg-tasks-workflows",
        ("pkg.tasks", "gpu_env"): "pkg-tasks-gpu",
        ("pkg.workflows", "env"): "pkg-workflows-tasks",
        ("pkg.workflows", "driver"): "pkg-workflows",
        ("pkg.workflows", "b_env"): "pkg-workflows-b",
    }


def test_a_kept_name_comes_first() -> None:
    """What an earlier conversion called an environment stays, and one that the rule would call so gives way and is told."""
    kept = replace(facts("a", "env"), kept_environments={"env": "b"})
    assert environment_names({"a": kept, "b": facts("b", "env")}).clashes == {("b", "env"): "b"}
    assert names(kept, facts("b", "env"))["a", "env"] == "b"


@pytest.mark.parametrize("module", ["Pkg.MyTasks", "_private", "__main__", "a__b", "x.ünï", "2024_run", "-", "a" * 80])
def test_names_are_valid(module: str) -> None:
    """Whatever a module is called, its environments have names Flyte 2 accepts."""
    for name in names(facts(module, "env", "driver", "very_long_task_name_that_goes_on_env")).values():
        assert VALID.fullmatch(name)
        assert len(name) <= LONGEST


def test_names_are_unique() -> None:
    """Names that would meet (`x` with `y_env`, `x.y` beside another `y`; case; truncation) do not."""
    modules = ["x", "x.y", "z.y", "X.Y", "a" * 70, "b." + "a" * 70, "x-y", "x_y"]
    found = names(*(facts(module, "env", "y_env", "driver") for module in modules))
    assert len(set(found.values())) == len(found) == len(list(product(modules, range(3))))


def test_clean_leaves_valid_names_alone() -> None:
    """A name that is fine stays."""
    assert clean("my_tasks2") == "my_tasks2"


@pytest.mark.parametrize(
    ("line", "calls", "expected", "depends"),
    [
        (
            "from pkg.tasks import crunch, load",
            "crunch(n=load(n=n))",
            "from pkg.tasks import crunch, crunch_env as tasks_crunch_env, env as tasks_env, load\n",
            "[tasks_crunch_env, tasks_env]",
        ),
        (
            "from .tasks import load",
            "load(n=n)",
            "from .tasks import env as tasks_env, load",
            "[tasks_env]",
        ),
        ("from pkg import tasks", "tasks.load(n=n)", "from pkg import tasks", "[tasks.env]"),
        ("import pkg.tasks as t", "t.load(n=n)", "import pkg.tasks as t", "[t.env]"),
        ("from pkg import load", "load(n=n)", "from pkg.tasks import env as tasks_env", "[tasks_env]"),
        ("from pkg.tasks import *", "load(n=n)", "from pkg.tasks import env as tasks_env", "[tasks_env]"),
    ],
)
def test_a_driver_depends_on_environments_of_other_files(line: str, calls: str, expected: str, depends: str) -> None:
    """A driver lists the environment of each task it calls, imported in the style of the task's own import."""
    flow = f"from flytekit import workflow\n\n{line}\n\n\n@workflow\ndef wf(n: int = 1) -> int:\n    return {calls}\n"
    texts, findings = convert_project(
        {"pkg.__init__": "from pkg.tasks import load\n", "pkg.tasks": TASKS, "pkg.flow": flow}
    )
    assert expected in texts["pkg.flow"]
    assert f"depends_on={depends}" in texts["pkg.flow"]
    assert not findings["pkg.flow"]


def test_a_driver_depends_on_the_driver_of_a_sub_workflow() -> None:
    """A sub-workflow of another file brings its driver; one of the same file shares the driver."""
    texts, _ = convert_project(
        {
            "inner": "from flytekit import workflow\n\n\n@workflow\ndef sub() -> None:\n    pass\n",
            "outer": (
                "from flytekit import workflow\nfrom inner import sub\n\n\n@workflow\ndef one() -> None:\n    sub()\n\n\n"
                "@workflow\ndef two() -> None:\n    one()\n"
            ),
        }
    )
    assert "from inner import driver as inner_driver, sub" in texts["outer"]
    assert "depends_on=[inner_driver]" in texts["outer"]


def test_a_driver_depends_on_what_its_helper_functions_call() -> None:
    """Tasks are found through plain functions of the same file."""
    text = (
        "from flytekit import dynamic\nfrom tasks import load\n\n\ndef both(n):\n    return load(n=n), load(n=n)\n\n\n"
        "@dynamic\ndef dyn(n: int) -> None:\n    both(n)\n"
    )
    texts, _ = convert_project({"tasks": TASKS, "flow": text})
    assert "depends_on=[tasks_env]" in texts["flow"]


def test_a_driver_has_the_image_its_callees_have() -> None:
    """Without tasks of its own, a file's driver takes the image of the tasks it calls."""
    tasks = (
        'from flytekit import ImageSpec, task\n\nimage = ImageSpec(packages=["numpy"])\n\n\n'
        "@task(container_image=image)\ndef load(n: int) -> int:\n    return n\n"
    )
    flow = (
        "from flytekit import workflow\nfrom tasks import load\n\n\n@workflow\ndef wf() -> int:\n    return load(n=1)\n"
    )
    texts, _ = convert_project({"tasks": tasks, "flow": flow})
    assert "image=tasks_env.image" in texts["flow"]


def test_resources_of_another_file_are_merged_by_name() -> None:
    """Requests and limits imported from a file of the project become pairs, said through their names."""
    texts, _ = convert_project(
        {
            "sizes": 'from flytekit import Resources\n\nsmall = Resources(cpu="1")\nlarge = Resources(cpu="2", mem="1Gi")\n',
            "tasks": (
                "from flytekit import task\nfrom sizes import large, small\n\n\n"
                "@task(requests=small, limits=large)\ndef t(n: int) -> int:\n    return n\n"
            ),
        }
    )
    assert "flyte.Resources(cpu=(small.cpu, large.cpu), memory=large.memory)" in texts["tasks"]


def test_resources_nobody_knows_are_left_to_do() -> None:
    """Two imported resources that no file defines are not guessed at."""
    text = (
        "from flytekit import task\nfrom elsewhere import large, small\n\n\n"
        "@task(requests=small, limits=large)\ndef t(n: int) -> int:\n    return n\n"
    )
    texts, findings = convert_project({"tasks": text})
    assert [finding.code for finding in findings["tasks"]] == ["FB321"]
    assert "# TODO(flyte-bridge FB321)" in texts["tasks"]
