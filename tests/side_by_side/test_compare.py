"""`flyte-bridge compare`: two executions on two control planes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from flyteidl.core import identifier_pb2

from .conftest import DOMAIN, PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flyte_bridge.embedded_client.instance import Instance
    from flyte_bridge.side_by_side.control_plane import ControlPlane

    from .conftest import TwoSides


@pytest.fixture(scope="session")
def wholes(start: Callable[..., str]) -> None:
    """The workflow with values of each kind, on both sides, and with another input on Flyte 2."""
    start("v1", "whole", "whole", n=3)
    start("v2", "whole", "whole", n=3)
    start("v2", "whole", "biased", n=3, bias=1)


def test_the_same(two: TwoSides, wholes: None) -> None:
    """One workflow on both sides is the same: frames, files, directories, dataclasses with files, maps, dynamics."""
    done = two.bridge("compare", "v1:whole", "v2:whole", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["verdict"] == "same"
    assert {node["node"] for node in told["nodes"]} >= {"n0", "n1", "n2", "n3", "n4", "n5", "n5-0-dn0"}
    assert all(node["verdict"] == "same" for node in told["nodes"])
    assert told["left"]["critical_path"]["seconds"] > 0
    assert told["left"]["critical_path"]["nodes"]
    assert told["left"]["side"].startswith("Flyte 1 (")
    assert told["right"]["side"].startswith("Flyte 2 (embedded")


def test_a_difference_is_found_where_it_is(two: TwoSides, wholes: None, tmp_path: Path) -> None:
    """Another input gives another frame: told at the input, the output, and the node that made it, in all three forms."""
    page = tmp_path / "report.html"
    done = two.bridge("compare", "v1:whole", "v2:biased", "--json", "--html", page)
    assert done.returncode == 5, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert [one["path"] for one in told["differences"]] == ["inputs.bias", "o0['v'][0]", "o0['v'][1]", "o0['v'][2]"]
    assert [node["title"] for node in told["nodes"] if node["differences"]] == ["rows"]
    assert "o0[&#39;v&#39;][0]" in page.read_text()
    assert "http" not in page.read_text()
    said = two.bridge("compare", "v1:whole", "v2:biased")
    assert said.returncode == 5
    assert "different: whole and biased in 7 places" in said.stdout
    assert "o0['v'][0]: 0.0 and 1.0" in said.stdout


def test_rules_allow_it(two: TwoSides, wholes: None, tmp_path: Path) -> None:
    """A rule of a file makes the same executions the same."""
    rules = tmp_path / "rules.yaml"
    rules.write_text("absolute: 1\noutputs:\n  nothing: {keys: [id]}\n")
    done = two.bridge("compare", "v1:whole", "v2:biased", "--rules", rules)
    assert done.returncode == 5, done.stdout  # the input `bias` lies within the tolerance, too: 0 and 1 are integers
    assert "inputs.bias: 0 and 1" in done.stdout
    assert "in 1 place" in done.stdout


def test_only_one_side_answers_otherwise(two: TwoSides, start: Callable[..., str]) -> None:
    """A task that answers otherwise on one side is the node that is told, and what follows from it."""
    start("v1", "sided", "sided")
    start("v2", "sided", "sided")
    told = json.loads(two.bridge("compare", "v1:sided", "v2:sided", "--json").stdout)
    assert told["verdict"] == "different"
    assert {node["title"]: [one["left"] for one in node["differences"]] for node in told["nodes"]} == {
        "where": ["1"],
        "inc": ["2"],
    }


def test_files_that_are_given_and_children(two: TwoSides, start: Callable[..., str]) -> None:
    """Files that were given are compared by what is in them, and what a launch-plan node started is compared node by node."""
    from flytekit.types.file import FlyteFile

    for running, side, name, text in (
        (two.v1, "v1", "starting", "abc"),
        (two.v2, "v2", "starting", "abc"),
        (two.v2, "v2", "given", "abd"),
    ):
        store_of(running).put_object(Bucket="flyte", Key=f"given/{side}{name}", Body=text.encode())
        start(side, "starting", name, file=FlyteFile(f"s3://flyte/given/{side}{name}"))
    told = json.loads(two.bridge("compare", "v1:starting", "v2:starting", "--json").stdout)
    assert [one["path"] for one in told["differences"]] == ["o1"], told["differences"]
    differing = {node["node"]: node["title"] for node in told["nodes"] if node["differences"]}
    assert differing == {"n1": "sided", "n1/n0": "where", "n1/n1": "inc"}
    told = json.loads(two.bridge("compare", "v1:starting", "v2:given", "--json").stdout)
    assert [one["path"] for one in told["differences"]] == ["inputs.file", "o1"]


def test_noise_is_no_difference(two: TwoSides, start: Callable[..., str]) -> None:
    """With --twice what differs between two runs of Flyte 1 is told as noise; without, it is a difference."""
    start("v1", "noisy", "noisy")
    start("v2", "noisy", "noisy")
    assert two.bridge("compare", "v1:noisy", "v2:noisy").returncode == 5
    done = two.bridge("compare", "v1:noisy", "v2:noisy", "--twice", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["unstable"] == ["o0", "n0.o0"]
    assert "running noisy again on Flyte 1" in done.stderr


def test_equal_failures_are_the_same(two: TwoSides, start: Callable[..., str]) -> None:
    """Two executions that fail in the same way are the same; with other messages they differ, unless codes are enough."""
    start("v1", "failing", "failing", x=1)
    start("v2", "failing", "failing", x=1)
    start("v2", "failing", "otherwise", x=2)
    assert two.bridge("compare", "v1:failing", "v2:failing").returncode == 0
    done = two.bridge("compare", "v1:failing", "v2:otherwise", "--json")
    assert done.returncode == 5
    assert {one["path"]: one["right"] for one in json.loads(done.stdout)["differences"]} == {
        "inputs.x": "2",
        "error.message": "ValueError: no 2",
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("v1:whole", "v2:nobody"), 7, "has no execution flytesnacks/development/nobody"),
        (("v1:whole", "v2:sided"), 7, "they ran different workflows: pipeline.whole and pipeline.sided"),
        (("whole", "v2:whole"), 2, "'whole' names no execution: write v1:NAME"),
        (("v1:a/b", "v2:whole"), 2, "'v1:a/b' names no execution"),
        (("v1:whole", "v3:whole"), 2, "'v3:whole' names no execution"),
    ],
)
def test_what_cannot_be_compared(
    two: TwoSides, wholes: None, start: Callable[..., str], words: tuple[str, str], code: int, said: str
) -> None:
    """What is not there, or is another workflow, exits with 7; a bad name with 2; each with one clear line."""
    if "v2:sided" in words:
        start("v2", "sided", "sided")
    done = two.bridge("compare", *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_no_flyte_1(two: TwoSides, wholes: None) -> None:
    """Without an endpoint of Flyte 1 its executions cannot be named; one that does not answer is told by its address."""
    done = two.bridge(
        "compare",
        "v1:whole",
        "v2:whole",
        FLYTE_BRIDGE_V1_ENDPOINT="",
        FLYTE_BRIDGE_V1_TOKEN="",
        FLYTE_BRIDGE_V1_INSECURE="",
    )
    assert (done.returncode, "set FLYTE_BRIDGE_V1_ENDPOINT" in done.stderr) == (7, True)
    done = two.bridge("compare", "v1:whole", "v2:whole", FLYTE_BRIDGE_V1_ENDPOINT="127.0.0.1:1")
    assert done.returncode == 7
    assert "Flyte 1 at 127.0.0.1:1 cannot be reached" in done.stderr


def store_of(running: Instance) -> Any:
    """The object store of a backend."""
    assert running.access is not None
    return boto3.client(
        "s3",
        endpoint_url=running.url,
        aws_access_key_id=running.access.s3_key,
        aws_secret_access_key=running.access.s3_secret,
        region_name="us-east-1",
    )


def test_values_that_are_gone(two: TwoSides, wholes: None, start: Callable[..., str]) -> None:
    """A file that is gone from the store makes executions not comparable, and is named."""
    start("v1", "whole", "gone", n=3)

    async def lose(v1: ControlPlane, v2: ControlPlane) -> str:
        identity = identifier_pb2.WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name="gone")
        uri = (await v1.execution_data(identity))[1].literals["o1"].scalar.blob.uri
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        await asyncio.to_thread(store_of(two.v1).delete_object, Bucket=bucket, Key=key)
        return str(uri)

    uri = two.run(lose)
    done = two.bridge("compare", "v1:gone", "v2:whole")
    assert done.returncode == 7, done.stdout + done.stderr
    assert f"{uri!r}: no such object" in done.stdout


def test_without_credentials_of_the_store(two: TwoSides, wholes: None) -> None:
    """Without its store's credentials Flyte 1's files are read by signed URLs; directories are told as undecided."""
    env = {name: "" for name in two.env if "_V1_AWS_" in name}
    done = two.bridge("compare", "v1:whole", "v2:whole", "--json", **env)
    assert done.returncode == 7, done.stdout + done.stderr
    told = json.loads(done.stdout)
    undecided = {one["path"]: one["detail"] for one in told["differences"]}
    assert set(undecided) == {
        "o0",
        "o2",
    }  # the frame and the directory; the file and the dataclass with a file are read
    assert all("only with the store's credentials: set FLYTE_BRIDGE_V1_AWS_" in detail for detail in undecided.values())
