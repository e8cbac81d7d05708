"""Where datacatalog has a cached task's outputs: the keys that a real flytepropeller 1.16.8 made, and what changes them."""

from __future__ import annotations

import pytest
from flyteidl.core import literals_pb2, tasks_pb2, types_pb2

from flyte_bridge_translators.wire import catalog_key


def _task() -> tasks_pb2.TaskTemplate:
    task = tasks_pb2.TaskTemplate()
    task.id.project, task.id.domain, task.id.name, task.id.version = "p", "development", "h3wfs.cached", "v1"
    task.metadata.discovery_version = "1.0"
    for side, name in ((task.interface.inputs, "x"), (task.interface.outputs, "o0")):
        side.variables[name].type.simple = types_pb2.INTEGER
        side.variables[name].description = name
    return task


def _inputs(number: int = 1) -> literals_pb2.LiteralMap:
    inputs = literals_pb2.LiteralMap()
    inputs.literals["x"].scalar.primitive.integer = number
    return inputs


def test_a_task_has_the_data_set_and_tag_that_flytepropeller_gave_it() -> None:
    """Of an integer in, an integer out, and 1: as recorded."""
    told = catalog_key.of_task(_task(), _inputs())
    assert (told.dataset_id.name, told.dataset_id.version) == ("flyte_task-h3wfs.cached", "1.0-BgPQX4Pd-PmK8qF6C")
    assert told.artifact_tag.name == "flyte_cached-jJYYHCdEwO0EGAAzKJSnDfiTqN-1FWTIAIffcpVodss"


def test_descriptions_and_ignored_inputs_do_not_count() -> None:
    """Another text for people, another value of an input that is left out of the key: the same key."""
    task = _task()
    task.interface.inputs.variables["x"].description = "another"
    assert catalog_key.of_task(task, _inputs()) == catalog_key.of_task(_task(), _inputs())
    task.metadata.cache_ignore_input_vars.append("x")
    assert catalog_key.of_task(task, _inputs(1)) == catalog_key.of_task(task, _inputs(2))


def test_a_literal_with_a_hash_counts_by_it_alone() -> None:
    """However deep it lies, and whatever its value."""

    def of(number: int, hash_: str) -> str:
        inputs = literals_pb2.LiteralMap()
        member = inputs.literals["x"].collection.literals.add()
        member.scalar.primitive.integer = number
        member.hash = hash_
        return catalog_key.of_task(_task(), inputs).artifact_tag.name

    assert of(1, "h") == of(2, "h")
    assert of(1, "h") != of(1, "other")
    assert of(1, "") != of(2, "")


@pytest.mark.parametrize(
    ("number", "told"),
    [(0.0, "+0:"), (1.0, "+0:1"), (0.5, "+-1:1"), (2.0, "+1:1"), (-3.25, "-2:01101"), (1.5, "+1:011")],
)
def test_numbers_are_told_as_objecthash_tells_them(number: float, told: str) -> None:
    """Sign, exponent, and the digits of what is above a half and at most one."""
    assert catalog_key._float(number).decode() == told
