"""DataProxyService's uploads: where files and inputs go, what is refused, and the hash of inputs."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from flyteidl2.common import identifier_pb2
from flyteidl2.core import literals_pb2, tasks_pb2
from flyteidl2.dataproxy import dataproxy_service_pb2 as pb
from flyteidl2.task import common_pb2, task_definition_pb2, task_service_pb2
from google.protobuf.duration_pb2 import Duration

from .conftest import DOMAIN, PROJECT

if TYPE_CHECKING:
    from .conftest import HandClock, Running

DATA = b"a code bundle"
MD5 = hashlib.md5(DATA).digest()


def _where(**fields: Any) -> pb.CreateUploadLocationRequest:
    return pb.CreateUploadLocationRequest(**{"project": PROJECT, "domain": DOMAIN, "filename": "x.tgz", **fields})


def test_a_file_goes_under_its_digest(running: Running) -> None:
    """Without a root, the digest tells uploads apart; the URL takes those bytes and the object is where it says."""
    place = running.data.create_upload_location(_where(content_md5=MD5))
    assert place.native_url == f"s3://flyte/{PROJECT}/{DOMAIN}/{base64.b32encode(MD5).decode()}/x.tgz"
    assert httpx.put(place.signed_url, content=b"other bytes").status_code == 400
    told = {"Content-MD5": base64.b64encode(MD5).decode(), **place.headers}
    assert httpx.put(place.signed_url, content=DATA, headers=told).status_code == 200
    assert running.backend.objects.read(place.native_url) == DATA


def test_the_digest_can_be_kept(running: Running) -> None:
    """Asked to, the answer has the header that keeps the digest with the object."""
    place = running.data.create_upload_location(_where(content_md5=MD5, add_content_md5_metadata=True))
    httpx.put(place.signed_url, content=DATA, headers=dict(place.headers)).raise_for_status()
    kept = running.backend.objects.info(place.native_url).headers
    assert kept == {"x-amz-meta-flytecontentmd5": base64.b64encode(MD5).decode()}


def test_a_named_file_is_not_replaced_by_another(running: Running) -> None:
    """A name the caller chose takes the same content again, other content never, unknown content neither."""
    first = running.data.create_upload_location(_where(filename_root="my/dir", content_md5=MD5))
    assert first.native_url == f"s3://flyte/{PROJECT}/{DOMAIN}/my/dir/x.tgz"
    httpx.put(first.signed_url, content=DATA).raise_for_status()
    running.data.create_upload_location(_where(filename_root="my/dir", content_md5=MD5))
    for md5 in (hashlib.md5(b"other").digest(), b""):
        with pytest.raises(ConnectError) as error:
            running.data.create_upload_location(_where(filename_root="my/dir", content_md5=md5))
        assert error.value.code is Code.ALREADY_EXISTS


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({}, Code.INVALID_ARGUMENT, "filename_root or content_md5"),
        ({"content_md5": b"hex text of it"}, Code.INVALID_ARGUMENT, "16"),
        ({"content_md5": MD5, "filename": "../../x"}, Code.INVALID_ARGUMENT, ".."),
        ({"filename_root": "..", "content_md5": MD5}, Code.INVALID_ARGUMENT, ".."),
        ({"filename_root": "a/\0", "content_md5": MD5}, Code.INVALID_ARGUMENT, "a/"),
        ({"content_md5": MD5, "expires_in": Duration(seconds=3601)}, Code.INVALID_ARGUMENT, "3600"),
        ({"content_md5": MD5, "expires_in": Duration(seconds=-1)}, Code.INVALID_ARGUMENT, "expires_in"),
        ({"content_md5": MD5, "project": "nowhere"}, Code.NOT_FOUND, "nowhere"),
        ({"content_md5": MD5, "domain": "../.."}, Code.INVALID_ARGUMENT, "domain"),
        ({"content_md5": MD5, "filename": "x" * 2000}, Code.INVALID_ARGUMENT, "1024"),
        ({"content_md5": MD5, "content_length": 1 << 60}, Code.RESOURCE_EXHAUSTED, str(1 << 60)),
    ],
)
def test_what_cannot_be_uploaded(running: Running, fields: dict[str, Any], code: Code, says: str) -> None:
    """Each mistake has its status and says what is wrong."""
    with pytest.raises(ConnectError) as error:
        running.data.create_upload_location(_where(**fields))
    assert error.value.code is code
    assert says in error.value.message


def test_an_upload_ends_when_it_was_asked_to(timed: Running, clock: HandClock) -> None:
    """The URL lives as long as was asked for, at most an hour, and the answer says till when."""
    place = timed.data.create_upload_location(_where(content_md5=MD5, expires_in=Duration(seconds=60)))
    assert place.expires_at.seconds == clock.at // 1_000_000 + 60
    clock.at += 62_000_000
    late = httpx.put(place.signed_url, content=DATA)
    assert (late.status_code, "Request has expired" in late.text) == (403, True)


def _inputs(**values: int) -> common_pb2.Inputs:
    literals = [
        common_pb2.NamedLiteral(
            name=name,
            value=literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(integer=value))),
        )
        for name, value in values.items()
    ]
    return common_pb2.Inputs(literals=literals)


def _spec(*ignored: str) -> task_definition_pb2.TaskSpec:
    template = tasks_pb2.TaskTemplate(metadata=tasks_pb2.TaskMetadata(cache_ignore_input_vars=ignored))
    return task_definition_pb2.TaskSpec(task_template=template)


def _upload(running: Running, inputs: common_pb2.Inputs, **fields: Any) -> Any:
    project = identifier_pb2.ProjectIdentifier(name=PROJECT, domain=DOMAIN)
    more = {"project_id": project, "task_spec": _spec(), **fields}
    return running.data.upload_inputs(pb.UploadInputsRequest(inputs=inputs, **more)).offloaded_input_data


def test_inputs_are_stored_as_they_are(running: Running) -> None:
    """The answer names the directory; its inputs.pb is what was sent, and equal inputs have one place."""
    inputs = _inputs(x=1, y=2)
    stored = _upload(running, inputs)
    assert common_pb2.Inputs.FromString(running.backend.objects.read(f"{stored.uri}/inputs.pb")) == inputs
    assert _upload(running, inputs) == stored


def test_the_hash_is_the_sdks(running: Running) -> None:
    """A root's inputs hash as the SDK hashes a child's: one task, one cache, whoever calls it.

    SHA-256 over `name:literal;`, Base64 (`flyte/_internal/runtime/convert.py`, flyte 2.12.1).
    """
    inputs = _inputs(x=1)
    literal = inputs.literals[0].value.SerializeToString(deterministic=True)
    wanted = base64.b64encode(hashlib.sha256(b"x:" + literal + b";").digest()).decode()
    assert _upload(running, inputs).inputs_hash == wanted


def test_ignored_inputs_share_the_hash_but_not_the_place(running: Running) -> None:
    """Two runs that differ only in what the cache ignores have one hash, and each its own inputs."""
    one = _upload(running, _inputs(x=1, noise=1), task_spec=_spec("noise"))
    two = _upload(running, _inputs(x=1, noise=2), task_spec=_spec("noise"))
    assert one.inputs_hash == two.inputs_hash
    assert one.uri != two.uri
    for place, noise in ((one, 1), (two, 2)):
        stored = common_pb2.Inputs.FromString(running.backend.objects.read(f"{place.uri}/inputs.pb"))
        assert stored == _inputs(x=1, noise=noise)
    assert _upload(running, _inputs(x=1, noise=2)).inputs_hash != one.inputs_hash


def test_a_deployed_task_says_what_its_cache_ignores(running: Running) -> None:
    """A task named by its id is looked up, and its ignored inputs count."""
    task_id = task_definition_pb2.TaskIdentifier(org="o", project=PROJECT, domain=DOMAIN, name="env.t", version="v1")
    with pytest.raises(ConnectError) as error:
        _upload(running, _inputs(x=1), task_spec=None, task_id=task_id)
    assert error.value.code is Code.NOT_FOUND
    running.tasks.deploy_task(task_service_pb2.DeployTaskRequest(task_id=task_id, spec=_spec("noise")))
    hashes = {
        _upload(running, _inputs(x=1, noise=noise), task_spec=None, task_id=task_id).inputs_hash for noise in (1, 2)
    }
    assert len(hashes) == 1


def test_inputs_can_lie_under_a_runs_own_base(running: Running) -> None:
    """A base directory is honoured if it is in the store, else refused by name."""
    stored = _upload(running, _inputs(x=1), base_dir="s3://flyte/elsewhere/")
    assert stored.uri.startswith(f"s3://flyte/elsewhere/{PROJECT}/{DOMAIN}/offloaded-inputs/")
    with pytest.raises(ConnectError) as error:
        _upload(running, _inputs(x=1), base_dir="gs://theirs")
    assert (error.value.code, "gs://theirs" in error.value.message) == (Code.UNIMPLEMENTED, True)
    with pytest.raises(ConnectError) as error:
        _upload(running, _inputs(x=1), base_dir="s3://no-such-bucket/x")
    assert error.value.code is Code.NOT_FOUND


@pytest.mark.parametrize("missing", ["project_id", "task_spec"])
def test_inputs_belong_to_a_project_and_a_task(running: Running, missing: str) -> None:
    """Without the one or the other they are refused."""
    with pytest.raises(ConnectError) as error:
        _upload(running, _inputs(x=1), **{missing: None})
    assert error.value.code is Code.INVALID_ARGUMENT
