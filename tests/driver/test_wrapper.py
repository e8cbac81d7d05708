"""A dynamic task's command, as it is run on a backend that wants an `outputs.pb` of every task."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import dynamics
import pytest
from flyteidl.core import dynamic_job_pb2, literals_pb2
from flyteidl2.core import tasks_pb2
from flytekit import FlyteContextManager
from flytekit.core.type_engine import TypeEngine

from flyte_bridge.driver import wrapper
from flyte_bridge_translators.wire import process
from wire.serialized import serialize

CODE = Path(__file__).with_name("code")


def template_of(entity: Any) -> tasks_pb2.TaskTemplate:
    spec = next(one for one in serialize(entity).tasks.values() if one.template.id.name == entity.name)
    return tasks_pb2.TaskTemplate.FromString(spec.template.SerializeToString())


def run(template: tasks_pb2.TaskTemplate, folder: Path, inputs: dict[str, Any], path: str) -> Path:
    """Run a template's command as a backend would; where its results are."""
    context = FlyteContextManager.current_context()
    literals = TypeEngine.dict_to_literal_map(context, inputs, {name: type(value) for name, value in inputs.items()})
    folder.joinpath("inputs.pb").write_bytes(literals.to_flyte_idl().SerializeToString())
    values = {
        "{{.input}}": str(folder / "inputs.pb"),
        "{{.outputPrefix}}": str(folder / "out"),
        "{{.rawOutputDataPrefix}}": str(folder / "raw"),
        "{{.checkpointOutputPrefix}}": str(folder / "checkpoint"),
        "{{.prevCheckpointPrefix}}": '""',
    }
    folder.joinpath("out").mkdir()
    words = [values.get(word, word) for word in process.arguments(template)]
    own = {one.key: one.value for one in template.container.env}
    facts = {
        f"FLYTE_INTERNAL_{kind}_{what}": "x"
        for kind in ("EXECUTION", "TASK")
        for what in ("PROJECT", "DOMAIN", "NAME", "ID", "VERSION")
    }
    path_of_tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {
        **os.environ,
        **own,
        **facts,
        "PATH": path_of_tools,
        "PYTHONPATH": path,
        "HOME": str(folder),
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(words, env=env, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.mark.parametrize("fast", [False, True])
def test_futures_and_outputs(tmp_path: Path, fast: bool) -> None:
    """The wrapped command leaves `futures.pb` and a marker as `outputs.pb`, with the code in the image or registered fast."""
    template = template_of(dynamics.fan_out)
    assert process.is_dynamic(template)
    assert wrapper.wrap(template)
    path = str(CODE)
    if fast:
        archive = tmp_path / "code.tar.gz"
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(CODE / "dynamics.py", "dynamics.py")
        words = list(template.container.args)
        prefix = [
            "pyflyte-fast-execute",
            "--additional-distribution",
            str(archive),
            "--dest-dir",
            str(tmp_path / "code"),
            "--",
        ]
        tmp_path.joinpath("code").mkdir()
        template.container.args[:] = [*prefix, *words]
        path = ""
    out = run(template, tmp_path, {"n": 3}, path)
    spec = dynamic_job_pb2.DynamicJobSpec.FromString((out / "futures.pb").read_bytes())
    assert len(spec.nodes) == 4
    outputs = literals_pb2.LiteralMap.FromString((out / "outputs.pb").read_bytes())
    assert list(outputs.literals) == [wrapper.MARKER]
    assert wrapper.is_marker(outputs)
    if fast:
        assert spec.tasks[0].container.args[0] == "pyflyte-fast-execute"  # what is beneath it runs fast, too


def test_plain_outputs(tmp_path: Path) -> None:
    """A dynamic task that calls nothing keeps its own outputs."""
    template = template_of(dynamics.plain)
    assert wrapper.wrap(template)
    out = run(template, tmp_path, {"n": 3}, str(CODE))
    outputs = literals_pb2.LiteralMap.FromString((out / "outputs.pb").read_bytes())
    assert outputs.literals["o0"].scalar.primitive.integer == 4
    assert not (out / "futures.pb").exists()


def test_commands_that_stay() -> None:
    """What stands before flytekit's entry point stays; another command is left alone; in a pod it is found, too."""
    template = tasks_pb2.TaskTemplate(container={"args": ["flytekit_venv", "pyflyte-execute", "--inputs", "x"]})
    assert wrapper.wrap(template)
    assert list(template.container.args) == ["flytekit_venv", "python", "-c", wrapper.SCRIPT, "--inputs", "x"]
    other = tasks_pb2.TaskTemplate(container={"args": ["java", "-jar"]})
    assert not wrapper.wrap(other)
    assert list(other.container.args) == ["java", "-jar"]
    pod = tasks_pb2.TaskTemplate(config={"primary_container_name": "main"})
    containers = [{"name": "side", "args": ["sleep"]}, {"name": "main", "args": ["pyflyte-execute", "a"], "env": []}]
    pod.k8s_pod.pod_spec.update({"containers": containers})
    assert wrapper.wrap(pod)
    assert process.arguments(pod) == ["python", "-c", wrapper.SCRIPT, "a"]


def test_environment_of_pods() -> None:
    """Variables reach the primary container of a pod, before what the template has under the same name."""
    pod = tasks_pb2.TaskTemplate()
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    pod.k8s_pod.pod_spec.update({"containers": [{"name": "main", "env": env}]})
    process.add(pod, {"A": "9", "C": "3"})
    [container] = pod.k8s_pod.pod_spec["containers"]
    assert {one["name"]: one["value"] for one in container["env"]} == {"A": "9", "B": "2", "C": "3"}
    assert process.has(pod, "C")
    assert not process.has(pod, "D")
    process.add(tasks_pb2.TaskTemplate(type="sql"), {"A": "1"})
