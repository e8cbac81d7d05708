"""Serializes one entity of a user's file: `python -m flyte_bridge.serialize.worker FILE NAME DIRECTORY`.

Imports flytekit, never flyte. Leaves one file for each message, named by its order and its kind, and `entity`, which says
what was asked for. An error is left as `error`: a line for the user, after the traceback on standard error.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PLACEHOLDERS = {"project": "flytesnacks", "domain": "development", "version": "local"}
"""Nothing is registered from here: a graph does not depend on them."""


class Unusable(Exception):
    """What is wrong with the file or the entity, in a line."""


def main() -> None:
    """Do what the three arguments say."""
    file, name, directory = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    try:
        if find_spec("flytekit") is None:
            raise Unusable("flytekit, which stops at Python 3.12, is not installed here; use a Python that has it")
        serialize(load(file, name), directory)
    except Unusable as error:
        directory.joinpath("error").write_text(str(error))
        sys.exit(1)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        directory.joinpath("error").write_text(f"{type(error).__name__}: {error}")
        sys.exit(1)


def load(file: Path, name: str) -> Any:
    """The entity called `name` in a file, which is imported as `pyflyte run` imports it."""
    # before the user's directory is on the path, where a flytekit.py may lie
    from flytekit.core.launch_plan import LaunchPlan
    from flytekit.core.workflow import WorkflowBase
    from flytekit.tools.script_mode import _find_project_root

    root = Path(_find_project_root(file))
    sys.path[:0] = [str(root), str(file.parent)]
    module = importlib.import_module(".".join(file.resolve().relative_to(root).with_suffix("").parts))
    graphs = sorted(key for key, value in vars(module).items() if isinstance(value, (WorkflowBase, LaunchPlan)))
    entity = getattr(module, name, None)
    if entity is None:
        there = ", ".join(graphs) or "none"
        raise Unusable(f"there is no {name!r} in it; its workflows and launch plans are: {there}")
    if not isinstance(entity, (WorkflowBase, LaunchPlan)):
        raise Unusable(f"{name!r} is a {type(entity).__name__}; only a workflow or a launch plan has a graph")
    return entity


def serialize(entity: Any, directory: Path) -> None:
    """Write all that an entity needs, in the order flytekit registers it."""
    from flytekit.configuration import Image, ImageConfig, SerializationSettings
    from flytekit.core.reference_entity import ReferenceSpec
    from flytekit.image_spec.image_spec import ImageBuildEngine
    from flytekit.models import launch_plan, task
    from flytekit.models.admin import workflow
    from flytekit.tools.translator import get_serializable

    # flytekit builds a task's ImageSpec when it serializes the task; in this process nobody will run it
    ImageBuildEngine.build = classmethod(lambda _, __: None)
    image = ImageConfig(default_image=Image(name="default", fqn="none", tag="none"))
    found: dict[Any, Any] = {}
    get_serializable(found, SerializationSettings(image_config=image, **PLACEHOLDERS), entity)
    kinds = {task.TaskSpec: "task", workflow.WorkflowSpec: "workflow", launch_plan.LaunchPlan: "launch_plan"}
    wanted = None
    for number, (source, model) in enumerate(found.items()):
        if isinstance(model, ReferenceSpec):
            kind, message = _reference(source, model)
        else:
            known = kinds.get(type(model))
            if known is None:
                continue  # nodes, which the workflows have
            kind, message = known, model.to_flyte_idl()
        if source is entity:
            wanted = f"{number:05}.{kind}"
        directory.joinpath(f"{number:05}.{kind}").write_bytes(message.SerializeToString(deterministic=True))
    assert wanted is not None, "flytekit has not serialized what it was asked for"
    directory.joinpath("entity").write_text(wanted)


def _reference(entity: Any, model: Any) -> tuple[str, Any]:
    """A task or launch plan that is registered elsewhere: its interface is all that is known of it, and all that is needed."""
    from flyteidl.admin import launch_plan_pb2, task_pb2
    from flyteidl.core.identifier_pb2 import ResourceType

    identifier, interface = model.template.id.to_flyte_idl(), entity.interface.to_flyte_idl()
    if model.template.resource_type == ResourceType.TASK:
        return "task", task_pb2.TaskSpec(template={"id": identifier, "type": "reference", "interface": interface})
    plan = launch_plan_pb2.LaunchPlan(id=identifier)
    for name, variable in interface.inputs.variables.items():
        plan.closure.expected_inputs.parameters[name].var.CopyFrom(variable)
        plan.closure.expected_inputs.parameters[name].required = True
    plan.closure.expected_outputs.CopyFrom(interface.outputs)
    return "reference", plan


if __name__ == "__main__":
    main()
