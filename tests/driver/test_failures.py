"""What becomes of failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fails
import pytest

from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed


@pytest.mark.go_like
def test_a_failure_node_gets_the_error(bed: Bed) -> None:
    """It runs with the workflow's inputs and the error; the execution ends with the node's own error."""
    done = bed.run(fails.handled, x=1)
    assert done.phase == "FAILED"
    assert done.error[0] == "USER:RuntimeError"
    assert done.error[1].startswith("Trace:")
    assert "cannot do 2" in done.error[1]
    assert done.phases() == {"n0": "SUCCEEDED", "n1": "FAILED", "fn0": "SUCCEEDED"}
    assert "CLEANED 1 after n1: " in bed.log(done.run, "fn0")


def test_a_sub_workflow_has_its_own_failure_node(bed: Bed) -> None:
    """It runs beneath the sub-workflow's node."""
    done = bed.run(fails.outer, x=2)
    assert done.phase == "FAILED"
    assert done.phases() == {"n0-0-n0": "FAILED", "n0-0-fn0": "SUCCEEDED"}


def test_fail_immediately_aborts_what_runs(bed: Bed) -> None:
    """After the first failure nothing starts, and what runs is aborted."""
    done = bed.run(fails.at_once, x=1)
    assert done.phase == "FAILED"
    assert done.phases() == {"n0": "FAILED", "n1": "ABORTED"}


def test_fail_after_executable_nodes_complete(bed: Bed) -> None:
    """What is not downstream of the failure still runs; then the workflow fails with the first error."""
    done = bed.run(fails.patiently, x=1)
    assert done.phase == "FAILED"
    assert done.error[0] == "USER:RuntimeError"
    assert done.phases() == {"n0": "FAILED", "n2": "SUCCEEDED", "n3": "SUCCEEDED", "n4": "SUCCEEDED"}


@pytest.mark.go_like
def test_retries_are_the_users(bed: Bed) -> None:
    """A recoverable failure is tried again as often as the task says, in one action."""
    done = bed.run(fails.retried, x=3)
    assert done.value == 3
    assert done.actions["n0"].status.attempts == 3
    done = bed.run(fails.given_up, x=3)
    assert done.error[0] == "RetriesExhausted|USER:Recoverable"
    assert done.actions["n0"].status.attempts == 2


@pytest.mark.go_like
def test_a_nodes_timeout_ends_it(bed: Bed) -> None:
    """`with_overrides(timeout=…)` ends the attempt; the code is Flyte 1's."""
    done = bed.run(fails.too_slow)
    assert done.phase == "FAILED"
    assert "TimeoutExpired" in done.error[0]


@pytest.mark.go_like
def test_a_task_that_took_too_long_is_tried_again(bed: Bed, tmp_path: Path) -> None:
    """A time-out uses up a retry, on a backend that keeps it and on one that does not (D3)."""
    done = bed.run(fails.too_slow_once, where=str(tmp_path))
    assert done.value == ("n0" if bed.like == "own" else "n0-again-1")
    assert {phase for name, phase in done.phases().items() if name != done.value} <= {"ABORTED"}


def test_a_sub_workflows_timeout_ends_its_nodes(bed: Bed) -> None:
    """Each attempt has nodes of its own, by propeller's rule for ids, and they are aborted."""
    done = bed.run(fails.sub_workflow_too_slow)
    assert done.error[0] == "RetriesExhausted|TimeoutExpired"
    assert done.error[1] == "[2/2] currentAttempt done. Last Error: USER::task execution timeout [2s] expired"
    assert done.phases() == {"n0": "FAILED", "n0-0-n0": "ABORTED", "n0-1-n0": "ABORTED"}


@pytest.mark.go_like
def test_a_launch_plans_timeout_aborts_its_run(bed: Bed) -> None:
    """The child run does not outlive its node's time."""
    name = "slow-parent"
    done = bed.run(fails.launch_plan_too_slow, name=name)
    assert done.error[0] == "RetriesExhausted|TimeoutExpired"
    child = identifier.run_name(identifier.child_execution_name(name, "n0"))
    assert bed.done(fails.naps, child).phase == "ABORTED"
