"""What nodes and executions set for their tasks: cache, parallelism, environment, overrides."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import settings
from flyteidl.admin import execution_pb2
from flyteidl2.core import catalog_pb2, tasks_pb2

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed

MEMORY = tasks_pb2.Resources.MEMORY


def test_the_cache_is_flyte_1s(bed: Bed, tmp_path: Path) -> None:
    """The version is part of the key, ignored inputs are not; a node may do without; `overwrite_cache` computes anew."""
    x = uuid.uuid4().int % 10**9
    mark = tmp_path / "mark"

    def ran(workflow: object, name: str, spec: execution_pb2.ExecutionSpec | None = None) -> int:
        mark.write_text("")
        done = bed.run(workflow, spec, where=str(mark if name == "mark" else tmp_path / name), x=x)
        assert done.value == x + 1
        status.append(done.actions["n0"].status.cache_status)
        return len(mark.read_text()) if name == "mark" else (tmp_path / name).exists()

    status: list[int] = []
    assert ran(settings.cached, "mark") == 1
    assert ran(settings.cached, "other") == 0  # the ignored input differs
    assert ran(settings.not_cached, "mark") == 1
    assert ran(settings.version_2, "mark") == 1
    assert ran(settings.version_2, "mark") == 0
    assert ran(settings.cached, "mark", execution_pb2.ExecutionSpec(overwrite_cache=True)) == 1
    assert status == [
        catalog_pb2.CACHE_POPULATED,
        catalog_pb2.CACHE_HIT,
        catalog_pb2.CACHE_DISABLED,
        catalog_pb2.CACHE_POPULATED,
        catalog_pb2.CACHE_HIT,
        catalog_pb2.CACHE_POPULATED,
    ]


def test_max_parallelism_counts_over_sub_workflows(bed: Bed) -> None:
    """Never more task nodes are under way than the execution allows, wherever they are."""
    done = bed.run(settings.wide, execution_pb2.ExecutionSpec(max_parallelism=2))
    assert done.value == 1
    assert len(done.phases()) == 8
    assert done.parallel() == 2


def test_a_task_sees_who_runs_it(bed: Bed) -> None:
    """The execution's variables reach it, and flytekit finds the workflow and launch plan."""
    spec = execution_pb2.ExecutionSpec(max_parallelism=25)
    spec.envs.values.add(key="WHY", value="because")
    done = bed.run(settings.shown, spec)
    seen = done.value
    assert seen["WHY"] == "because"
    assert seen["FLYTE_INTERNAL_EXECUTION_WORKFLOW"] == "flytesnacks:development:settings.shown"
    assert seen["FLYTE_INTERNAL_TASK_NAME"] == "settings.environment"
    assert seen["FLYTE_INTERNAL_EXECUTION_ID"] == done.run


def test_overrides_reach_the_action(bed: Bed) -> None:
    """Resources, image, retries, timeout and interruptible of the node are in what its action runs."""
    template = bed.run(settings.shown).actions["n0"].task.task_template
    asked = {entry.name: entry.value for entry in template.container.resources.requests}
    assert asked[MEMORY] == "64Mi"
    assert template.container.image == "example.org/other:2"
    assert template.metadata.retries.retries == 4
    assert template.metadata.timeout.seconds == 420
    assert template.metadata.interruptible


def test_a_nodes_interruptible_goes_before_the_executions(bed: Bed) -> None:
    """As in propeller: the node's own, else the execution's; the action's run spec and its template say the same."""
    spec = execution_pb2.ExecutionSpec()
    spec.interruptible.value = False
    assert bed.run(settings.shown, spec).actions["n0"].task.task_template.metadata.interruptible
    spec.interruptible.value = True
    assert (
        bed.run(settings.cached, spec, where="/dev/null", x=1).actions["n0"].task.task_template.metadata.interruptible
    )
