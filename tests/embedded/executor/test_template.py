"""Template variables become what the cluster's executor makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from flyteidl2.core.literals_pb2 import Blob, Literal, LiteralCollection, LiteralMap, Primitive, Scalar
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from flyte_bridge.backend.keys import ActionKey
from flyte_bridge.embedded.executor.job import AttemptJob
from flyte_bridge.embedded.executor.template import Deferred, localise, render
from flyte_bridge.errors import UsageError

JOB = AttemptJob(
    key=ActionKey("p", "development", "run1", "n0"),
    attempt=1,
    template=b"",
    input_uri="s3://flyte/in",
    output_prefix="s3://flyte/out/1",
    run_output_base="s3://flyte/out",
    run_start_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1))),
    work_dir=Path("/w"),
    log_path=Path("/l"),
)


def primitive(**value: Any) -> Literal:
    return Literal(scalar=Scalar(primitive=Primitive(**value)))


INPUTS = {
    "i": primitive(integer=5),
    "f": primitive(float_value=5.0),
    "g": primitive(float_value=0.25),
    "b": primitive(boolean=True),
    "s": primitive(string_value="a b"),
    "t": primitive(datetime=Timestamp(seconds=0)),
    "d": primitive(duration=Duration(seconds=90)),
    "blob": Literal(scalar=Scalar(blob=Blob(uri="s3://x/y"))),
    "list": Literal(collection=LiteralCollection(literals=[primitive(integer=1), primitive(integer=2)])),
    "map": Literal(map=LiteralMap()),
}


def one(text: str, job: AttemptJob = JOB) -> str:
    return render([text], job, Deferred(lambda: INPUTS, lambda: "s3://flyte/out/1/task.pb"))[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{.input}}", "s3://flyte/in/inputs.pb"),
        ("{{.inputs}}", "s3://flyte/in/inputs.pb"),
        ("{{.Input}}", "s3://flyte/in/inputs.pb"),
        ("{{ $input }}", "s3://flyte/in/inputs.pb"),
        ("{{.inputPrefix}}", "s3://flyte/in"),
        ("{{.outputPrefix}}", "s3://flyte/out/1"),
        ("{{.rawOutputDataPrefix}}", "s3://flyte/out/1"),
        ("{{.checkpointOutputPrefix}}", "s3://flyte/out/1/_flytecheckpoints"),
        ("{{.prevCheckpointPrefix}}", '""'),
        ("{{.perRetryUniqueKey}}", "run1_n0_0"),
        ("{{.taskTemplatePath}}", "s3://flyte/out/1/task.pb"),
        ("{{.runStartTime}}", "2026-01-02T02:04:05Z"),
        ("{{.runName}}/{{.actionName}}", "run1/n0"),
        ("{{.namespace}}", "p-development"),
        ("a{{.runName}}b", "arun1b"),
        ("{{.unknown}}", "{{.unknown}}"),
        ("{{input}}", "{{input}}"),
        ("plain", "plain"),
        ("{{.inputs.i}}", "5"),
        ("{{.inputs.f}}", "5"),
        ("{{.inputs.g}}", "0.25"),
        ("{{.inputs.b}}", "true"),
        ("{{.inputs.s}}", "a b"),
        ("{{.inputs.t}}", "1970-01-01T00:00:00Z"),
        ("{{.inputs.d}}", "90s"),
        ("{{.inputs.blob}}", "s3://x/y"),
        ("{{.inputs.list}}", "[1,2]"),
    ],
)
def test_a_variable_is_filled_in(text: str, value: str) -> None:
    """Any case, `.` or `$`, spaces or none; what is unknown stays."""
    assert one(text) == value


def test_inputs_may_be_given_as_the_file_itself() -> None:
    """A directory and the `inputs.pb` in it mean the same."""
    job = replace(JOB, input_uri="s3://flyte/in/inputs.pb")
    assert one("{{.input}} {{.inputPrefix}}", job) == "s3://flyte/in/inputs.pb s3://flyte/in"


def test_later_attempts_have_a_checkpoint_and_a_key_of_their_own() -> None:
    """Both change with the attempt."""
    job = replace(JOB, attempt=2, previous_checkpoint_prefix="s3://flyte/out/1/_flytecheckpoints")
    assert one("{{.prevCheckpointPrefix}} {{.perRetryUniqueKey}}", job).endswith("_flytecheckpoints run1_n0_1")


@pytest.mark.parametrize("name", ["missing", "map"])
def test_an_input_that_cannot_be_text_is_refused(name: str) -> None:
    """By its name."""
    with pytest.raises(UsageError, match=name):
        one("{{.inputs." + name + "}}")


def test_nothing_is_read_for_a_command_that_asks_for_nothing() -> None:
    """Reading inputs and storing the template are left to commands that name them."""

    def never() -> Any:
        raise AssertionError

    assert render(["{{.input}}"], JOB, Deferred(never, never)) == ["s3://flyte/in/inputs.pb"]


def test_code_is_unpacked_into_the_attempts_own_directory() -> None:
    """An image's directory is nobody's here; a relative one and other options stay."""
    argv = ["pyflyte-fast-execute", "--dest-dir", "/root", "--", "x", "--dest", "sub", "--inputs", "/in"]
    assert localise(argv) == ["pyflyte-fast-execute", "--dest-dir", ".", "--", "x", "--dest", "sub", "--inputs", "/in"]
