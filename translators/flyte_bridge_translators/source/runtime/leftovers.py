"""What Flyte 1 had and nobody can write for you: each is marked, with what to use instead."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context

LEFT: Mapping[str, tuple[str, str]] = {
    "flytekit.extras.tasks.shell.ShellTask": (
        "FB471",
        "ShellTask: use flyte.extras.shell.create, or subprocess in a task",
    ),
    "flytekit.extras.tasks.shell.RawShellTask": (
        "FB471",
        "RawShellTask: use flyte.extras.shell.create, or subprocess in a task",
    ),
    "flytekit.SQLTask": ("FB471", "SQLTask: use a connector's task, or a plain task with the database's driver"),
    "flytekit.SensorEngine": (
        "FB472",
        "sensors: poll in a task with flyte.durable.sleep between, or use a flyte.OnArtifact trigger",
    ),
    "flytekit.Artifact": (
        "FB473",
        "Artifact: return flyte.artifacts.new(value, ...) from a task with produces_artifacts=True",
    ),
    "flytekit.StructuredDatasetTransformerEngine": ("FB474", "dataset handlers: register with flyte.io.extend"),
    "flytekit.FlyteRemote": (
        "FB460",
        "FlyteRemote: use flyte.init_from_config() and flyte.remote, or flyte_bridge.FlyteRemote",
    ),
    "flytekit.PythonFunctionTask": ("FB475", "PythonFunctionTask: derive from flyte.AsyncFunctionTaskTemplate"),
    "flytekit.PythonInstanceTask": ("FB475", "PythonInstanceTask: derive from flyte.TaskTemplate (flyte.extend)"),
}
"""Qualified name → code, and what to use instead."""

BY_LAST: Mapping[str, tuple[str, str]] = {
    "TypeTransformer": ("FB474", "TypeTransformer: derive from flyte.types.TypeTransformer, whose methods are async"),
    "AsyncTypeTransformer": ("FB474", "AsyncTypeTransformer: derive from flyte.types.TypeTransformer"),
    "TypeEngine": ("FB474", "TypeEngine: flyte.types.TypeEngine, whose methods are async"),
    "TypeTransformerFailedError": ("FB474", "TypeTransformerFailedError: flyte.types.TypeTransformerFailedError"),
    "StructuredDatasetEncoder": ("FB474", "StructuredDatasetEncoder: derive from flyte.io.extend.DataFrameEncoder"),
    "StructuredDatasetDecoder": ("FB474", "StructuredDatasetDecoder: derive from flyte.io.extend.DataFrameDecoder"),
    "FileSensor": ("FB472", "FileSensor: poll File.exists in a task with flyte.durable.sleep between"),
    "BaseSensor": ("FB472", "BaseSensor: poll in a task with flyte.durable.sleep between"),
}
"""Last part of a name anywhere below flytekit → the same."""


def translate(module: Module, context: Context) -> Plan:
    """Mark what is left, once per statement."""
    del context
    plan = Plan("leftovers")
    marked: set[tuple[cst.CSTNode | None, str]] = set()
    for node, qualified in module.references:
        found = _known(qualified)
        if found is None:
            continue
        statement = module.statement(node)
        if (statement, found[0]) in marked:
            continue
        marked.add((statement, found[0]))
        plan.report(found[0], node, found[1])
    return plan


def _known(qualified: str) -> tuple[str, str] | None:
    parts = qualified.split(".")
    if parts[:2] == ["flytekit", "clis"]:
        return "FB463", "pyflyte is called from Python: call `flyte.run(task, ...)`, or the `flyte` command"
    for length in range(len(parts), 1, -1):
        prefix = ".".join(parts[:length])
        if prefix in LEFT:
            return LEFT[prefix]
        if parts[length - 1] in BY_LAST:
            return BY_LAST[parts[length - 1]]
    return None
