"""Unmodified Flyte 1 commands run as attempts."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flyteidl2.core.literals_pb2 import Binary, Literal, LiteralMap, Primitive, Scalar
from flyteidl2.core.tasks_pb2 import TaskTemplate
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.executor import AttemptEnding
from flyte_bridge.embedded.executor.result import CRASHED

CODE = Path(__file__).parent / "code"
IMAGE_ROOT = "/root"
"""Where flytekit's own images keep code, and `pyflyte run` has it unpacked."""


def test_a_task_runs_with_its_inputs(world: Any, no_processes_left: None) -> None:
    """`pyflyte-execute` reads inputs.pb and leaves outputs.pb; it goes through INITIALIZING and RUNNING."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job("add", a=2, b=3))
            assert outcome.ending is AttemptEnding.SUCCEEDED
            assert outcome.exit_code == 0
            assert outcome.started_at is not None
            assert outcome.started_at <= outcome.ended_at
            assert w.outputs(outcome) == 5
            assert [event.phase for event in w.events] == [Phase.INITIALIZING, Phase.RUNNING]

    asyncio.run(main())


def test_values_of_every_kind_go_in_and_out(world: Any) -> None:
    """Primitives, lists, maps, dataclasses (msgpack), times and durations pass unharmed."""

    async def main() -> None:
        async with world() as w:
            point = Binary(tag="msgpack", value=b"\x82\xa1x\x01\xa1y\xcb?\xf8\x00\x00\x00\x00\x00\x00")  # x=1, y=1.5
            inputs = {
                "s": "text",
                "f": 2.5,
                "b": True,
                "xs": [1, 2, 3],
                "m": Literal(map=LiteralMap(literals={"k": _primitive(float_value=0.5)})),
                "p": Literal(scalar=Scalar(binary=point)),
                "at": _primitive(datetime=Timestamp(seconds=1_700_000_000)),
                "long": _primitive(duration=Duration(seconds=90)),
            }
            outputs = w.outputs(await w.run(w.job("every_type", **inputs)))
            assert outputs["o0"] == "text 2.5 True {'k': 0.5} 0:01:30"
            assert outputs["o1"].binary.value == b"\x82\xa1x\x02\xa1y\xcb@\x08\x00\x00\x00\x00\x00\x00"
            assert outputs["o2"] == [3, 2, 1]
            assert outputs["o3"] == Timestamp(seconds=1_700_000_090)

    asyncio.run(main())


def test_files_directories_and_frames_pass_by_reference(world: Any) -> None:
    """What one task uploads the next one downloads, by way of the object store."""

    async def main() -> None:
        async with world() as w:
            file = await w.run(w.job("file_out", "n0", text="quiet"))
            literal = _literals(w, file)["o0"]
            assert w.outputs(await w.run(w.job("file_in", "n1", file=literal))) == "QUIET"
            directory = w.outputs(await w.run(w.job("directory", "n2")))
            stored = [info.uri for info in w.store.list(directory)]
            assert sorted(Path(uri).name for uri in stored) == ["0.txt", "1.txt", "2.txt"]
            frame = await w.run(w.job("frame", "n3", n=5))
            assert w.outputs(await w.run(w.job("total", "n4", df=_literals(w, frame)["o0"]))) == 10

    asyncio.run(main())


def test_a_deck_is_the_report(world: Any) -> None:
    """flytekit's deck.html stands in for report.html."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job("decked", n=7))
            assert outcome.report_uri.endswith("/deck.html")
            assert b"<b>7</b>" in w.store.read(outcome.report_uri)
            assert (await w.run(w.job("add", "n1", a=1))).report_uri == ""

    asyncio.run(main())


@pytest.mark.parametrize(
    ("task", "code", "recoverable"),
    [("fails", "USER:RuntimeError", False), ("fails_for_now", "USER:Recoverable", True)],
)
def test_an_error_is_read_from_error_pb(world: Any, task: str, code: str, recoverable: bool) -> None:
    """A task that raises exits with 0; its error.pb says what happened and whether to try again."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job(task, message="no luck"))
            assert outcome.ending is AttemptEnding.FAILED
            assert outcome.exit_code == 0
            assert outcome.failure.code == code
            assert outcome.failure.recoverable is recoverable
            assert not outcome.failure.system
            assert "no luck" in outcome.failure.message

    asyncio.run(main())


def test_a_crash_names_its_exit_code_and_last_words(world: Any) -> None:
    """A process that ends badly without error.pb is the task's own failure, and worth a retry."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job("dies", code=3))
            assert (outcome.ending, outcome.exit_code) == (AttemptEnding.FAILED, 3)
            assert (outcome.failure.code, outcome.failure.recoverable, outcome.failure.system) == (CRASHED, True, False)
            assert "exit code 3" in outcome.failure.message
            assert "last words" in outcome.failure.message

    asyncio.run(main())


def test_a_task_without_outputs_succeeds(world: Any) -> None:
    """No outputs declared, none needed."""

    async def main() -> None:
        async with world() as w:
            assert (await w.run(w.job("nothing"))).ending is AttemptEnding.SUCCEEDED

    asyncio.run(main())


def test_a_dynamic_task_leaves_its_futures(world: Any) -> None:
    """`@dynamic` writes futures.pb instead of outputs.pb; that is a success for whoever drives the workflow."""

    async def main() -> None:
        async with world() as w:
            from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec

            # Registered templates carry the serialization context; a dynamic task reads the image from it.
            outcome = await w.run(w.job("fan", n=3), env={"_F_SS_C": _serialization_context()})
            assert outcome.failure is None, outcome.failure
            assert outcome.outputs_uri == ""
            spec = DynamicJobSpec.FromString(w.store.read(outcome.futures_uri))
            assert len(spec.nodes) == 3

    asyncio.run(main())


def test_an_element_of_a_map_task_runs(world: Any) -> None:
    """`pyflyte-map-execute` runs one element of the whole inputs, told by its index in the environment."""

    async def main() -> None:
        async with world() as w:
            job = w.job("mapped", a=[10, 20, 30], b=1)
            env = {
                "BATCH_JOB_ARRAY_INDEX_VAR_NAME": "FLYTE_K8S_ARRAY_INDEX",
                "FLYTE_K8S_ARRAY_INDEX": "2",
                "BATCH_JOB_ARRAY_INDEX_OFFSET": "0",
            }
            assert w.outputs(await w.run(job, env=env)) == 31

    asyncio.run(main())


@pytest.mark.parametrize("forkservers", [True, False])
def test_fast_registered_code_is_unpacked_and_used(world: Any, tmp_path: Path, forkservers: bool) -> None:
    """`pyflyte-fast-execute` downloads the code into the attempt's own directory, even if told an image's."""

    async def main() -> None:
        async with world(forkservers=forkservers) as w:
            archive = io.BytesIO()
            source = (
                b"from flytekit import task\n\n@task\ndef add(a: int, b: int = 40) -> int:\n    return a * 1000 + b\n"
            )
            with tarfile.open(fileobj=archive, mode="w:gz") as tar:
                member = tarfile.TarInfo("fast_code.py")
                member.size = len(source)
                tar.addfile(member, io.BytesIO(source))
            uri = w.store.uri("code", "fast.tar.gz")
            w.store.write(uri, archive.getvalue())
            template = TaskTemplate.FromString(w.templates("add"))
            args = [arg.replace("v1_tasks", "fast_code") for arg in template.container.args]
            fast = ["pyflyte-fast-execute", "--additional-distribution", uri, "--dest-dir", IMAGE_ROOT, "--"]
            del template.container.args[:]
            template.container.args.extend([*fast, *args])
            outcome = await w.run(w.job(template.SerializeToString(), a=2, b=3))
            assert w.outputs(outcome) == 2003
            assert not Path(IMAGE_ROOT, "fast_code.py").exists()

    asyncio.run(main())


def test_an_attempt_knows_who_it_is(world: Any) -> None:
    """Execution, task and attempt are told as the cluster's executor tells them; it runs in a directory of its own."""

    async def main() -> None:
        async with world() as w:
            names = ["FLYTE_ATTEMPT_NUMBER", "FLYTE_INTERNAL_EXECUTION_ID", "FLYTE_INTERNAL_TASK_NAME", "ACTION_NAME"]
            values = w.outputs(await w.run(w.job("environment", "n0", attempt=2, names=names)))
            assert values == dict(zip(names, ["1", "r1", "v1_tasks.environment", "n0"], strict=True))
            where = w.outputs(await w.run(w.job("where", "n1")))
            assert where["cwd"] == str(w.root / "work" / "n1" / "1" / "cwd")
            assert where["execution"] == "r1"
            assert where["task"] == "v1_tasks.where"
            assert where["raw"] == "s3://flyte/p/development/r1/n1/1"

    asyncio.run(main())


def test_the_environment_is_a_whitelist(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configuration of other backends, keys and proxies of the server's environment do not reach the task."""

    async def main() -> None:
        names = [
            "FLYTECTL_CONFIG",
            "FLYTE_API_KEY",
            "HTTPS_PROXY",
            "MINE",
            "OPENLY",
            "DO_NOT_TRACK",
            "FROM_RUN",
            "SECRET",
        ]
        for name in names:
            monkeypatch.setenv(name, "leaked")
        async with world(pass_env=("OPENLY",)) as w:
            job = w.job("environment", names=names)
            values = w.outputs(await w.run(job, env={"FROM_RUN": "yes"}, secrets={"SECRET": "s"}))
            assert values == {
                **dict.fromkeys(names, "-"), "OPENLY": "leaked", "DO_NOT_TRACK": "1", "FROM_RUN": "yes", "SECRET": "s"
            }  # fmt: skip
            assert "'s'" not in repr(w.job("environment", names=[])).replace("secrets", "")

    asyncio.run(main())


def test_a_checkpoint_is_handed_to_the_next_attempt(world: Any) -> None:
    """The second attempt reads what the first one wrote."""

    async def main() -> None:
        async with world() as w:
            first = w.job("checkpoint", attempt=1, n=5)
            assert w.outputs(await w.run(first)) == 0
            second = w.job("checkpoint", attempt=2, n=1)
            before = f"{first.output_prefix}/_flytecheckpoints"
            assert w.outputs(await w.run(second, previous_checkpoint_prefix=before)) == 5

    asyncio.run(main())


def test_what_a_task_leaves_running_ends_with_it(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """A process group is one unit, as a container is."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job("leaves_a_child_behind", mark=str(tmp_path / "mark")))
            assert outcome.ending is AttemptEnding.SUCCEEDED

    asyncio.run(main())


def test_a_timeout_ends_the_process(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """Counted from the start of the process, not from when it was asked for."""

    async def main() -> None:
        async with world() as w:
            job = w.job("sleeps", seconds=60.0, mark=str(tmp_path / "mark"))
            outcome = await w.run(job, timeout=timedelta(seconds=2))
            assert outcome.ending is AttemptEnding.TIMED_OUT
            assert outcome.failure.recoverable
            assert "ran longer than its limit of 0:00:02" in outcome.failure.message
            assert 2 <= (outcome.ended_at - outcome.started_at) / 1e6 < 30  # and not the 60 it sleeps

    asyncio.run(main())


def test_a_kill_aborts(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """The process group ends; the outcome is ABORTED; killing what does not run says so."""

    async def main() -> None:
        async with world() as w:
            mark = tmp_path / "mark"
            job = w.job("sleeps", seconds=60.0, mark=str(mark))
            running = asyncio.ensure_future(w.run(job))
            await w.until(mark.exists)
            assert await w.executor.kill(job.key)
            assert (await running).ending is AttemptEnding.ABORTED
            assert not await w.executor.kill(job.key)

    asyncio.run(main())


def _primitive(**value: Any) -> Literal:
    return Literal(scalar=Scalar(primitive=Primitive(**value)))


def _literals(w: Any, outcome: Any) -> dict[str, Literal]:
    return dict(LiteralMap.FromString(w.store.read(outcome.outputs_uri)).literals)


def _serialization_context() -> str:
    program = (
        "from flytekit.configuration import *; i = Image(name='default', fqn='example.org/flytekit', tag='1');"
        "print(SerializationSettings(image_config=ImageConfig(default_image=i)).serialized_context)"
    )
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()
