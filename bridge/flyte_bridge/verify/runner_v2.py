"""Runs converted workflows in flyte's local mode, or on a backend: `python -m flyte_bridge.verify.runner_v2 JOB`.

Imports flyte and never flytekit: a conversion that still needs Flyte 1 is not one.
"""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from flyte_bridge.verify import canonical
from flyte_bridge.verify.inputs import entity_id
from flyte_bridge.verify.values import PlainReader
from flyte_bridge.verify.worker import Events, Job, Refuse, attempt, import_modules

if TYPE_CHECKING:
    from collections.abc import Mapping


def main() -> None:
    """Do the job whose path is the one argument."""
    job = Job.read(sys.argv[1])
    os.environ.update(job.backend)
    import flyte

    sys.meta_path.insert(0, Refuse("flytekit", "the conversion still imports flytekit"))
    if job.backend:
        flyte.init_from_config(root_dir=pathlib.Path(job.root))
    else:
        flyte.init()
    events = Events(job)
    modules = import_modules(job, events)
    runner = Flyte2Runner(job)
    for target, inputs in (job.targets or {}).items():
        module, _, name = entity_id(target).partition(":")
        if target in job.skip or module not in modules:
            continue
        attempt(events, target, partial(runner.run, modules[module], name, inputs), _explain)
    events.write("end")


class RunFailed(Exception):
    """Raised when a run on a backend does not succeed.

    Attributes:
        code: The class of the exception that the task raised, or the backend's own code.
        own: Whether the user's code raised it.
    """

    def __init__(self, code: str, message: str, *, own: bool) -> None:
        super().__init__(message)
        self.code = code
        self.own = own


class Flyte2Runner:
    """Runs tasks."""

    def __init__(self, job: Job) -> None:
        self._on_backend = bool(job.backend)
        self._scratch = pathlib.Path(job.scratch)
        self._reader = PlainReader(self._special, pathlib.Path(job.base), self._scratch)

    def run(self, module: Any, name: str, inputs: Mapping[str, Any]) -> list[Any]:
        """Run a module's task; its outputs in canonical form."""
        import flyte
        from flyte._context import internal_ctx
        from flyte._task import TaskTemplate
        from flyte.models import RawDataPath

        task = getattr(module, name, None)
        planned: dict[str, Any] = {}
        if isinstance(task, flyte.Trigger):
            planned = {key: value for key, value in (task.inputs or {}).items() if value is not flyte.TriggerTime}
            task = _task_of(task)
        if not isinstance(task, TaskTemplate):
            raise LookupError(f"the converted module {module.__name__} has no task {name}")
        hints = {argument: hint for argument, (hint, _) in task.native_interface.inputs.items()}
        if unknown := sorted(set(inputs) - set(hints)):
            raise LookupError(f"the conversion of {name} has no input {', '.join(unknown)}")
        values = planned | {argument: self._reader.read(plain, hints[argument]) for argument, plain in inputs.items()}
        outputs = self._remotely(task, values) if self._on_backend else self._locally(task, values)
        if not task.native_interface.outputs:
            return []
        walk = canonical.Canonical(self._hook)
        # a frame that is opened outside a run is stored again first, and 2.12 wants to know where
        with internal_ctx().new_raw_data_path(RawDataPath.from_local_folder(str(self._scratch / "opened"))):
            return [walk.of(item) for item in outputs]

    def _locally(self, task: Any, values: Mapping[str, Any]) -> Any:
        import flyte

        # reads no cache, so that what is compared was computed; the paths keep the run in the scratch directory
        context = flyte.with_runcontext(
            mode="local",
            disable_run_cache=True,
            raw_data_path=str(self._scratch / "raw"),
            run_base_dir=str(self._scratch / "metadata"),
        )
        return context.run(task, **values).outputs()

    def _remotely(self, task: Any, values: Mapping[str, Any]) -> Any:
        import flyte
        from flyte.models import ActionPhase
        from flyteidl2.workflow.run_definition_pb2 import ErrorInfo

        run = flyte.with_runcontext(mode="remote", disable_run_cache=True).run(task, **values)
        run.wait(quiet=True)
        if run.phase == ActionPhase.SUCCEEDED:
            return run.outputs()
        error = run.details().action_details.error_info
        if error is None:
            raise RunFailed(str(run.phase), f"the run ended as {run.phase}", own=False)
        raise RunFailed(error.code.rpartition(".")[2], error.message, own=error.kind == ErrorInfo.KIND_USER)

    def _special(self, plain: Any, hint: Any) -> Any:
        from flyte.io import DataFrame, Dir, File

        bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        bare = get_origin(bare) or bare
        if not isinstance(bare, type):
            return NotImplemented
        if issubclass(bare, File | Dir):
            if isinstance(plain, str) and "://" in plain:
                return bare.from_existing_remote(plain)
            return bare.from_local_sync(str(self._reader.path(plain)))
        if issubclass(bare, DataFrame):
            return DataFrame.wrap_df(self._reader.frame(plain))
        return NotImplemented

    def _hook(self, value: Any, walk: canonical.Canonical) -> Any:
        """What Flyte 2's own types hold."""
        from flyte.io import DataFrame, Dir, File

        if isinstance(value, File):
            return canonical.file(self._local(value))
        if isinstance(value, Dir):
            return canonical.directory(self._local(value))
        if isinstance(value, DataFrame):
            return walk.of(_opened(value))
        return None

    def _local(self, value: Any) -> pathlib.Path:
        from flyte.io import File

        path = pathlib.Path(str(value.path).removeprefix("file://"))
        if path.exists():
            return path
        folder = pathlib.Path(tempfile.mkdtemp(dir=self._scratch))
        # a file is downloaded to a name that is free, a directory into one that is there
        return pathlib.Path(value.download_sync(str(folder / path.name if isinstance(value, File) else folder)))


def _task_of(trigger: Any) -> Any:
    """The task that a trigger fires."""
    from flyte._task import TaskTemplate

    for module in list(sys.modules.values()):
        for value in list(getattr(module, "__dict__", {}).values()):
            if isinstance(value, TaskTemplate) and any(one is trigger for one in value.triggers):
                return value
    return None


def _opened(value: Any) -> Any:
    held = getattr(value, "_raw_df", None)
    if held is not None:
        return held
    try:
        import pandas as pd
    except ImportError:
        import pyarrow as pa

        return value.open(pa.Table).all_sync()
    return value.open(pd.DataFrame).all_sync()


def _explain(error: BaseException) -> dict[str, Any]:
    """What only Flyte 2 knows about an error: which exception of the user's it stands for."""
    from flyte.errors import RuntimeUserError

    if isinstance(error, RunFailed):
        return {"type": error.code, "message": str(error), "own": error.own}
    if isinstance(error, RuntimeUserError):
        code = error.code.rpartition(".")[2]
        return {"type": code, "message": str(error), "own": True}
    return {}


if __name__ == "__main__":
    main()
