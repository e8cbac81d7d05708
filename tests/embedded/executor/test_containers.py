"""Container tasks run as commands of this machine, where that is allowed; shell tasks always."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from flyteidl2.core.literals_pb2 import Blob, BlobMetadata, Literal, LiteralCollection, Primitive, Scalar
from flyteidl2.core.types_pb2 import DATETIME, DURATION, FLOAT, INTEGER, STRUCT, BlobType
from flyteidl2.task.common_pb2 import Outputs
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from flyte_bridge.embedded.executor import AttemptEnding, go_text
from flyte_bridge.embedded.executor.copilot import CoPilot

AT = Timestamp(seconds=1_700_000_000, nanos=120_000_000)
LONG = Duration(seconds=5430, nanos=500_000_000)


def _primitive(**value: Any) -> Literal:
    return Literal(scalar=Scalar(primitive=Primitive(**value)))


def _blob(uri: str, *, many: bool) -> Literal:
    kind = BlobType(dimensionality=BlobType.MULTIPART if many else BlobType.SINGLE)
    return Literal(scalar=Scalar(blob=Blob(uri=uri, metadata=BlobMetadata(type=kind))))


def test_a_container_task_finds_files_and_leaves_files(world: Any) -> None:
    """Every kind of input is a file where the task expects it, and every output a literal of its type again."""

    async def main() -> None:
        async with world(commands=True) as w:
            w.store.write("s3://flyte/in/file", b"content")
            w.store.write("s3://flyte/in/folder/a", b"A")
            w.store.write("s3://flyte/in/folder/deep/b", b"B")
            point = Struct()
            point.update({"x": 1})
            job = w.job(
                "raw",
                n=-7,
                ratio=1e21,
                yes=True,
                text="it's\nme",
                at=_primitive(datetime=AT),
                long=_primitive(duration=LONG),
                file=_blob("s3://flyte/in/file", many=False),
                folder=_blob("s3://flyte/in/folder", many=True),
                many=Literal(collection=LiteralCollection(literals=[_primitive(integer=n) for n in range(3)])),
                point=Literal(scalar=Scalar(generic=point)),
            )
            outcome = await w.run(job)
            assert outcome.failure is None, (outcome.failure, job.log_path.read_text())
            message = Outputs.FromString(w.store.read(outcome.outputs_uri))
            values = {entry.name: entry.value.scalar for entry in message.literals}
            primitives = {name: value.primitive for name, value in values.items() if value.HasField("primitive")}
            assert primitives["n"].integer == -7
            assert primitives["ratio"].float_value == 1e21
            assert primitives["yes"].boolean is True
            assert primitives["text"].string_value == "it's\nme"
            assert primitives["at"].datetime == AT
            assert primitives["long"].duration == LONG
            assert primitives["count"].integer == 3
            assert primitives["said"].string_value == f"it's\nme {job.work_dir}/inputs/n"
            assert w.store.read(values["file"].blob.uri) == b"content"
            folder = values["folder"].blob
            assert folder.metadata.type.dimensionality == BlobType.MULTIPART
            assert w.store.read(f"{folder.uri}/deep/b") == b"B"
            told = json.loads(w.store.read(f"{folder.uri}/inputs.json"))
            assert told["n"] == -7
            assert told["many"] == [0, 1, 2]
            assert told["point"] == {"x": 1}
            assert told["file"].endswith("/inputs/file")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        ("true", "OutputUploadFailed", "'n' is not there: the command left nothing in /var/outputs"),
        ("echo seven > /var/outputs/n", "OutputUploadFailed", "'seven' is no integer"),
        ("mkdir /var/outputs/n", "OutputUploadFailed", "is a directory"),
        ("head -c 2000 /dev/zero > /var/outputs/n", "OutputUploadFailed", "more than 1024 bytes"),
        ("echo too bad > /var/outputs/_ERROR", "OutputUploadFailed", "User Error: too bad"),
        ("echo last words; exit 3", "UnknownError", "exit code 3\nlast words"),
    ],
)
def test_a_container_task_that_gives_no_outputs_says_why(world: Any, script: str, code: str, says: str) -> None:
    """What is missing or wrong is named; another attempt may help, as on a cluster."""

    async def main() -> None:
        async with world(commands=True) as w:
            outcome = await w.run(w.job("raw_that_fails", script=script))
            assert outcome.ending is AttemptEnding.FAILED
            assert outcome.failure.code == code
            assert says in outcome.failure.message
            assert outcome.failure.recoverable

    asyncio.run(main())


def test_a_container_task_is_refused_unless_commands_are_allowed(world: Any) -> None:
    """By name, with its image, and with what would run it."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job("raw_that_fails", script="true"))
            assert outcome.failure.code == "BadTaskSpecification"
            assert "raw_that_fails" in outcome.failure.message
            assert "example.org/any" in outcome.failure.message
            assert "commands" in outcome.failure.message
            assert not outcome.failure.recoverable

    asyncio.run(main())


def test_an_input_that_cannot_be_fetched_is_refused_by_name(world: Any) -> None:
    """A file in another store, and one that is not there."""

    async def main() -> None:
        async with world(commands=True) as w:
            for uri, says in (("gs://elsewhere/x", "own store"), ("s3://flyte/none", "cannot be fetched")):
                outcome = await w.run(w.job("raw_that_fails", script="true", file=_blob(uri, many=False)))
                assert outcome.failure.code == "BadTaskSpecification"
                assert "'file'" in outcome.failure.message
                assert says in outcome.failure.message

    asyncio.run(main())


def test_a_shell_task_is_a_python_task(world: Any) -> None:
    """flytekit's ShellTask needs no permission: its script is run by flytekit."""

    async def main() -> None:
        async with world() as w:
            w.store.write("s3://flyte/in/name", b"you")
            outcome = await w.run(w.job("shell", greeting="hello", name=_blob("s3://flyte/in/name", many=False)))
            assert w.store.read(w.outputs(outcome)["said"]) == b"hello, you\n"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("cat /var/inputs/x>/var/outputs/y", "cat {i}/x>{o}/y"),
        ("/var/inputs", "{i}"),
        ("--in=/var/inputs/", "--in={i}/"),
        ("/srv/var/inputs /var/inputs2 /var/inputs-old /var/inputs.d", None),
        ("read /var/inputs.", "read {i}."),
    ],
)
def test_only_the_tasks_own_directories_are_moved(world: Any, tmp_path: Any, text: str, written: str | None) -> None:
    """A directory of the same beginning, or below another, is left alone."""

    async def main() -> None:
        async with world() as w:
            job = w.job("raw")
            from flyteidl2.core.tasks_pb2 import TaskTemplate

            pilot = CoPilot.of(TaskTemplate.FromString(job.template), tmp_path)
            assert pilot is not None
            expected = text if written is None else written.format(i=pilot.inputs, o=pilot.outputs)
            assert pilot.rewrite(text) == expected

    asyncio.run(main())


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (-2_000_000, "-2ms"),
        (1_500_000_000, "1.5s"),
        (60_000_000_000, "1m0s"),
        (3_600_000_000_000, "1h0m0s"),
        (5_430_500_000_000, "1h30m30.5s"),
    ],
)
def test_durations_are_gos(nanoseconds: int, text: str) -> None:
    """As `time.Duration.String` writes them, and back."""
    value = Duration()
    value.FromNanoseconds(nanoseconds)
    assert go_text.duration(value) == text
    assert go_text.literal(DURATION, text.encode()).scalar.primitive.duration == value


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1"), (0.1, "0.1"), (1e21, "1" + "0" * 21), (1e-7, "0.0000001"), (-2.5, "-2.5")]
)
def test_floats_have_no_exponent(value: float, text: str) -> None:
    """As `strconv.FormatFloat(v, 'f', -1, 64)` writes them, and back."""
    assert go_text.number(value) == text
    assert go_text.literal(FLOAT, text.encode()).scalar.primitive.float_value == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (INTEGER, "1.5"),
        (INTEGER, str(2**63)),
        (FLOAT, "much"),
        (DATETIME, "yesterday"),
        (DURATION, "90"),
        (STRUCT, "[1]"),
    ],
)
def test_what_go_would_not_read_is_no_value(kind: int, text: str) -> None:
    """A text of another type is refused, with what is wrong."""
    with pytest.raises(ValueError, match="no "):
        go_text.literal(kind, text.encode())
