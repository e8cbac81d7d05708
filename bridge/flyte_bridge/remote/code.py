"""Code that is in no image: the tasks of a script that has been neither packed nor put into a container.

The documentation's examples work on a Flyte 1 whose image has the script as a module that can be imported. The embedded
backend's images are names, and importing a script would run it again in each task. So an execution that a script starts
there is told of a directory with a module of the script's name, which holds the script's tasks and nothing else, and of
the directories that the script imports from. Registered templates are as they would be for an image.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
from flytekit.core.base_task import PythonTask

if TYPE_CHECKING:
    from flyte_bridge.config import Settings

_FAST = "pyflyte-fast-execute"
_log = logging.getLogger("flyte_bridge.remote")

_MODULE = '''\
"""The tasks of {script}, as they were when an execution was started; written by flyte-bridge."""

import pathlib
import sys

import cloudpickle

if sys.version_info[:2] != {python}:
    raise ImportError("{script} was run by Python %d.%d, and this is %d.%d; run both by the same"
                      % ({python} + sys.version_info[:2]))
globals().update(cloudpickle.loads(pathlib.Path(__file__).with_suffix(".pickle").read_bytes()))
'''


def version(entity: Any, given: str | None, serialization: Any) -> str | None:
    """The version to register an entity as: what is given, else a digest of the script that defines it.

    Args:
        entity: A task or a workflow.
        given: What the caller asks for.
        serialization: flytekit's settings, which may name one.
    """
    named = given or getattr(serialization, "version", None)
    script = _script()
    if named or script is None or _module_of(entity) != "__main__":
        return given
    return hashlib.sha256(script.read_bytes()).hexdigest()[:32]


def with_path(envs: dict[str, str] | None, entity: Any, settings: Settings) -> dict[str, str] | None:
    """An execution's variables, with the places of a script's code for tasks that look for it on the PYTHONPATH.

    Tasks whose code was uploaded must not find a newer one, and images that stand for a place have theirs.

    Args:
        envs: What the caller asks for.
        entity: What is executed: a `FlyteTask`, `FlyteWorkflow` or `FlyteLaunchPlan`.
        settings: Which Flyte 2.
    """
    script = _script()
    if not settings.embedded or settings.task_images or script is None or _uploaded(entity):
        return envs
    given = dict(envs or {})
    places = [given.get("PYTHONPATH"), _module(script, settings), str(script.parent), *_import_path()]
    given["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, places)))
    return given


def _import_path() -> list[str]:
    """Where the script imports its own modules from: all but Python's own directories and what is installed there."""
    installed = {Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    places = [Path(place).resolve() for place in sys.path if place and Path(place).is_dir()]
    return [
        str(place)
        for place in places
        if not installed.intersection((place, *place.parents)) and place.name != "site-packages"
    ]


def _module_of(entity: Any) -> str | None:
    """Where an entity is defined: its function, or the entity itself if it has none."""
    function = getattr(entity, "task_function", None) or getattr(entity, "_workflow_function", None)
    return getattr(function, "__module__", None) or getattr(entity, "instantiated_in", None)


def _script() -> Path | None:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).resolve() if file else None


def _module(script: Path, settings: Settings) -> str | None:
    """A directory with a module of the script's tasks; `None` if there are none that can be pickled."""
    tasks: dict[str, Any] = {}
    for name, value in vars(sys.modules["__main__"]).items():
        if isinstance(value, PythonTask):
            try:
                cloudpickle.dumps(value)
            except Exception as error:  # whatever a task refers to may refuse in its own way
                _log.warning("task %s cannot be taken along: %s; tasks will import %s for it", name, error, script)
                return None
            tasks[name] = value
    if not tasks:
        return None
    data = cloudpickle.dumps(tasks)
    place = settings.data_dir / "code" / hashlib.sha256(data).hexdigest()[:32]
    module = place / f"{script.stem}.py"
    if not module.exists():
        place.mkdir(parents=True, exist_ok=True)
        temporary = place / f"{os.getpid()}.tmp"
        text = _MODULE.format(script=script.name, python=tuple(sys.version_info[:2]))
        for path, content in ((module.with_suffix(".pickle"), data), (module, text.encode())):
            temporary.write_bytes(content)
            temporary.replace(path)
    return str(place)


def _uploaded(entity: Any) -> bool:
    workflow = getattr(entity, "flyte_workflow", entity)
    tasks = getattr(workflow, "flyte_tasks", None) or [workflow]
    templates = [getattr(task, "template", task) for task in tasks]
    containers = [getattr(template, "container", None) for template in templates]
    return any(_FAST in (container.args or []) for container in containers if container is not None)
