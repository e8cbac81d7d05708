"""A test bed: real flytekit workflows, compiled, deployed to a real embedded backend and run there by the driver."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.task import common_pb2

import admitted
from flyte_bridge import config
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.query import query
from flyte_bridge.backend.storage import Storage
from flyte_bridge.embedded_client import access
from flyte_bridge.errors import AlreadyExists, NoSuchObject
from flyte_bridge.registry import Registry, specs
from flyte_bridge_translators.wire import error_document, identifier, node_record
from flyte_bridge_translators.wire import execution as wire_execution
from wire.serialized import serialize

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from flyteidl2.workflow import run_definition_pb2

    from wire.serialized import Serialized

PROJECT, DOMAIN, ORG = "flytesnacks", "development", "local"


@dataclass
class Done:
    """A run that has ended.

    Attributes:
        run: Its name.
        details: Its root.
        actions: All its actions' details by name.
        literals: What it put out, as literals.
        outputs: The same as Python values; empty if it failed.
        left: Code and message of its `error.pb`.
    """

    run: str
    details: run_definition_pb2.ActionDetails
    actions: Mapping[str, run_definition_pb2.ActionDetails]
    literals: literals_pb2.LiteralMap
    outputs: Mapping[str, Any] = field(default_factory=dict)
    left: tuple[str, str] = ("", "")

    @property
    def phase(self) -> str:
        """How it ended."""
        return phase(self.details)

    @property
    def value(self) -> Any:
        """The only output."""
        assert self.phase == "SUCCEEDED", self.error
        assert len(self.outputs) == 1, self.outputs
        return next(iter(self.outputs.values()))

    @property
    def error(self) -> tuple[str, str]:
        """Code and message of its failure."""
        if self.details.error_info.code:
            return self.details.error_info.code, self.details.error_info.message
        return self.left  # the Go backend tells no code

    def phases(self) -> dict[str, str]:
        """How each child ended."""
        return {name: phase(one) for name, one in self.actions.items() if name != "a0"}

    def parallel(self) -> int:
        """How many of the tasks ran at once, at most."""
        marks = []
        for name, one in self.actions.items():
            if name != "a0" and one.status.HasField("end_time"):
                marks += [(one.status.start_time.ToNanoseconds(), 1), (one.status.end_time.ToNanoseconds(), -1)]
        most = now = 0
        for _, step in sorted(marks):
            now += step
            most = max(most, now)
        return most


def phase(details: Any) -> str:
    """An action's phase without its prefix."""
    reached = node_record.phase_of(details.status.phase, details.metadata.group)
    return phase_pb2.ActionPhase.Name(reached).removeprefix("ACTION_PHASE_")


class Bed:
    """A backend that workflows of flytekit are deployed to and run on."""

    def __init__(self, endpoint: str, data_dir: Path, like: str = "own") -> None:
        self.endpoint = endpoint
        self.like = like
        self.data_dir = data_dir
        self.access = access.read(data_dir)
        self._serialized: dict[str, Any] = {}

    def do(self, work: Any) -> Any:
        """Do something with a `Backend`, here and now.

        Args:
            work: Takes the backend, gives a coroutine.
        """

        async def within() -> Any:
            async with BackendClient(admitted.caller(self.endpoint, self.access)) as backend:
                return await work(backend)

        return asyncio.run(within())

    def storage_environment(self) -> dict[str, str]:
        """Where the backend's object storage is, as its tasks are told."""
        return {
            "FLYTE_AWS_ENDPOINT": f"http://{self.endpoint}",
            "FLYTE_AWS_ACCESS_KEY_ID": self.access.s3_key,
            "FLYTE_AWS_SECRET_ACCESS_KEY": self.access.s3_secret,
            "AWS_REGION": "us-east-1",
        }

    # -- registration -------------------------------------------------------------------------------------------------

    def register(self, entity: Any) -> Any:
        """Deploy a workflow or launch plan of flytekit with all it needs; what flytekit made of it."""
        if entity.name not in self._serialized:
            made = serialize(entity)
            self.do(lambda backend: self._deploy(backend, made))
            self._serialized[entity.name] = made
        return self._serialized[entity.name]

    async def _deploy(self, backend: BackendClient, made: Serialized) -> None:
        registry = Registry(backend, config.load())
        for spec in made.tasks.values():
            await _once(registry.put_task(task_pb2.TaskCreateRequest(id=spec.template.id, spec=spec)))
        for name in made.workflows:
            workflow = workflow_pb2.Workflow(id=made.workflows[name].template.id)
            workflow.closure.compiled_workflow.CopyFrom(made.compiled(name))
            await _once(registry.put_workflow(workflow))
        for plan in made.launch_plans.values():
            plan.spec.default_inputs.CopyFrom(plan.closure.expected_inputs)
            await _once(registry.put_launch_plan(plan))

    # -- running ------------------------------------------------------------------------------------------------------

    def start(
        self,
        entity: Any,
        spec: execution_pb2.ExecutionSpec | None = None,
        name: str = "",
        relation: bool = True,
        **inputs: Any,
    ) -> str:
        """Start an execution; the run's name.

        Args:
            entity: A workflow or launch plan of flytekit.
            spec: More of the execution's spec.
            name: Its v1 name.
            relation: Whether the backend is told of the run it comes from; one that knows no recovery ignores that.
            **inputs: Python values.
        """
        self.register(entity)
        own = _identifier(entity)
        full = execution_pb2.ExecutionSpec(launch_plan=own, max_parallelism=25)
        if spec is not None:
            full.MergeFrom(spec)
        name = name or f"x{uuid.uuid4().hex[:12]}"
        request = wire_execution.to_run(
            project=PROJECT, domain=DOMAIN, name=name, spec=full, task=identifier.deployed(own, org=ORG),
            inputs=_literals(entity, inputs), org=ORG,
        )  # fmt: skip
        if not relation:
            request.run_spec.ClearField("relation")
            request.run_spec.ClearField("related_to")
        self.do(
            lambda backend: backend.create_run(
                run_id=request.run_id, task_id=request.task_id, inputs=request.inputs, run_spec=request.run_spec
            )
        )
        return str(request.run_id.name)

    def start_only(self, entity: Any, name: str, **inputs: Any) -> None:
        """Start a workflow of which nothing is registered but itself.

        Args:
            entity: Of flytekit.
            name: The run's name.
            **inputs: Python values.
        """
        made = serialize(entity)
        workflow = workflow_pb2.Workflow(id=made.workflows[entity.name].template.id)
        workflow.closure.compiled_workflow.CopyFrom(made.compiled(entity.name))
        spec, _ = specs.of_workflow(workflow, None, specs.DriverPod.of(config.load()))
        given = common_pb2.Inputs()
        for key, literal in _literals(entity, inputs).literals.items():
            given.literals.add(name=key).value.ParseFromString(literal.SerializeToString())
        run_id = run_identifier(name)
        self.do(lambda backend: backend.create_run(run_id=run_id, task_spec=spec, inputs=given))

    def run(self, entity: Any, spec: execution_pb2.ExecutionSpec | None = None, name: str = "", **inputs: Any) -> Done:
        """Run to the end."""
        return self.done(entity, self.start(entity, spec, name, **inputs))

    def done(self, entity: Any, run: str) -> Done:
        """A run when it has ended."""

        async def watch(backend: BackendClient) -> Done:
            run_id = run_identifier(run)
            root = v2_identifier_pb2.ActionIdentifier(run=run_id, name="a0")
            details = None
            async for details in backend.watch_action(action_id=root):  # noqa: B007 - the last one counts
                pass
            assert details is not None
            actions = await all_actions(backend, run_id)
            while not await self._enqueued(backend, root) <= set(actions):  # rows may come later than the enqueue
                actions = await all_actions(backend, run_id)
            literals = literals_pb2.LiteralMap()
            if phase(details) == "SUCCEEDED":
                data = await backend.get_action_data(action_id=root)
                literals.ParseFromString(data.outputs.SerializeToString())
            return Done(run, details, actions, literals, left=await self._left(details))

        done: Done = self.do(watch)
        if done.phase == "SUCCEEDED":
            done.outputs = _values(entity, done.literals)
        return done

    async def _enqueued(self, backend: BackendClient, root: Any) -> set[str]:
        names: set[str] = set()
        async for update in backend.watch_children(parent=root):
            if update is None:
                break
            names.add(update.action_id.name)
        return names

    async def _left(self, details: Any) -> tuple[str, str]:
        uri = error_document.beside(details.attempts[-1].outputs.output_uri if details.attempts else "")
        try:
            error = error_document.read(await Storage(self.storage_environment()).read(uri)) if uri else None
        except NoSuchObject:
            return "", ""
        return (error.code, error.message) if error is not None else ("", "")

    def log(self, run: str, action: str) -> str:
        """What a child's first attempt has printed."""
        action_id = v2_identifier_pb2.ActionIdentifier(run=run_identifier(run), name=action)

        async def lines(backend: BackendClient) -> str:
            return "\n".join(
                [
                    line.message
                    async for message in backend.tail_logs(action_id=action_id)
                    for chunk in message.logs
                    for line in chunk.lines
                ]
            )

        told: str = self.do(lines)
        return told

    def kill_driver(self, run: str, *, gently: bool = False) -> bool:
        """End the process that drives a run, if there is one: all of a sudden, or asking it to go."""
        return self._signal(run, signal.SIGTERM if gently else signal.SIGKILL)

    def stop_driver(self, run: str) -> bool:
        """Have the process that drives a run stand still, so that nothing but SIGKILL gets through to it."""
        return self._signal(run, signal.SIGSTOP)

    def _signal(self, run: str, number: int) -> bool:
        attempts = sorted((self.data_dir / "work" / PROJECT / DOMAIN / run / "a0").glob("*/pid.json"))
        for file in reversed(attempts):
            with suppress(ValueError, OSError):
                os.kill(json.loads(file.read_text())["pid"], number)
                return True
        return False

    def until(self, question: Any, timeout: float = 120) -> Any:
        """Ask again until the answer is true."""
        deadline = time.monotonic() + timeout
        while not (answer := self.do(question)):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)
        return answer


def run_identifier(name: str) -> v2_identifier_pb2.RunIdentifier:
    """A run's identity."""
    return v2_identifier_pb2.RunIdentifier(org=ORG, project=PROJECT, domain=DOMAIN, name=name)


async def all_actions(backend: BackendClient, run_id: Any) -> dict[str, Any]:
    """The details of all actions of a run."""
    names: list[str] = []
    token = ""
    while True:
        page = await backend.list_actions(run_id=run_id, request=query(limit=200, token=token, sort="created_at"))
        names += [one.id.name for one in page.actions]
        token = page.token
        if not token:
            break

    async def details(name: str) -> Any:
        return await backend.get_action(action_id=v2_identifier_pb2.ActionIdentifier(run=run_id, name=name))

    found = await asyncio.gather(*(details(name) for name in names))
    return dict(zip(names, found, strict=True))


async def _once(registration: Any) -> None:
    """Register what another workflow may have brought along already."""
    with suppress(AlreadyExists):
        await registration


def _identifier(entity: Any) -> identifier_pb2.Identifier:
    from flytekit.core.launch_plan import LaunchPlan

    kind = identifier_pb2.LAUNCH_PLAN if isinstance(entity, LaunchPlan) else identifier_pb2.WORKFLOW
    return identifier_pb2.Identifier(resource_type=kind, project=PROJECT, domain=DOMAIN, name=entity.name, version="v1")


def _literals(entity: Any, inputs: Mapping[str, Any]) -> literals_pb2.LiteralMap:
    from flytekit.core.context_manager import FlyteContextManager
    from flytekit.core.type_engine import TypeEngine

    types = entity.python_interface.inputs
    context = FlyteContextManager.current_context()
    made = TypeEngine.dict_to_literal_map(context, dict(inputs), {name: types[name] for name in inputs})
    result = made.to_flyte_idl()
    for name, (_, default) in getattr(entity.python_interface, "inputs_with_defaults", {}).items():
        if name not in inputs and default is not None and not hasattr(entity, "fixed_inputs"):
            one = TypeEngine.dict_to_literal_map(context, {name: default}, {name: types[name]}).to_flyte_idl()
            result.literals[name].CopyFrom(one.literals[name])
    return result


def _values(entity: Any, literals: literals_pb2.LiteralMap) -> dict[str, Any]:
    from flytekit.core.context_manager import FlyteContextManager
    from flytekit.core.type_engine import TypeEngine
    from flytekit.models.literals import LiteralMap

    context = FlyteContextManager.current_context()
    types = dict(entity.python_interface.outputs)
    made = TypeEngine.literal_map_to_kwargs(context, LiteralMap.from_flyte_idl(literals), types)
    return {name: made[name] for name in types}
