"""A launch plan's limit of executions at once holds for every start: calls, nodes, elements of arrays, schedules."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flytekit.configuration import Config, PlatformConfig
from flytekit.models.core.execution import NodeExecutionPhase
from flytekit.models.core.identifier import Identifier, ResourceType
from flytekit.remote import FlyteRemote

from admin.control import DOMAIN, PROJECT, VERSION, Control
from embedded.services.conftest import HandClock, Running, clock, timed  # noqa: F401 - fixtures
from flyte_bridge.backend.keys import TriggerKey

MINUTE = 60_000_000
"""Microseconds."""


def _request(plan: str, **values: int) -> execution_pb2.ExecutionCreateRequest:
    own = identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name=plan, version=VERSION
    )
    inputs = literals_pb2.LiteralMap()
    for name, value in values.items():
        inputs.literals[name].scalar.primitive.integer = value
    spec = execution_pb2.ExecutionSpec(launch_plan=own)
    return execution_pb2.ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, inputs=inputs, spec=spec)


def _executions(remote: Any, plan: str) -> list[Any]:
    """The executions of a launch plan, whoever has started them."""
    listed, _ = remote.client.list_executions_paginated(PROJECT, DOMAIN, limit=100)
    return [execution for execution in listed if execution.spec.launch_plan.name == plan]


def test_a_second_node_of_the_launch_plan_fails(control: Control, limits: Any) -> None:
    """It is not started, and its error says why; the first, which the failed workflow aborts, was."""
    before = len(_executions(control.remote, "limits.limited"))
    done = control.run(limits.parent, {})
    assert done.error is not None
    assert "concurrency limit (1) reached for launch plan limits.limited; skipping execution" in done.error.message
    phases = sorted(done.node_executions[node].closure.phase for node in ("n0", "n1"))
    assert phases == [NodeExecutionPhase.FAILED, NodeExecutionPhase.ABORTED]
    (refused_node,) = (
        node for node in done.node_executions.values() if node.closure.phase == NodeExecutionPhase.FAILED
    )
    assert refused_node.closure.error.code == "RuntimeExecutionError"
    assert len(_executions(control.remote, "limits.limited")) == before + 1


def test_elements_of_a_mapped_launch_plan_count(control: Control, limits: Any) -> None:
    """The third of three is not started where two may run."""
    done = control.run(limits.over, {})
    assert done.error is not None
    assert "concurrency limit (2) reached for launch plan limits.mapped" in done.error.message
    assert len(_executions(control.remote, "limits.mapped")) == 2


def test_one_after_another_is_within_the_limit(control: Control, limits: Any) -> None:
    """What has ended does not count."""
    before = {execution.id.name for execution in _executions(control.remote, "limits.turns")}
    done = control.run(limits.one_after_another, {})
    assert done.error is None
    assert len({execution.id.name for execution in _executions(control.remote, "limits.turns")} - before) == 2


def test_a_node_counts_what_a_call_has_started(control: Control, admin: Any, limits: Any) -> None:
    """And the other way round: both kinds of start go through one check."""
    control.register(limits.one_after_another)
    control.register(limits.held)
    plan = identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name="limits.turns", version="slow"
    )
    spec = launch_plan_pb2.LaunchPlanSpec(
        workflow_id=identifier_pb2.Identifier(
            resource_type=identifier_pb2.WORKFLOW, project=PROJECT, domain=DOMAIN, name="limits.held", version=VERSION
        )
    )
    admin.CreateLaunchPlan(launch_plan_pb2.LaunchPlanCreateRequest(id=plan, spec=spec))
    request = _request("limits.turns", n=1)
    request.spec.launch_plan.CopyFrom(plan)
    started = admin.CreateExecution(request).id
    done = control.run(limits.one_after_another, {})
    assert "concurrency limit (1) reached for launch plan limits.turns" in done.error.message
    admin.TerminateExecution(execution_pb2.ExecutionTerminateRequest(id=started, cause="room"))
    assert control.run(limits.one_after_another, {}).error is None


@pytest.fixture
def timed_control(timed: Running) -> Control:  # noqa: F811 - the fixture
    """flytekit's client of a backend whose time the test turns."""
    assert timed.backend.access is not None
    token = ["printf", timed.backend.access.token]
    platform = PlatformConfig(timed.backend.endpoint, insecure=True, proxy_command=token)
    remote = FlyteRemote(Config(platform=platform), default_project=PROJECT, default_domain=DOMAIN)
    return Control(timed.backend, remote)  # type: ignore[arg-type]  # it has an endpoint and its access, too


def test_a_schedule_that_fires_while_one_runs_is_skipped(
    timed_control: Control,
    timed: Running,  # noqa: F811 - the fixture
    clock: HandClock,  # noqa: F811 - the fixture
    limits: Any,
) -> None:
    """No run is made, the trigger says why, and the next fire time finds room again."""
    remote = timed_control.remote
    timed_control.register(limits.SCHEDULED)
    remote.activate_launchplan(Identifier(ResourceType.LAUNCH_PLAN, PROJECT, DOMAIN, "limits.scheduled", VERSION))

    def fire() -> tuple[int, str]:
        clock.at += MINUTE
        asyncio.run_coroutine_threadsafe(timed.backend.scheduler.tick(), timed.loop).result(60)
        key = TriggerKey(PROJECT, DOMAIN, "flyte1.launch-plan.limits.scheduled", "schedule")
        record = timed.do(lambda: timed.backend.triggers.get(key))
        return len(_executions(remote, "limits.scheduled")), record.last_error

    assert fire() == (1, "")
    count, error = fire()
    assert count == 1
    assert error.endswith("concurrency limit (1) reached for launch plan limits.scheduled; skipping execution")
    (first,) = _executions(remote, "limits.scheduled")
    remote.terminate(remote.fetch_execution(PROJECT, DOMAIN, first.id.name), "room")
    assert fire() == (2, "")
