"""Tasks that run alone and need the driver: what Flyte 1 does of them, not what their one process does."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import map_task

from admin.control import DOMAIN, PROJECT

if TYPE_CHECKING:
    from admin.control import Control


def _registered(control: Control, entity: Any) -> Any:
    from flytekit.configuration import Image, ImageConfig, SerializationSettings

    images = ImageConfig(Image("default", "registry.example/app", "1"))
    version = f"v{uuid.uuid4().hex[:10]}"
    settings = SerializationSettings(image_config=images, project=PROJECT, domain=DOMAIN, version=version)
    return control.remote.register_task(entity, serialization_settings=settings, version=version)


def _nodes(execution: Any) -> set[str]:
    return set(execution.node_executions) - {"start-node", "end-node"}


def test_a_dynamic_task_runs_alone(control: Control, flows: Any) -> None:
    """What it leaves to be run is run; the execution has its outputs, and its node those of the nodes beneath."""
    control.register(flows.everything)
    task = _registered(control, flows.fan)
    execution = control.done(control.remote.execute(task, inputs={"n": 3}))
    assert execution.outputs["o0"] == 5
    assert _nodes(execution) == {"flowsfan"}
    (node,) = (one for uid, one in execution.node_executions.items() if uid == "flowsfan")
    assert node.outputs["o0"] == 5
    assert len(node.subworkflow_node_executions) >= 2
    assert (execution.spec.launch_plan.resource_type_name(), execution.spec.launch_plan.name) == ("TASK", "flows.fan")


@pytest.mark.parametrize("shared", [False, True])
def test_a_mapped_task_runs_alone(control: Control, flows: Any, shared: bool) -> None:
    """Once per element, with what all of them share."""
    mapped = map_task(partial(flows.plus, b=10) if shared else flows.twice)
    task = _registered(control, mapped)
    inputs = {"a": [1, 2, 3], "b": 10} if shared else {"a": [1, 2, 3]}
    execution = control.done(control.remote.execute(task, inputs=inputs))
    assert execution.outputs.get("o0", as_type=list[int]) == ([11, 12, 13] if shared else [2, 4, 6])


def test_an_echo_runs_alone(control: Control) -> None:
    """It gives back what it gets; nothing is started for it."""
    from flytekit.core.task import Echo

    task = _registered(control, Echo(name=f"echo-{uuid.uuid4().hex[:8]}", inputs={"a": int}))
    assert control.done(control.remote.execute(task, inputs={"a": 4})).outputs["o0"] == 4


def test_a_task_that_runs_alone_is_relaunched(control: Control, flows: Any) -> None:
    """With the driver again, and the inputs it had."""
    task = _registered(control, flows.fan)
    name = f"fan-{uuid.uuid4().hex[:8]}"
    control.done(control.remote.execute(task, inputs={"n": 1}, execution_name=name))
    control.client.relaunch_execution(control.remote.fetch_execution(name=name).id, f"{name}-again")
    again = control.done(control.remote.fetch_execution(name=f"{name}-again"))
    assert again.outputs["o0"] == 3
