"""Every setting of Flyte 1 is known here, and every table is the installed SDKs'."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

import flytekit
from flytekit.extras import accelerators as v1_accelerators

from flyte_bridge.convert.converter import convert_source
from flyte_bridge_translators.findings.catalogue import settings as catalogue
from flyte_bridge_translators.source.engine.translator import Converted, Options
from flyte_bridge_translators.source.settings import accelerators, cache, image_spec, pod_template, secret, task
from flyte_bridge_translators.source.settings.environment_groups import ONLY
from flyte_bridge_translators.source.settings.launch_plan_reading import SIGNATURES
from flyte_bridge_translators.source.settings.notification import PHASES
from flyte_bridge_translators.source.settings.trigger import ELSEWHERE

HERE = Path(__file__).parent
SOURCE = HERE.parent.parent / "translators" / "flyte_bridge_translators" / "source"


def parameters(function: Any) -> list[str]:
    """The names of a function's parameters, without the decorated function and `**kwargs`."""
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD and not name.startswith("_")
    ]


def test_every_parameter_of_a_task_is_known() -> None:
    """Each parameter of `flytekit.task` and `flytekit.workflow` is carried, moved to the environment or reported."""
    known = {*ONLY, *cache.KEYWORDS, *task.CARRIED, *pod_template.KEYWORDS, *task.NOTHING, *task.GRAPH, *task.DECKS}
    known |= {"retries", "task_resolver", "deprecated", "default_options"}
    assert {*parameters(flytekit.task), *parameters(flytekit.dynamic), *parameters(flytekit.workflow)} <= known


def test_every_parameter_of_an_image_is_known() -> None:
    """The signature of `ImageSpec` is flytekit's."""
    assert tuple(parameters(flytekit.ImageSpec)) == image_spec.SIGNATURE
    methods = {name for name in dir(flytekit.ImageSpec) if name.startswith("with_")}
    assert methods == {*image_spec.METHODS, "with_builder_options"}


def test_every_parameter_of_a_secret_and_a_launch_plan_is_known() -> None:
    """Positional arguments are named as flytekit names them."""
    assert tuple(parameters(flytekit.Secret)) == secret.SIGNATURE
    for name in ("create", "get_or_create", "get_default_launch_plan"):
        assert tuple(SIGNATURES[f"flytekit.LaunchPlan.{name}"]) == tuple(parameters(getattr(flytekit.LaunchPlan, name)))
    assert set(ELSEWHERE) <= {*SIGNATURES["flytekit.LaunchPlan.create"], *SIGNATURES["flytekit.LaunchPlan"]}


def test_every_accelerator_is_known() -> None:
    """Each accelerator of flytekit has a name, a label or a size in Flyte 2."""
    named = {
        name
        for name in dir(v1_accelerators)
        if name[:1].isupper() and name == name.upper() and name not in {"MIG", "T"}
    }
    named -= {name for name in named if not isinstance(getattr(v1_accelerators, name), v1_accelerators.BaseAccelerator)}
    assert named == {*accelerators.GPUS, *accelerators.LABELS, *accelerators.TPUS}
    for name, label in accelerators.LABELS.items():
        assert getattr(v1_accelerators, name)._device == label


PROBE = """
import json
from typing import get_args
import flyte
from flyte._internal.runtime.resources_serde import ACCELERATOR_DEVICE_MAP
from flyte._resources import Accelerators, TPUType
print(json.dumps({
    "spellings": [each for each in get_args(Accelerators)],
    "tpus": list(get_args(TPUType)),
    "labels": ACCELERATOR_DEVICE_MAP,
    "phases": [phase.name for phase in flyte.models.ActionPhase],
}))
"""


@pytest.fixture(scope="module")
def flyte2(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the installed flyte knows, asked in a process of its own."""
    env = {
        **os.environ,
        "HOME": str(tmp_path_factory.mktemp("home")),
        "DO_NOT_TRACK": "1",
        "FLYTE_DISABLE_TELEMETRY": "1",
    }
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, env=env)
    return json.loads(run.stdout)


def test_accelerators_exist_in_flyte_2(flyte2: Any) -> None:
    """Each name:count we may write is one of `flyte.Resources`, up to the largest count."""
    for name in accelerators.GPUS.values():
        largest = accelerators.LARGEST.get(name, 8)
        assert {f"{name}:{count}" for count in range(1, largest + 1)} <= set(flyte2["spellings"])
        assert f"{name}:{largest + 1}" not in flyte2["spellings"]
    assert set(flyte2["tpus"]) == accelerators.TPUS


def test_relabelled_accelerators_are_the_ones_that_differ(flyte2: Any) -> None:
    """The note about node labels is given exactly where the two SDKs select different ones."""
    differing = set()
    for old, new in accelerators.GPUS.items():
        label = getattr(getattr(v1_accelerators, old), "_device", None) or getattr(v1_accelerators, old).device
        if flyte2["labels"].get(new, new) != label:
            differing.add(old)
    assert differing == set(accelerators.RELABELLED)


def test_phases_exist_in_flyte_2(flyte2: Any) -> None:
    """Notification phases have the same names."""
    assert set(flyte2["phases"]) >= PHASES


@pytest.mark.parametrize("code", [code.code for code in catalogue.CODES])
def test_every_code_is_used(code: str) -> None:
    """No code of this range is only in the catalogue."""
    assert any(f'"{code}"' in path.read_text() for path in SOURCE.rglob("*.py"))


FAITHFUL = '''\
from flytekit import task, workflow
from flytekit.exceptions.user import FlyteRecoverableException

SEEN = {"hopeless": 0, "busy": 0}


class Busy(FlyteRecoverableException):
    """Come again."""


@task(retries=3)
def hopeless() -> int:
    SEEN["hopeless"] += 1
    raise ValueError("never")


@task(retries=3)
def busy() -> int:
    SEEN["busy"] += 1
    if SEEN["busy"] < 3:
        raise Busy("not yet")
    return SEEN["busy"]


@workflow
def wf() -> int:
    return busy()
'''

RUN = """
flyte.init()
import json
answer = flyte.run(wf).outputs()[0]
try:
    flyte.run(hopeless)
    code = None
except flyte.errors.RuntimeUserError as error:
    code = error.code
print("RESULT" + json.dumps([answer, code, SEEN]))
"""


@pytest.mark.parametrize(("policy", "tries"), [("faithful", 1), ("keep", 4)])
def test_retries_follow_the_policy(policy: str, tries: int, tmp_path: Path) -> None:
    """Faithful: an ordinary exception ends the task at once and keeps its code, a recoverable one is retried. Keep: both are
    retried."""
    outcome = convert_source(FAITHFUL, options=Options(retries=policy))
    assert isinstance(outcome, Converted)
    assert "flytekit" not in outcome.text
    assert ("FB303" in {finding.code for finding in outcome.findings}) is (policy == "keep")
    script = tmp_path / "run_me.py"
    script.write_text(outcome.text + RUN)
    env = {**os.environ, "HOME": str(tmp_path), "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1"}
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=env, cwd=tmp_path)
    line = next((line for line in run.stdout.splitlines() if line.startswith("RESULT")), run.stdout + run.stderr)
    assert json.loads(line.removeprefix("RESULT")) == [3, "ValueError", {"hopeless": tries, "busy": 3}]
