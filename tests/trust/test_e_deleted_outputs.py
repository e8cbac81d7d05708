"""What was written and is gone is told as gone, not as nothing (issue 12, E)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config as BotoConfig

from flyte_bridge import config
from flyte_bridge.embedded_client import snippets

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit.clients.friendly import SynchronousFlyteClient
from flytekit.configuration import PlatformConfig
from flytekit.exceptions.user import FlyteEntityNotExistException

from flyte_bridge import FlyteRemote

if TYPE_CHECKING:
    from flyte_bridge.embedded_client import instance

sys.path.insert(0, str(Path(__file__).with_name("code")))


@pytest.fixture(scope="module")
def remote(backend: instance.Instance) -> Any:
    """flytekit's client over it."""
    return FlyteRemote(settings=config.load(data_dir=backend.data_dir))


@pytest.fixture(scope="module")
def s3(backend: instance.Instance) -> Any:
    """Its objects."""
    key, secret = snippets.s3_keys(backend)
    session = boto3.session.Session(region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret)
    return session.client("s3", endpoint_url=backend.url, config=BotoConfig(s3={"addressing_style": "path"}))


def _run(remote: Any) -> Any:
    import doubling

    execution = remote.execute(doubling.doubled, inputs={"x": 3}, version="e1", wait=True)
    assert execution.outputs["o0"] == 12
    return execution


def _another(backend: instance.Instance) -> Any:
    """A client of the backend's own port, which has not read the data yet: what has ended is remembered."""
    return SynchronousFlyteClient(
        PlatformConfig(backend.endpoint, insecure=True, proxy_command=["cat", str(backend.token_file)])
    )


def _delete(s3: Any, run: str, name: str) -> None:
    """Everything of a run that is called so."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="flyte")
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    mine = [key for key in keys if f"/{run}/" in key and key.endswith(name)]
    assert mine
    for key in mine:
        s3.delete_object(Bucket="flyte", Key=key)


def test_deleted_outputs_are_not_found(backend: instance.Instance, remote: Any, s3: Any) -> None:
    """An execution's, a node's and a task's data whose outputs were deleted are NOT_FOUND, with the object's URI."""
    done = _run(remote)
    _delete(s3, done.id.name, "outputs.pb")
    client = _another(backend)
    for ask in (
        lambda: client.get_execution_data(done.id),
        lambda: client.get_node_execution_data(done.node_executions["n0"].id),
        lambda: client.get_task_execution_data(done.node_executions["n0"].task_executions[0].id),
    ):
        with pytest.raises(FlyteEntityNotExistException) as refused:
            ask()
        assert "outputs.pb" in str(refused.value.__cause__)


def test_an_execution_without_its_inputs_is_not_relaunched_with_others(
    backend: instance.Instance, remote: Any, s3: Any
) -> None:
    """A relaunch whose inputs were deleted is refused: defaults would stand for them in silence."""
    done = _run(remote)
    _delete(s3, done.id.name, "inputs.pb")
    with pytest.raises(FlyteEntityNotExistException) as refused:
        _another(backend).relaunch_execution(done.id)
    assert "inputs.pb" in str(refused.value.__cause__)
