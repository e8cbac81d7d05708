"""DataProxyService's downloads: an action's values, report, code and log, and what is said where there is none."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from flyteidl2.app import app_definition_pb2
from flyteidl2.common import identifier_pb2
from flyteidl2.core import interface_pb2, literals_pb2, tasks_pb2, types_pb2
from flyteidl2.dataproxy import dataproxy_service_pb2 as pb
from flyteidl2.task import common_pb2, task_definition_pb2, task_service_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.backend.keys import ActionKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.model import ActionRecord, ActionType

from .conftest import DOMAIN, PROJECT

if TYPE_CHECKING:
    from .conftest import HandClock, Running

KEY = ActionKey(PROJECT, DOMAIN, "r1", "a0")
BASE = "s3://flyte/runs/r1"
BUNDLE = "s3://flyte/code/x.tgz"


def _spec(*args: str) -> task_definition_pb2.TaskSpec:
    entry = interface_pb2.VariableEntry(
        key="o0", value=interface_pb2.Variable(type=types_pb2.LiteralType(simple=types_pb2.INTEGER))
    )
    template = tasks_pb2.TaskTemplate(
        container=tasks_pb2.Container(args=["a0", *args]),
        interface=interface_pb2.TypedInterface(outputs=interface_pb2.VariableMap(variables=[entry])),
    )
    return task_definition_pb2.TaskSpec(task_template=template)


def _add(running: Running, *args: str, **fields: Any) -> ActionRecord:
    """Record an action that has ended well, without running it."""
    record = ActionRecord(
        id=0,
        key=KEY,
        parent=None,
        type=ActionType.TASK,
        phase=Phase.SUCCEEDED,
        version=0,
        created_at=1,
        updated_at=1,
        run_output_base=BASE,
        input_uri=f"{BASE}/inputs",
        output_uri=f"{BASE}/a0/1",
    )
    record = dataclasses.replace(record, **fields)
    created: ActionRecord = running.do(
        lambda: running.backend.ledger.create(record, task_spec=_spec(*args).SerializeToString())
    )
    return created


def _literals(number: int) -> list[common_pb2.NamedLiteral]:
    primitive = literals_pb2.Primitive(integer=number)
    literal = literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=primitive))
    return [common_pb2.NamedLiteral(name="o0", value=literal)]


def _action(key: ActionKey = KEY) -> identifier_pb2.ActionIdentifier:
    run = identifier_pb2.RunIdentifier(project=key.project, domain=key.domain, name=key.run)
    return identifier_pb2.ActionIdentifier(run=run, name=key.name)


def _data(running: Running, key: ActionKey = KEY) -> pb.GetActionDataResponse:
    return running.data.get_action_data(pb.GetActionDataRequest(action_id=_action(key)))


def _link(running: Running, kind: int, attempt: int = 0, **fields: Any) -> pb.PreSignedURLs:
    source = {"action_attempt_id": identifier_pb2.ActionAttemptIdentifier(action_id=_action(), attempt=attempt)}
    request = pb.CreateDownloadLinkRequest(artifact_type=kind, **(fields or source))
    return running.data.create_download_link(request).pre_signed_urls


REPORT, CODE = pb.ARTIFACT_TYPE_REPORT, pb.ARTIFACT_TYPE_CODE_BUNDLE


def test_inputs_and_outputs(running: Running) -> None:
    """An action's values are read from where they lie, and it is said where."""
    _add(running)
    inputs = common_pb2.Inputs(literals=_literals(1))
    outputs = common_pb2.Outputs(literals=_literals(2))
    running.backend.objects.write(f"{BASE}/inputs/inputs.pb", inputs.SerializeToString())
    running.backend.objects.write(f"{BASE}/a0/1/outputs.pb", outputs.SerializeToString())
    data = _data(running)
    assert (data.inputs, data.outputs) == (inputs, outputs)
    assert (data.inputs_uri, data.outputs_uri) == (f"{BASE}/inputs/inputs.pb", f"{BASE}/a0/1/outputs.pb")


def test_an_action_that_has_not_ended_has_inputs_only(running: Running) -> None:
    """Outputs are there once the action ended well, not before."""
    _add(running, phase=Phase.RUNNING)
    running.backend.objects.write(f"{BASE}/inputs/inputs.pb", b"")
    running.backend.objects.write(
        f"{BASE}/a0/1/outputs.pb", common_pb2.Outputs(literals=_literals(2)).SerializeToString()
    )
    data = _data(running)
    assert not data.HasField("outputs")
    assert data.outputs_uri == ""


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({}, Code.NOT_FOUND, "inputs.pb"),
        ({"input_uri": "gs://elsewhere/x"}, Code.UNIMPLEMENTED, "gs://elsewhere"),
    ],
)
def test_values_that_cannot_be_read(running: Running, fields: dict[str, Any], code: Code, says: str) -> None:
    """Inputs that are gone, or not in the store, are said by their place."""
    _add(running, **fields)
    with pytest.raises(ConnectError) as error:
        _data(running)
    assert (error.value.code, says in error.value.message) == (code, True)


def test_values_of_nobody(running: Running) -> None:
    """An action that is not there is NOT_FOUND, by name."""
    with pytest.raises(ConnectError) as error:
        _data(running, ActionKey(PROJECT, DOMAIN, "r2", "a0"))
    assert (error.value.code, "r2/a0" in error.value.message) == (Code.NOT_FOUND, True)


@pytest.mark.parametrize("name", ["report.html", "deck.html"])
def test_a_report_is_html(running: Running, name: str) -> None:
    """A report of either Flyte downloads as HTML, whatever it was stored as; the newer name wins."""
    _add(running)
    running.backend.objects.write(f"{BASE}/a0/1/{name}", "<b>ä</b>".encode())
    got = httpx.get(_link(running, REPORT, 1).signed_url[0])
    assert (got.text, got.headers["content-type"]) == ("<b>ä</b>", "text/html; charset=utf-8")


def test_a_link_ends(timed: Running, clock: HandClock) -> None:
    """A download link says when it ends, and then it does."""
    _add(timed)
    timed.backend.objects.write(f"{BASE}/a0/1/report.html", b"x")
    link = _link(timed, REPORT)
    assert link.expires_at.seconds == clock.at // 1_000_000 + 3600
    clock.at += 3_602_000_000
    assert httpx.get(link.signed_url[0]).status_code == 403


def test_code_of_an_action_and_of_a_task(running: Running) -> None:
    """The bundle a template names can be downloaded, by the action or by the deployed task."""
    _add(running, "--tgz", BUNDLE, "--dest", ".")
    running.backend.objects.write(BUNDLE, b"a tar")
    task = task_definition_pb2.TaskIdentifier(org="o", project=PROJECT, domain=DOMAIN, name="e.t", version="v")
    running.tasks.deploy_task(task_service_pb2.DeployTaskRequest(task_id=task, spec=_spec("--tgz", BUNDLE)))
    for fields in ({}, {"task_id": task}):
        assert httpx.get(_link(running, CODE, **fields).signed_url[0]).content == b"a tar"


@pytest.mark.parametrize(
    ("args", "kind", "fields", "code"),
    [
        ((), REPORT, {}, Code.NOT_FOUND),
        ((), CODE, {}, Code.NOT_FOUND),
        (("--tgz", BUNDLE), CODE, {}, Code.NOT_FOUND),
        (("--tgz", "gs://b/x"), CODE, {}, Code.UNIMPLEMENTED),
        ((), pb.ARTIFACT_TYPE_UNSPECIFIED, {}, Code.INVALID_ARGUMENT),
        ((), REPORT, {"task_id": task_definition_pb2.TaskIdentifier(name="x")}, Code.INVALID_ARGUMENT),
        ((), CODE, {"task_id": task_definition_pb2.TaskIdentifier(name="x")}, Code.NOT_FOUND),
        ((), CODE, {"app_id": app_definition_pb2.Identifier(name="x")}, Code.UNIMPLEMENTED),
    ],
)
def test_what_cannot_be_downloaded(
    running: Running, args: tuple[str, ...], kind: int, fields: dict[str, Any], code: Code
) -> None:
    """No report, no bundle, another store's bundle, no kind, no source: each has its status."""
    _add(running, *args)
    with pytest.raises(ConnectError) as error:
        _link(running, kind, **fields)
    assert error.value.code is code


def test_a_link_needs_a_source(running: Running) -> None:
    """Without anybody named, there is nothing to link to."""
    with pytest.raises(ConnectError) as error:
        running.data.create_download_link(pb.CreateDownloadLinkRequest(artifact_type=REPORT))
    assert error.value.code is Code.INVALID_ARGUMENT


def _tail(running: Running, **fields: Any) -> str:
    stream = running.data.tail_logs(pb.TailLogsRequest(action_id=_action(), **fields))
    return "".join(line.message for message in stream for logs in message.logs for line in logs.lines)


def test_a_log_is_read(running: Running) -> None:
    """An attempt's log comes whole; without an attempt named, the last one's."""
    _add(running, attempts=2)
    for attempt in (1, 2):
        path = running.backend.layout.log(KEY, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"attempt {attempt}\n")
    assert _tail(running) == "attempt 2\n"
    assert _tail(running, attempt=1) == "attempt 1\n"


def test_no_log_is_explained(running: Running) -> None:
    """Where nothing was written, one line of ours has the action's error."""
    error = run_definition_pb2.ErrorInfo(message="no such interpreter").SerializeToString()
    _add(running, phase=Phase.FAILED, error=error)
    assert _tail(running) == "flyte-bridge: the attempt has no log: no such interpreter\n"


@pytest.mark.parametrize(
    ("fields", "asked"),
    [({}, {"attempt": 2}), ({}, {"pod_name": "pod"}), ({"type": ActionType.TRACE}, {})],
)
def test_logs_that_will_never_be(running: Running, fields: dict[str, Any], asked: dict[str, Any]) -> None:
    """An attempt that will not come, a pod, a trace: NOT_FOUND."""
    _add(running, **fields)
    with pytest.raises(ConnectError) as error:
        _tail(running, **asked)
    assert error.value.code is Code.NOT_FOUND
