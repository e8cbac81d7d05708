"""What the driver makes of its arguments and its environment."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from flyteidl.core import errors_pb2

from flyte_bridge.driver.main import STUCK, WRONG_CALL, DriverArguments, _level, run
from flyte_bridge.errors import ConfigError

ENVIRON = {
    "FLYTE_INTERNAL_EXECUTION_PROJECT": "p",
    "FLYTE_INTERNAL_EXECUTION_DOMAIN": "d",
    "RUN_NAME": "r",
    "ACTION_NAME": "a0",
    "_U_RUN_BASE": "s3://b/base/",
    "_U_ORG_NAME": "local",
}


def test_variables_that_a_real_executor_leaves_are_told_by_the_environment() -> None:
    """`{{.runName}}` and `{{.actionName}}` are not filled in there, and the environment says them."""
    arguments = [
        "--inputs",
        "s3://b/i.pb",
        "--outputs-path",
        "s3://b/o/",
        "--run-name",
        "{{.runName}}",
        "--name",
        "{{.actionName}}",
    ]
    facts = DriverArguments.of(arguments, ENVIRON)
    assert (facts.action.run.org, facts.action.run.project, facts.action.run.domain) == ("local", "p", "d")
    assert (facts.action.run.name, facts.action.name) == ("r", "a0")
    assert (facts.inputs, facts.outputs, facts.base) == ("s3://b/i.pb", "s3://b/o", "s3://b/base")


def test_arguments_go_before_the_environment() -> None:
    """What the command says counts."""
    facts = DriverArguments.of(["--outputs-path", "o", "--run-name", "other", "--name", "b1"], ENVIRON)
    assert (facts.action.run.name, facts.action.name) == ("other", "b1")


@pytest.mark.parametrize("missing", ["RUN_NAME", "_U_RUN_BASE", "FLYTE_INTERNAL_EXECUTION_PROJECT"])
def test_a_driver_nobody_started_says_so(missing: str, tmp_path: Path) -> None:
    """Outside an action the variable that is missing is named: in `error.pb`, where the command says that results belong."""
    environ = {name: value for name, value in ENVIRON.items() if name != missing}
    with pytest.raises(ConfigError, match=missing):
        DriverArguments.of(["--outputs-path", "o"], environ)
    assert run(["--outputs-path", str(tmp_path)], environ) == 0
    assert missing in _left(tmp_path).message
    assert run([], environ) == WRONG_CALL


def test_a_driver_that_cannot_begin_leaves_its_error(tmp_path: Path) -> None:
    """Without `_U_EP_OVERRIDE`, the likeliest mistake of an installation, or with arguments of another version: exit code 0 and
    an `error.pb` that no retry can mend. A process that dies without one is started anew for ever by the Go backend."""
    assert run(["--outputs-path", str(tmp_path)], ENVIRON) == 0
    error = _left(tmp_path)
    assert (error.code, error.kind) == (STUCK, errors_pb2.ContainerError.NON_RECOVERABLE)
    assert "_U_EP_OVERRIDE" in error.message
    (tmp_path / "error.pb").unlink()
    assert run([f"--outputs-path={tmp_path}/", "--no-such-option"], ENVIRON) == 0
    assert _left(tmp_path).code == STUCK


def _left(folder: Path) -> errors_pb2.ContainerError:
    return errors_pb2.ErrorDocument.FromString((folder / "error.pb").read_bytes()).error


@pytest.mark.parametrize(
    ("text", "level"),
    [("", logging.INFO), ("10", 10), ("warning", logging.WARNING), ("DEBUG", logging.DEBUG), ("loud", logging.INFO)],
)
def test_any_log_level_is_taken(text: str, level: int) -> None:
    """The SDK sets numbers, people set names, and nonsense does not end a run."""
    assert _level(text) == level
