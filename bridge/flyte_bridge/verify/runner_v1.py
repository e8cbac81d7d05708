"""Runs Flyte 1 workflows in flytekit's local execution: `python -m flyte_bridge.verify.runner_v1 JOB`.

Imports flytekit and never flyte. Which workflows there are, what they need and with which inputs they run is decided
here, where the types are known; Flyte 2's runner gets the same plain inputs.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import pathlib
import random
import re
import sys
import traceback
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, get_args, get_origin

from flyte_bridge.verify import canonical
from flyte_bridge.verify.entities_v1 import cannot_run, critical_path, function_of, inside, own_values, with_default
from flyte_bridge.verify.inputs import CALLED, DEFAULT, GENERATED, GIVEN, PLANNED, entity_id, for_target, row_id
from flyte_bridge.verify.samples import sample
from flyte_bridge.verify.values import NoValue, PlainReader, generate
from flyte_bridge.verify.worker import Events, Job, Refuse, attempt, import_modules

# flytekit's local execution puts one such line per level in front of an exception's message
_PREFIX = re.compile(r"^(?:Error encountered while executing '[^']*':\s+)+")

_COLUMN = {int: [1, 2, 3], float: [0.5, 1.5, 2.5], str: ["a", "b", "c"], bool: [True, False, True]}
"""What a column of a made-up frame holds."""

_SUFFIXES = {"csv": "a,b\n1,2\n3,4\n", "json": '{"a": 1}', "txt": "one\ntwo\n", "": "one\ntwo\n"}
"""What a made-up file holds, by its declared extension."""

_LACKS = {
    "ConnectionError": "needs the network",
    "DockerException": "needs Docker",
    "NoCredentialsError": "needs credentials",
    "URLError": "needs the network",
    "gaierror": "needs the network",
}
"""What this machine lacks when one of these exceptions comes out of a library."""


def main() -> None:
    """Do the job whose path is the one argument."""
    sys.meta_path.insert(0, Refuse("flyte", "this is Flyte 1's process: flyte and flytekit do not mix in one process"))
    import flytekit  # noqa: F401 - before the user's directory is on the path, where a flytekit.py may lie

    job = Job.read(sys.argv[1])
    events = Events(job)
    modules = import_modules(job, events)
    runner = Flyte1Runner(job, events)
    targets = runner.find(modules)
    for target, (entity, inputs) in targets.items():
        if target not in job.skip:
            attempt(events, target, partial(runner.run, entity, inputs), runner.explain)
    events.write("end")


class Flyte1Runner:
    """Finds, prepares and runs entities."""

    def __init__(self, job: Job, events: Events) -> None:
        self._job = job
        self._events = events
        self._reader = PlainReader(self._special, pathlib.Path(job.base), pathlib.Path(job.scratch))

    def find(self, modules: Mapping[str, Any]) -> dict[str, tuple[Any, dict[str, Any]]]:
        """The entities that can run, with their plain inputs; each one found is told, runnable or not."""
        from flytekit.core.base_task import PythonTask
        from flytekit.core.launch_plan import LaunchPlan
        from flytekit.core.reference_entity import ReferenceEntity
        from flytekit.core.workflow import WorkflowBase

        workflows: dict[str, Any] = {}
        tasks: dict[str, Any] = {}
        plans: dict[str, Any] = {}
        seen: set[int] = set()
        for module_name, module in modules.items():
            for name, value in vars(module).items():
                if not isinstance(value, WorkflowBase | PythonTask | LaunchPlan) or isinstance(value, ReferenceEntity):
                    continue
                if self._job.only is not None and f"{module_name}:{name}" not in self._job.only:
                    continue
                # an import from elsewhere is found there, and a second name for one thing is no second thing
                if getattr(function_of(value), "__module__", module_name) != module_name or id(value) in seen:
                    continue
                seen.add(id(value))
                if isinstance(value, LaunchPlan):
                    plans[f"{module_name}:{name}"] = value
                elif isinstance(value, WorkflowBase):
                    workflows[f"{module_name}:{name}"] = value
                elif self._job.tasks:
                    tasks[f"{module_name}:{name}"] = value
        used: set[str] = set()
        runnable: dict[str, tuple[Any, dict[str, Any]]] = {}
        for target, entity in workflows.items():
            reason = None
            try:
                called = list(inside(entity))
                used.update(one.name for one in called if hasattr(one, "name"))
                reason = next((why for one in called if (why := cannot_run(one)) is not None), None)
            except Exception as error:
                self._events.write(
                    "found",
                    id=target,
                    kind="workflow",
                    inputs={},
                    sources={},
                    outputs=[],
                    skip=None,
                    path=None,
                    sample=False,
                )
                self._events.write("raised", id=target, **self._events.error(error, **self.explain(error)), at=0)
                continue
            runnable |= self._tell(target, entity, "workflow", reason)
        for target, plan in plans.items():
            try:
                reason = next((why for one in inside(plan.workflow) if (why := cannot_run(one)) is not None), None)
            except Exception:  # the workflow's own verdict says what is wrong with it
                continue
            # a plan without values of its own runs as its workflow does
            if own_values(plan):
                runnable |= self._tell(target, plan, "launch plan", reason)
        for target, entity in tasks.items():
            if entity.name not in used:
                runnable |= self._tell(target, entity, "task", cannot_run(entity))
        return runnable

    def _tell(self, target: str, entity: Any, kind: str, skip: str | None) -> dict[str, tuple[Any, dict[str, Any]]]:
        """Tells of an entity, once per row of inputs; the rows that can run."""
        if self._job.targets is not None:
            return {row: (entity, inputs) for row, inputs in self._job.targets.items() if entity_id(row) == target}
        rows: list[tuple[dict[str, Any], dict[str, str], bool]] = [({}, {}, False)]
        if skip is None:
            try:
                rows = self._rows(target, entity, kind)
            except NoValue as error:
                skip = str(error)
        told = {row_id(target, number): row for number, row in enumerate(rows)}
        for row, (inputs, sources, drawn) in told.items():
            if row not in self._job.skip:
                self._events.write(
                    "found",
                    id=row,
                    kind=kind,
                    inputs=inputs,
                    sources=sources,
                    outputs=list(entity.python_interface.outputs),
                    skip=skip,
                    path=critical_path(entity) if kind == "workflow" and row == target else None,
                    sample=drawn,
                )
        return {row: (entity, inputs) for row, (inputs, _, _) in told.items()} if skip is None else {}

    def _rows(self, target: str, entity: Any, kind: str) -> list[tuple[dict[str, Any], dict[str, str], bool]]:
        """The rows of inputs: the user's, or one by the order in `inputs`; then those that are drawn."""
        own = own_values(entity) if kind == "launch plan" else frozenset()
        wanted = {name: one for name, one in entity.python_interface.inputs_with_defaults.items() if name not in own}
        defaulted = with_default(getattr(entity, "workflow", entity))
        module, _, name = target.partition(":")
        rows = []
        for given in for_target(self._job.given, module, name):
            inputs, sources = self._choose(target, given, wanted, defaulted)
            rows.append((inputs, sources | dict.fromkeys(own, PLANNED), False))
        if wanted:
            rows += [self._draw(target, number, wanted, rows[0]) for number in range(self._job.samples)]
        return rows

    def _draw(
        self,
        target: str,
        number: int,
        wanted: Mapping[str, tuple[Any, Any]],
        first: tuple[dict[str, Any], dict[str, str], bool],
    ) -> tuple[dict[str, Any], dict[str, str], bool]:
        """A row drawn from the types; what cannot be drawn is as in the first row."""
        inputs, sources = dict(first[0]), dict(first[1])
        for argument, (hint, _) in wanted.items():
            try:
                inputs[argument] = sample(hint, _make_up, random.Random(f"{target} {number} {argument}"))
            except NoValue:
                continue
            sources[argument] = GENERATED
        return inputs, sources, True

    def _choose(
        self,
        target: str,
        given: Mapping[str, Any],
        wanted: Mapping[str, tuple[Any, Any]],
        defaulted: frozenset[str],
    ) -> tuple[dict[str, Any], dict[str, str]]:
        module, _, name = target.partition(":")
        called = self._job.calls.get(module, {}).get(name, {})
        if unknown := sorted(set(given) - set(wanted)):
            raise NoValue(f"--inputs names {', '.join(unknown)}, but it takes {', '.join(wanted) or 'nothing'}")
        inputs: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for argument, (hint, default) in wanted.items():
            if argument in given:
                inputs[argument], sources[argument] = given[argument], GIVEN
            elif argument in called and self._fits(called[argument], hint):
                inputs[argument], sources[argument] = called[argument], CALLED
            elif default is not None or argument in defaulted:
                sources[argument] = DEFAULT
            else:
                try:
                    inputs[argument], sources[argument] = generate(hint, _make_up), GENERATED
                except NoValue as error:
                    raise NoValue(f"input {argument}: {error}; give one with --inputs") from None
        return inputs, sources

    def _fits(self, plain: Any, hint: Any) -> bool:
        try:
            self._reader.read(plain, hint)
        except Exception:  # whatever the user's own class makes of it, it is no input then
            return False
        return True

    def run(self, entity: Any, inputs: Mapping[str, Any]) -> list[Any]:
        """Run an entity; its outputs in canonical form."""
        hints = entity.python_interface.inputs
        result = entity(**{name: self._reader.read(plain, hints[name]) for name, plain in inputs.items()})
        if inspect.isawaitable(result):
            result = asyncio.run(_wait(result))
        names = list(entity.python_interface.outputs)
        walk = canonical.Canonical(_hook)
        if not names:
            return []
        if len(names) == 1:
            alone = isinstance(result, tuple) and getattr(result, "_fields", None) == tuple(names)
            return [walk.of(result[0] if alone else result)]
        return [walk.of(item) for item in result]

    def explain(self, error: BaseException) -> dict[str, Any]:
        """What only Flyte 1 knows about an error."""
        import click
        from flytekit.exceptions.user import FlyteRecoverableException, FlyteUserRuntimeException

        told = error.value if isinstance(error, FlyteUserRuntimeException) else error
        raw = told.args[0] if len(told.args) == 1 and isinstance(told.args[0], str) else str(told)
        message = _message(told, raw)
        own = self._own(told)
        needs = None if own else _LACKS.get(type(told).__name__)
        if needs is not None:
            needs = f"{needs}: {message}"
        elif isinstance(told, click.exceptions.Abort):
            needs = "waits for a person to answer"
        elif "SecretsManager" in message or _raised_by(told, "check_group_key", "get", module="context_manager.py"):
            needs = f"needs a secret: {message}"
        # a message that our own runner did not see the user write is not the user's exception
        return {
            "type": type(told).__name__,
            "message": message,
            "needs": needs,
            "own": own,
            "in_workflow": _in_workflow(error, told),
            "retried": isinstance(told, FlyteRecoverableException),
        }

    def _own(self, error: BaseException) -> bool:
        seen: BaseException | None = error
        while seen is not None:
            if self._events.error(seen)["own"]:
                return True
            seen = seen.__cause__
        return False

    def _special(self, plain: Any, hint: Any) -> Any:
        from flytekit.types.directory import FlyteDirectory
        from flytekit.types.file import FlyteFile
        from flytekit.types.schema import FlyteSchema
        from flytekit.types.structured import StructuredDataset

        bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if not isinstance(bare, type):
            return NotImplemented
        if issubclass(bare, FlyteFile | FlyteDirectory):
            return bare(_url(plain) or str(self._reader.path(plain)))
        if issubclass(bare, StructuredDataset):
            return bare(dataframe=self._reader.frame(plain))
        if issubclass(bare, FlyteSchema):
            schema = bare()
            schema.open().write(self._reader.frame(plain))
            return schema
        if issubclass(bare, os.PathLike):
            return self._reader.path(plain)
        return NotImplemented


def _message(error: BaseException, raw: str) -> str:
    """What an exception was made with: local execution puts where it was in front, and Flyte's own print their code too."""
    from flytekit.exceptions.base import FlyteException

    code = f"{type(error).error_code}: error=" if isinstance(error, FlyteException) else None
    message = _PREFIX.sub("", raw)
    while code and message.startswith(code):
        message = _PREFIX.sub("", message.removeprefix(code))
    return message


def _in_workflow(*errors: BaseException) -> bool:
    """Whether the last entity that was at work, as the tracebacks tell from outside to inside, is a workflow and no task."""
    from flytekit.core.base_task import PythonTask
    from flytekit.core.workflow import WorkflowBase

    entities = [
        frame.f_locals.get("self")
        for error in dict.fromkeys(errors)
        for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    at_work = [entity for entity in entities if isinstance(entity, PythonTask | WorkflowBase)]
    return bool(at_work) and isinstance(at_work[-1], WorkflowBase)


async def _wait(result: Any) -> Any:
    return await result


def _url(plain: Any) -> str | None:
    return plain if isinstance(plain, str) and "://" in plain else None


def _raised_by(error: BaseException, *functions: str, module: str) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code
    return code.co_name in functions and os.path.basename(code.co_filename) == module  # noqa: PTH119 - a name, not a path


def _hook(value: Any, walk: canonical.Canonical) -> Any:
    """What Flyte 1's own types hold."""
    from flytekit.types.directory import FlyteDirectory
    from flytekit.types.file import FlyteFile
    from flytekit.types.schema import FlyteSchema
    from flytekit.types.structured import StructuredDataset

    if isinstance(value, FlyteFile):
        return canonical.file(os.fspath(value))
    if isinstance(value, FlyteDirectory):
        return canonical.directory(os.fspath(value))
    if isinstance(value, StructuredDataset):
        return walk.of(value.dataframe if value.dataframe is not None else _opened(value))
    if isinstance(value, FlyteSchema):
        return walk.of(value.open().all())
    return None


def _opened(value: Any) -> Any:
    try:
        import pandas as pd
    except ImportError:
        import pyarrow as pa

        return value.open(pa.Table).all()
    return value.open(pd.DataFrame).all()


def _make_up(hint: Any) -> Any:
    """A plain value for Flyte 1's own types."""
    from flytekit.types.directory import FlyteDirectory
    from flytekit.types.file import FlyteFile
    from flytekit.types.schema import FlyteSchema
    from flytekit.types.structured import StructuredDataset

    annotated = get_origin(hint) is Annotated
    bare = get_args(hint)[0] if annotated else hint
    if not isinstance(bare, type):
        return NotImplemented
    if issubclass(bare, FlyteFile | FlyteDirectory):
        declared: Any = bare
        extension = str(declared.extension() or "").lstrip(".")
        text = _SUFFIXES.get(extension)
        if text is None:
            raise NoValue(f"no {extension} file can be made up")
        made = {"$file": text, "suffix": f".{extension or 'txt'}"}
        return made | ({"directory": True} if issubclass(bare, FlyteDirectory) else {})
    frame = issubclass(bare, StructuredDataset | FlyteSchema) or bare.__name__ == "DataFrame"
    if not frame:
        return NotImplemented
    columns = _columns(hint, bare)
    if not columns:
        raise NoValue(f"which columns the {bare.__name__} has is not known")
    if unknown := sorted({kind.__name__ for kind in columns.values() if kind not in _COLUMN}):
        raise NoValue(f"no column of type {', '.join(unknown)} can be made up")
    return {name: _COLUMN[kind] for name, kind in columns.items()}


def _columns(hint: Any, bare: Any) -> Mapping[str, Any]:
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, Mapping):
                return extra
    columns = getattr(bare, "columns", None)
    found = columns() if callable(columns) else None
    return found if isinstance(found, Mapping) else {}


if __name__ == "__main__":
    main()
