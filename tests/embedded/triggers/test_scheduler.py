"""Triggers fire once per fire time, catch up after downtime, and keep their revisions."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from flyteidl2.common import run_pb2 as common_run_pb2
from flyteidl2.core import literals_pb2
from flyteidl2.task import common_pb2 as pb
from flyteidl2.trigger import trigger_definition_pb2 as definition
from flyteidl2.workflow import run_definition_pb2, run_service_pb2

from flyte_bridge.backend.keys import TriggerKey
from flyte_bridge.backend.moments import from_datetime
from flyte_bridge.embedded.faults import AlreadyExists, NotFound, NotNow
from flyte_bridge.embedded.go_like import GoLike
from flyte_bridge.embedded.server import Backend, BackendOptions
from flyte_bridge.embedded.services.trigger import deployment
from flyte_bridge.embedded.store import Store
from flyte_bridge.embedded.triggers.repository import TriggerRepository
from flyte_bridge.embedded.triggers.scheduler import CATCH_UP, Scheduler, run_name
from flyte_bridge.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.model import TriggerRecord

BEGIN = datetime(2026, 6, 1, 12, 0, tzinfo=timezone.utc)
KEY = TriggerKey("p", "development", "env.task", "hourly")


class Hands:
    """A clock whose hands are turned by the test."""

    def __init__(self) -> None:
        self.at = BEGIN

    def now(self) -> Micros:
        return from_datetime(self.at)

    def turn(self, **by: float) -> None:
        self.at += timedelta(**by)


class Runs:
    """What CreateRun was asked for, with the real one's rule that a name is taken once."""

    def __init__(self) -> None:
        self.made: dict[str, run_service_pb2.CreateRunRequest] = {}
        self.fail: Exception | None = None

    async def create(self, request: run_service_pb2.CreateRunRequest) -> None:
        if self.fail is not None:
            raise self.fail
        if request.run_id.name in self.made:
            raise AlreadyExists(request.run_id.name)
        self.made[request.run_id.name] = request

    async def inputs(self, uri: str) -> pb.Inputs:
        assert uri == "s3://flyte/triggers/1"
        return pb.Inputs(literals=[literal("x", 1), literal("when", 2)])

    @property
    def hours(self) -> list[str]:
        """The fire times, as the runs carry them."""
        return [f"{request.run_start_time.ToDatetime():%d %H:%M}" for request in self.made.values()]


class World:
    def __init__(self, path: Path) -> None:
        self.clock = Hands()
        self.store = Store(path, self.clock)
        self.runs = Runs()
        self.restart()

    def restart(self) -> None:
        """A new process on the same data."""
        self.repository = TriggerRepository(self.store)
        self.scheduler = Scheduler(self.repository, self.runs.create, self.runs.inputs, self.clock)

    def deploy(
        self, key: TriggerKey = KEY, expression: str = "0 * * * *", active: bool = True, revision: int = 0
    ) -> TriggerRecord:
        spec = definition.TriggerSpec(active=active, task_version="v1", description="d")
        automation = pb.TriggerAutomationSpec(schedule=pb.Schedule(cron=pb.Cron(expression=expression)))
        return self.repository.deploy(deployment(key, spec, automation, self.clock.now()), revision)

    def tick(self) -> datetime | None:
        return asyncio.run(self.scheduler.tick())


def literal(name: str, value: int) -> pb.NamedLiteral:
    primitive = literals_pb2.Primitive(integer=value)
    return pb.NamedLiteral(name=name, value=literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=primitive)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "flyte.db")
    yield world
    world.store.close()


def test_nothing_fires_when_it_is_deployed(world: World) -> None:
    """Deploying fires nothing, not even at the very minute, and the next fire time is told."""
    world.deploy()
    assert world.tick() == BEGIN + timedelta(hours=1)
    assert not world.runs.made


def test_a_trigger_fires_once_per_fire_time(world: World) -> None:
    """However often the clock is looked at, a fire time makes one run."""
    world.deploy()
    for _ in range(10):
        world.clock.turn(minutes=15)
        world.tick()
        world.tick()
    assert world.runs.hours == ["01 13:00", "01 14:00"]


def test_the_run_is_asked_for_as_the_real_scheduler_does(world: World) -> None:
    """Name, trigger, source and start time are the real scheduler's."""
    world.deploy()
    world.clock.turn(hours=1, seconds=20)
    world.tick()
    (request,) = world.runs.made.values()
    # FNV-1 of "p:development:env.task:hourly:2026:6:1:13:0:0", computed apart from the code under test
    assert request.run_id.name == run_name(KEY, BEGIN + timedelta(hours=1))
    assert request.run_id.project == "p"
    assert request.trigger_name.task_name == "env.task"
    assert request.trigger_name.name == "hourly"
    assert request.source == run_definition_pb2.RUN_SOURCE_SCHEDULE_TRIGGER
    assert request.run_start_time.ToDatetime(tzinfo=timezone.utc) == BEGIN + timedelta(hours=1)
    assert not request.HasField("inputs")


def test_run_names_are_fnv_1() -> None:
    """The name is FNV-1, 64 bits: checked by the published vector for "a", and fits a run's 30 characters."""
    state = 0xCBF29CE484222325
    state = (state * 0x100000001B3) % 2**64 ^ ord("a")
    assert state == 0xAF63BD4C8601B7BE  # the reference's vector for FNV-1 64 of "a"
    name = run_name(KEY, BEGIN)
    text = b"p:development:env.task:hourly:2026:6:1:12:0:0"
    state = 0xCBF29CE484222325
    for byte in text:
        state = (state * 0x100000001B3) % 2**64 ^ byte
    assert name == f"r{state:x}"
    assert len(name) <= 17


def test_downtime_is_caught_up_once(world: World) -> None:
    """Fire times missed while no backend ran are made up for after the restart, each once, oldest first."""
    world.deploy()
    world.clock.turn(hours=1, minutes=1)
    world.tick()
    world.clock.turn(hours=4)
    world.restart()
    world.tick()
    world.restart()
    world.tick()
    assert world.runs.hours == ["01 13:00", "01 14:00", "01 15:00", "01 16:00", "01 17:00"]


def test_catching_up_is_bounded(world: World) -> None:
    """After a week of a minutely trigger, the latest 100 fire times are made up for; the others are passed over."""
    world.deploy(expression="* * * * *")
    world.deploy(TriggerKey("p", "development", "env.task", "daily"), expression="0 0 * * *")
    world.clock.turn(days=7)
    world.restart()
    world.tick()
    assert len(world.runs.made) == CATCH_UP
    assert world.runs.hours[-1] == "08 12:00"
    world.tick()
    assert len(world.runs.made) == CATCH_UP
    assert "missed" in world.repository.get(TriggerKey("p", "development", "env.task", "daily")).last_error


def test_a_crash_between_run_and_note_makes_no_second_run(world: World) -> None:
    """When the process dies after making the run and before noting it, the next one finds the run there."""
    world.deploy()
    world.clock.turn(hours=1)
    asyncio.run(
        world.runs.create(
            run_service_pb2.CreateRunRequest(
                run_id={"project": "p", "name": run_name(KEY, BEGIN + timedelta(hours=1))}  # type: ignore[arg-type]
            )
        )
    )
    world.tick()
    assert len(world.runs.made) == 1
    assert world.repository.get(KEY).last_fire == from_datetime(BEGIN + timedelta(hours=1))
    assert not world.repository.get(KEY).last_error


def test_an_inactive_trigger_does_not_fire_and_is_not_caught_up(world: World) -> None:
    """What passes while a trigger is inactive is not made up for when it is activated."""
    world.deploy()
    world.repository.set_active([KEY], active=False)
    world.clock.turn(hours=3)
    assert world.tick() is None
    world.repository.set_active([KEY], active=True)
    world.clock.turn(minutes=30)
    world.tick()
    assert not world.runs.made
    world.clock.turn(minutes=30)
    world.tick()
    assert world.runs.hours == ["01 16:00"]


def test_a_new_schedule_counts_from_its_deployment(world: World) -> None:
    """A trigger deployed again with another schedule fires nothing for the time before."""
    world.deploy(expression="0 0 1 1 *")
    world.clock.turn(hours=5, minutes=1)
    world.deploy(expression="0 * * * *")
    world.tick()
    assert not world.runs.made
    world.clock.turn(hours=1)
    world.tick()
    assert world.runs.hours == ["01 18:00"]


def test_deploying_the_same_schedule_again_loses_no_fire_time(world: World) -> None:
    """A deployment at 12:59 does not keep a missed 12:30 from being made up for."""
    world.deploy(expression="30 * * * *")
    world.clock.turn(minutes=59)
    world.deploy(expression="30 * * * *")
    world.tick()
    assert world.runs.hours == ["01 12:30"]


def test_the_kickoff_input_joins_the_triggers_own_inputs(world: World) -> None:
    """The fire time is given as the named input, beside the inputs the trigger has, offloaded or inline."""
    automation = pb.TriggerAutomationSpec(
        schedule=pb.Schedule(cron=pb.Cron(expression="0 * * * *"), kickoff_time_input_arg="when")
    )
    offloaded = definition.TriggerSpec(
        active=True,
        task_version="v1",
        offloaded_input_data=common_run_pb2.OffloadedInputData(uri="s3://flyte/triggers/1"),
    )
    inline = definition.TriggerSpec(active=True, task_version="v1", inputs=pb.Inputs(literals=[literal("y", 3)]))
    for name, spec in (("inline", inline), ("offloaded", offloaded)):
        key = TriggerKey("p", "development", "env.task", name)
        world.repository.deploy(deployment(key, spec, automation, world.clock.now()))
    world.clock.turn(hours=1)
    world.tick()
    got = {request.trigger_name.name: request.inputs.literals for request in world.runs.made.values()}
    assert [one.name for one in got["inline"]] == ["y", "when"]
    assert [one.name for one in got["offloaded"]] == ["x", "when"]
    for literals in got.values():
        at = literals[-1].value.scalar.primitive.datetime.ToDatetime(tzinfo=timezone.utc)
        assert at == BEGIN + timedelta(hours=1)


def test_a_run_that_is_refused_is_remembered_and_does_not_stop_the_others(world: World) -> None:
    """A fire time whose run is refused is noted with the reason; the next fire time is tried as ever."""
    world.deploy()
    world.runs.fail = NotFound("task env.task@v1 is not deployed")
    world.clock.turn(hours=1)
    world.tick()
    assert "13:00:00Z: task env.task@v1 is not deployed" in world.repository.get(KEY).last_error
    world.runs.fail = None
    world.clock.turn(hours=1)
    world.tick()
    assert world.runs.hours == ["01 14:00"]
    assert not world.repository.get(KEY).last_error


def test_a_failing_store_leaves_the_fire_time_due(world: World) -> None:
    """When the disk is full the fire time is not lost: it is tried again."""
    world.deploy()
    world.runs.fail = StoreError("disk full")
    world.clock.turn(hours=1)
    with pytest.raises(StoreError):
        world.tick()
    world.runs.fail = None
    world.tick()
    assert world.runs.hours == ["01 13:00"]


def test_the_loop_wakes_when_a_trigger_is_deployed(world: World) -> None:
    """The running loop fires what is due as soon as it is woken, without waiting for its next look."""

    async def live() -> None:
        await world.scheduler.start()
        await asyncio.sleep(0.05)
        world.deploy()
        world.clock.turn(hours=2)
        world.scheduler.wake()
        for _ in range(100):
            await asyncio.sleep(0.01)
            if world.runs.made:
                break
        await world.scheduler.stop()

    asyncio.run(live())
    assert world.runs.hours == ["01 13:00", "01 14:00"]


def test_revisions_tell_each_change(world: World) -> None:
    """Deploy, deactivate, activate and delete each leave a revision; deploying again goes on counting."""
    world.deploy()
    world.repository.set_active([KEY], active=False)
    world.repository.set_active([KEY], active=False)
    world.repository.set_active([KEY], active=True)
    world.repository.delete([KEY])
    world.repository.delete([KEY])
    with pytest.raises(NotFound, match=r"p/development/env\.task/hourly does not exist"):
        world.repository.get(KEY)
    assert world.deploy(expression="@daily").revision == 5
    history = world.repository.history(KEY, 10, 0)
    names = [definition.TriggerRevisionAction.Name(one.action).rpartition("_")[2] for one in history]
    assert names == ["DEPLOY", "DELETE", "ACTIVATE", "DEACTIVATE", "DEPLOY"]
    assert [one.trigger.active for one in history] == [True, False, True, False, True]
    old = pb.TriggerAutomationSpec.FromString(world.repository.revision(KEY, 1).automation)
    assert old.schedule.cron.expression == "0 * * * *"


def test_a_deployment_at_another_revision_changes_nothing(world: World) -> None:
    """The expected revision guards against overwriting somebody else's change."""
    world.deploy()
    world.deploy(revision=1)
    with pytest.raises(NotNow, match="revision 1 is expected, but it stands at 2"):
        world.deploy(revision=1, expression="@daily")
    assert world.repository.get(KEY).revision == 2


def test_a_task_deployed_with_triggers_replaces_those_it_had(world: World) -> None:
    """Triggers that a task no longer brings are deleted; a task that brings none keeps what it has."""
    world.deploy()
    other = TriggerKey("p", "development", "env.task", "nightly")
    spec = definition.TriggerSpec(active=True, task_version="v2")
    automation = pb.TriggerAutomationSpec(schedule=pb.Schedule(cron=pb.Cron(expression="@daily")))
    world.repository.replace_for_task("p", "development", "env.task", [])
    assert world.repository.get(KEY).active
    world.repository.replace_for_task(
        "p", "development", "env.task", [deployment(other, spec, automation, world.clock.now())]
    )
    assert world.repository.get(other).task_version == "v2"
    with pytest.raises(NotFound):
        world.repository.get(KEY)


@pytest.mark.parametrize(("poll", "wakes", "fires"), [(0.0, True, True), (0.05, False, True), (3600.0, True, False)])
def test_a_scheduler_that_polls_looks_each_time_and_then_alone(
    world: World, poll: float, wakes: bool, fires: bool
) -> None:
    """As the Go backend's, every half minute: a change of the triggers is not heard of before (`go_like.POLL`)."""

    async def main() -> bool:
        fired, looked = asyncio.Event(), asyncio.Event()

        async def create(request: run_service_pb2.CreateRunRequest) -> None:
            await world.runs.create(request)
            fired.set()

        class Repository(TriggerRepository):
            def scheduled(self) -> list[TriggerRecord]:
                looked.set()
                return super().scheduled()

        scheduler = Scheduler(Repository(world.store), create, world.runs.inputs, world.clock, poll=poll)
        await scheduler.start()
        await asyncio.wait_for(looked.wait(), 30)
        world.clock.turn(hours=1)
        if wakes:
            scheduler.wake()
        try:
            await asyncio.wait_for(fired.wait(), 30 if fires else 0.3)
        except asyncio.TimeoutError:
            return False
        finally:
            await scheduler.stop()
        return True

    world.deploy()
    assert asyncio.run(main()) is fires


def test_the_go_like_backend_polls_every_half_minute(tmp_path: Path) -> None:
    """The Go backend's scheduler does."""

    async def main() -> float:
        async with Backend(BackendOptions(tmp_path / "data", warm=(), go_like=GoLike())) as backend:
            return backend.scheduler.poll

    assert asyncio.run(main()) == 30
