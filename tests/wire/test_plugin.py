"""Tasks that plugins run."""

from __future__ import annotations

import importlib

import pytest
from flyteidl.core import tasks_pb2
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from flyte_bridge_translators.wire import plugin
from flyte_bridge_translators.wire import task as wire_task
from wire.messages import messages


def _template(type_: str, version: int = 0, **custom: object) -> tasks_pb2.TaskTemplate:
    template = tasks_pb2.TaskTemplate(type=type_, task_type_version=version)
    template.id.name = "app.job"
    template.custom.update(custom)
    return template


@pytest.mark.parametrize(("type_", "version"), sorted(plugin.MESSAGES))
@given(data=st.data())
def test_every_field_of_a_plugins_message_is_carried(type_: str, version: int, data: st.DataObject) -> None:
    """Spark, ray, dask, pytorch, mpi and tensorflow, whatever they are configured with."""
    module, name = plugin.MESSAGES[type_, version]
    ours, theirs = (
        getattr(importlib.import_module(f"{package}.plugins.{module}_pb2"), name)
        for package in ("flyteidl", "flyteidl2")
    )
    message = data.draw(messages(ours))
    template = _template(type_, version)
    json_format.ParseDict(json_format.MessageToDict(message), template.custom)
    plugin.check(template)
    custom = json_format.MessageToDict(wire_task.to_v2(template).custom)
    assert json_format.ParseDict(custom, ours()) == message
    assert json_format.ParseDict(custom, theirs()).SerializeToString(deterministic=True) == message.SerializeToString(
        deterministic=True
    )


def test_a_field_nobody_knows_is_told() -> None:
    """With the message it is not in."""
    with pytest.raises(plugin.BadCustom, match=r"flyteidl.plugins.SparkJob.*sparkCnof"):
        plugin.check(_template("spark", sparkCnof={"a": "b"}))
    with pytest.raises(plugin.BadCustom, match="DistributedPyTorchTrainingTask"):
        wire_task.to_v2(_template("pytorch", 1, workers=3))


def test_what_is_no_plugins_is_nobodys_business() -> None:
    """Python tasks keep what they have."""
    assert wire_task.to_v2(_template("python-task", a=1)).custom == _template("x", a=1).custom


def test_the_version_decides_between_messages() -> None:
    """Kubeflow's have another one since version 1."""
    plugin.check(_template("pytorch", 0, workers=3))
    plugin.check(_template("pytorch", 1, workerReplicas={"replicas": 2}))
    plugin.check(_template("spark", 7, sparkConf={"a": "b"}))


def test_what_nobody_runs_is_refused_by_name() -> None:
    """Types of plugins that Flyte 2 does not have, and types without a container that nobody knows."""
    container = _template("python-task")
    container.container.image = "x"
    assert not plugin.refusal(container)
    assert not plugin.refusal(_template("echo"))
    assert "array plugin" in plugin.refusal(_template("container_array"))
    assert "'my-agent' and has no container" in plugin.refusal(_template("my-agent"))
    assert not plugin.refusal(_template("my-agent"), connectors=["my-agent"])
