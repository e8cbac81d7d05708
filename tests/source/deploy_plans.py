"""Run by `test_generated` in a process of its own, which imports flyte and never flytekit.

For each file named on the command line: import it, plan the deployment of all its environments as `flyte deploy` does,
translate every task and trigger to the wire, and print one JSON line: the file, its tasks and triggers, or what failed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import flyte
from flyte._deploy import plan_deploy
from flyte._internal.image_cache import ImageCache
from flyte._internal.runtime.task_serde import translate_task_to_wire
from flyte._internal.runtime.trigger_serde import to_task_trigger
from flyte.models import SerializationContext


def planned(path: Path, number: int) -> dict[str, Any]:
    """What would be deployed of one file."""
    name = f"case_{number}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    environments = [value for value in vars(module).values() if isinstance(value, flyte.TaskEnvironment)]
    found = {env.name: env for plan in plan_deploy(*environments) for env in plan.envs.values()}
    images = ImageCache(image_lookup=dict.fromkeys(found, "image:1"), build_run_ids={})
    context = SerializationContext(
        project="p", domain="d", org="o", version="v", root_dir=path.parent, image_cache=images
    )
    tasks: list[str] = []
    triggers: list[str] = []
    for env in found.values():
        for task in env.tasks.values():
            wire = translate_task_to_wire(task, context)
            tasks.append(wire.task_template.id.name)
            for trigger in task.triggers:
                made = asyncio.run(to_task_trigger(trigger, task.name, wire.task_template.interface.inputs, []))
                triggers.append(made.name)
    return {"tasks": sorted(tasks), "triggers": sorted(triggers)}


def main() -> None:
    for number, argument in enumerate(sys.argv[1:]):
        path = Path(argument)
        try:
            with contextlib.redirect_stdout(sys.stderr):  # whatever the module or the SDK's logger prints
                result = planned(path, number)
        except ModuleNotFoundError as error:
            result = {"missing": error.name}
        except Exception as error:
            result = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps({"file": argument, **result}), flush=True)


if __name__ == "__main__":
    main()
