"""The smaller services: projects, settings, the cache, recorded actions, and who one is."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import grpc
import pytest
from flyteidl2.auth import identity_pb2, identity_pb2_grpc
from flyteidl2.cacheservice import cacheservice_pb2 as base
from flyteidl2.cacheservice.v2 import cacheservice_pb2
from flyteidl2.cluster import payload_pb2, service_pb2_grpc
from flyteidl2.common import list_pb2
from flyteidl2.core import catalog_pb2, types_pb2
from flyteidl2.project import project_service_pb2
from flyteidl2.settings import settings_definition_pb2, settings_service_pb2
from flyteidl2.task import common_pb2, run_pb2
from flyteidl2.workflow import internal_run_service_pb2, run_definition_pb2, run_service_pb2

import admitted
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import faults

from .client import DOMAIN, PROJECT, action_id, integers, interface, python_spec, refused, run_id, sort

if TYPE_CHECKING:
    from pathlib import Path

    from .client import Client
    from .conftest import Running

MISSING, THERE = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.ALREADY_EXISTS
INVALID, NOT_NOW = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION


def test_every_fault_has_a_status() -> None:
    """Each error's code is the name of a status, on both wires."""
    kinds, todo = set(), [faults.Fault]
    while todo:
        todo += (found := todo.pop().__subclasses__())
        kinds |= set(found)
    assert faults.RunEnded in kinds
    assert faults.Stopping in kinds
    for kind in kinds:
        assert faults.to_status(kind("why")).code.value.upper().replace("CANCELED", "CANCELLED") == kind.code
        assert grpc.StatusCode[kind.code]


# -- projects ---------------------------------------------------------------------------------------------------------


def _projects(client: Client, **fields: object) -> list[str]:
    response = client.projects.ListProjects(project_service_pb2.ListProjectsRequest(**fields))
    return [project.id for project in response.projects.projects]


def test_projects_are_made_changed_and_listed(client: Client) -> None:
    """Archived projects are hidden unless asked for; a second of a name is refused."""
    client.create_project("alpha")
    client.create_project("beta")
    with refused(THERE, "alpha"):
        client.create_project("alpha")
    archived = project_service_pb2.Project(id="beta", name="Beta", state=project_service_pb2.PROJECT_STATE_ARCHIVED)
    client.projects.UpdateProject(project_service_pb2.UpdateProjectRequest(project=archived))
    assert _projects(client) == [PROJECT, "alpha"]
    assert _projects(client, filters="eq(state, 1)") == ["beta"]
    assert _projects(client, filters="value_in(state, 0;1)+contains(name,eta)") == ["beta"]
    assert _projects(client, filters="contains(name,et)+value_in(state,1;0)", sort_by=sort("name")) == ["beta"]
    assert _projects(client, sort_by=sort("name", descending=True), limit=1) == [PROJECT]
    with refused(INVALID, "not understood"):
        _projects(client, filters="like(name, x)")
    with refused(MISSING):
        client.projects.UpdateProject(
            project_service_pb2.UpdateProjectRequest(project=project_service_pb2.Project(id="gamma"))
        )


@pytest.mark.parametrize("name", ["", "Up", "a b", "x" * 64, "-a", "../x"])
def test_bad_project_names_are_refused(client: Client, name: str) -> None:
    """A project's id becomes part of paths, so it must be a DNS label."""
    with refused(INVALID, "project id"):
        client.create_project(name)
    assert _projects(client) == [PROJECT]


# -- settings ---------------------------------------------------------------------------------------------------------


def _key(domain: str = "", project: str = "") -> settings_definition_pb2.SettingsKey:
    return settings_definition_pb2.SettingsKey(domain=domain, project=project)


def _env(**values: str) -> settings_definition_pb2.Settings:
    settings = settings_definition_pb2.Settings()
    settings.environment_variables.state = settings_definition_pb2.SETTING_STATE_VALUE
    settings.environment_variables.map_value.entries.update(values)
    return settings


def test_settings_inherit_and_are_versioned(client: Client) -> None:
    """The nearer level wins, and an edit of a version that is not the last is refused."""
    queue = settings_definition_pb2.Settings()
    queue.run.default_queue.state = settings_definition_pb2.SETTING_STATE_VALUE
    queue.run.default_queue.string_value = "big"
    create = settings_service_pb2.CreateSettingsRequest
    client.settings.CreateSettings(create(key=_key(), settings=queue))
    client.settings.CreateSettings(create(key=_key(DOMAIN), settings=_env(A="1")))
    with refused(THERE):
        client.settings.CreateSettings(create(key=_key(DOMAIN), settings=_env(A="2")))
    got = client.settings.GetSettings(settings_service_pb2.GetSettingsRequest(key=_key(DOMAIN, PROJECT)))
    assert got.settingsRecord.settings.run.default_queue.string_value == "big"
    assert got.settingsRecord.settings.run.default_queue.scope_level == settings_definition_pb2.SCOPE_LEVEL_ORG
    assert got.settingsRecord.settings.environment_variables.scope_level == settings_definition_pb2.SCOPE_LEVEL_DOMAIN
    levels = client.settings.GetSettingsForEdit(
        settings_service_pb2.GetSettingsForEditRequest(key=_key(DOMAIN, PROJECT))
    ).levels
    assert [level.version for level in levels] == [1, 1, 0]
    update = settings_service_pb2.UpdateSettingsRequest(key=_key(DOMAIN), settings=_env(A="3"), version=1)
    assert client.settings.UpdateSettings(update).settingsRecord.version == 2
    with refused(NOT_NOW, "version 2"):
        client.settings.UpdateSettings(update)


def test_settings_reach_the_runs(client: Client, tmp_path: Path) -> None:
    """Environment variables of the project's settings are in its tasks; those of the run itself win."""
    settings = _env(FROM_SETTINGS="yes", BOTH="settings")
    client.settings.CreateSettings(
        settings_service_pb2.CreateSettingsRequest(key=_key(DOMAIN, PROJECT), settings=settings)
    )
    told = tmp_path / "told"
    code = f"import os; open({str(told)!r}, 'w').write(os.environ['FROM_SETTINGS'] + os.environ['BOTH'])"
    envs = run_pb2.Envs()
    envs.values.add(key="BOTH", value="run")
    details = client.wait(client.create(python_spec(code), run_spec=run_pb2.RunSpec(envs=envs)))
    assert details.status.phase == Phase.SUCCEEDED
    assert told.read_text() == "yesrun"


# -- the cache --------------------------------------------------------------------------------------------------------

_SCOPE = cacheservice_pb2.Identifier(project=PROJECT, domain=DOMAIN)


def _put(client: Client, uri: str, **overwrite: object) -> None:
    output = base.CachedOutput(output_uri=uri)
    request = base.PutCacheRequest(key="k", output=output, overwrite=base.OverwriteOutput(**overwrite))
    client.cache.Put(cacheservice_pb2.PutCacheRequest(base_request=request, identifier=_SCOPE))


def _get(client: Client, project: str = PROJECT) -> str:
    identifier = cacheservice_pb2.Identifier(project=project, domain=DOMAIN)
    request = cacheservice_pb2.GetCacheRequest(base_request=base.GetCacheRequest(key="k"), identifier=identifier)
    return str(client.cache.Get(request).output.output_uri)


def test_cache_entries_come_and_go(client: Client) -> None:
    """Put, get, overwrite, delete, by project and domain."""
    with refused(MISSING):
        _get(client)
    _put(client, "s3://one")
    with refused(THERE):
        _put(client, "s3://two")
    assert _get(client) == "s3://one"
    _put(client, "s3://two", overwrite=True)
    assert _get(client) == "s3://two"
    with refused(MISSING):
        _get(client, "other")
    delete = cacheservice_pb2.DeleteCacheRequest(base_request=base.DeleteCacheRequest(key="k"), identifier=_SCOPE)
    client.cache.Delete(delete)
    with refused(MISSING):
        client.cache.Delete(delete)


def test_a_reservation_is_one_owners(client: Client) -> None:
    """The second to ask is told who has it, until it is released."""

    def ask(owner: str) -> str:
        request = base.GetOrExtendReservationRequest(key="k", owner_id=owner)
        answer = client.cache.GetOrExtendReservation(
            cacheservice_pb2.GetOrExtendReservationRequest(base_request=request, identifier=_SCOPE)
        )
        return str(answer.reservation.owner_id)

    assert [ask("a"), ask("b"), ask("a")] == ["a", "a", "a"]
    release = base.ReleaseReservationRequest(key="k", owner_id="a")
    client.cache.ReleaseReservation(cacheservice_pb2.ReleaseReservationRequest(base_request=release, identifier=_SCOPE))
    assert ask("b") == "b"


_numbers = itertools.count()


def _cached(client: Client, mark: Path, spec_version: str = "1", **fields: object) -> run_definition_pb2.ActionDetails:
    """Runs a cached task that adds a line to a file and has one output, the number of lines."""
    code = (
        "import asyncio, sys\n"
        "from flyte_bridge.backend.storage import Storage\n"
        f"open({str(mark)!r}, 'a').write('x')\n"
        "from flyteidl2.task import common_pb2\n"
        "outputs = common_pb2.Outputs()\n"
        f"outputs.literals.add(name='o0').value.scalar.primitive.integer = len(open({str(mark)!r}).read())\n"
        "asyncio.run(Storage().write(f'{sys.argv[1]}/outputs.pb', outputs.SerializeToString()))\n"
    )
    spec = python_spec(code, discoverable=True, discovery_version=spec_version, cache_ignore_input_vars=["ignored"])
    spec.task_template.metadata.cache_serializable = bool(fields.pop("serial", False))
    spec.task_template.interface.CopyFrom(interface(n=types_pb2.INTEGER, ignored=types_pb2.INTEGER))
    spec.task_template.interface.outputs.variables.add(key="o0").value.type.simple = types_pb2.INTEGER
    inputs = integers(n=fields.pop("n", 1), ignored=next(_numbers))  # type: ignore[arg-type]
    return client.wait(client.create(spec, inputs=inputs, **fields))


def test_a_cached_task_runs_once(client: Client, tmp_path: Path) -> None:
    """The same inputs hit, ignored ones do not count; other inputs, another version or overwrite run again."""
    mark = tmp_path / "mark"
    first, second = _cached(client, mark), _cached(client, mark)
    assert first.status.cache_status == catalog_pb2.CACHE_POPULATED
    assert second.status.cache_status == catalog_pb2.CACHE_HIT
    assert second.attempts[0].cache_metadata.source_action_attempt.action_id.run.name == first.id.run.name
    assert mark.read_text() == "x"
    assert _cached(client, mark, n=2).status.cache_status == catalog_pb2.CACHE_POPULATED
    assert _cached(client, mark, "2").status.cache_status == catalog_pb2.CACHE_POPULATED
    overwrite = run_pb2.RunSpec(overwrite_cache=True)
    assert _cached(client, mark, run_spec=overwrite).status.cache_status == catalog_pb2.CACHE_POPULATED
    assert mark.read_text() == "xxxx"


def test_the_cached_output_outlives_its_source(client: Client, server: Running, tmp_path: Path) -> None:
    """A hit copies the output to its own place; an entry whose output is gone is a miss, not an error."""
    mark = tmp_path / "mark"
    _cached(client, mark)
    second = _cached(client, mark)
    request = run_service_pb2.GetActionDataURIsRequest(action_id=action_id(second.id.run.name))
    uri = client.runs.GetActionDataURIs(request).outputs_uri
    outputs = common_pb2.Outputs.FromString(server.backend.objects.read(uri))
    assert outputs.literals[0].value.scalar.primitive.integer == 1
    for info in list(server.backend.objects.list("s3://flyte/runs/")):
        if info.uri.endswith("outputs.pb"):
            server.backend.objects.delete(info.uri)
    assert _cached(client, mark).status.cache_status == catalog_pb2.CACHE_POPULATED
    assert mark.read_text() == "xx"


# -- recorded actions -------------------------------------------------------------------------------------------------


def _record(client: Client, name: str, parent: str = "", **spec: object) -> int:
    request = internal_run_service_pb2.RecordActionRequest(action_id=action_id("imported", name), parent=parent, **spec)
    return int(client.internal.RecordAction(request).status.code)


def _update(client: Client, name: str, phase: Phase, **fields: object) -> int:
    status = run_definition_pb2.ActionStatus(phase=int(phase))
    status.start_time.FromJsonString("2023-01-01T00:00:00Z")
    if phase.terminal:
        status.end_time.FromJsonString("2023-01-01T00:00:05Z")
    request = internal_run_service_pb2.UpdateActionStatusRequest(
        action_id=action_id("imported", name), status=status, **fields
    )
    return int(client.internal.UpdateActionStatus(request).status.code)


def test_a_history_can_be_recorded(client: Client) -> None:
    """A run that somebody else ran is recorded with its own times, attempts and results, and nothing of it is run."""
    task = run_definition_pb2.TaskAction(spec=python_spec("raise SystemExit('must not run')"))
    assert _record(client, "a0", task=task) == 0
    assert _record(client, "n0", "a0", task=task) == 0
    assert _record(client, "n0", "a0", task=task) == 0  # again is no error
    assert _update(client, "n0", Phase.RECOVERED) == 0
    event = run_definition_pb2.ActionEvent(id=action_id("imported", "n0"), attempt=2, phase=5)
    event.outputs.output_uri = "s3://old/n0/outputs.pb"
    events = internal_run_service_pb2.RecordActionEventsRequest(events=[event])
    assert client.internal.RecordActionEvents(events).status.code == 0
    assert _update(client, "a0", Phase.SUCCEEDED) == 0
    details = client.details("imported", "n0")
    assert details.status.phase == Phase.RECOVERED
    assert details.status.duration_ms == 5000
    assert details.status.attempts == 2
    uris = client.runs.GetActionDataURIs(
        run_service_pb2.GetActionDataURIsRequest(action_id=action_id("imported", "n0"))
    )
    assert uris.outputs_uri == "s3://old/n0/outputs.pb"
    assert client.list_runs() == ["imported"]


def test_recorded_phases_go_forward_and_end_once(client: Client) -> None:
    """An open phase does not go back, and an end stays."""
    task = run_definition_pb2.TaskAction(spec=python_spec("pass"))
    _record(client, "a0", task=task)
    _update(client, "a0", Phase.RUNNING)
    _update(client, "a0", Phase.QUEUED)
    assert client.phase("imported") is Phase.RUNNING
    _update(client, "a0", Phase.FAILED)
    _update(client, "a0", Phase.SUCCEEDED)
    assert client.phase("imported") is Phase.FAILED


def test_recording_nonsense_is_told_in_band(client: Client) -> None:
    """The service answers with a status inside its message: NOT_FOUND 5, INVALID_ARGUMENT 3."""
    task = run_definition_pb2.TaskAction(spec=python_spec("pass"))
    assert _update(client, "a0", Phase.RUNNING) == 5
    assert _record(client, "n0", "a0", task=task) == 5
    assert _record(client, "n0", task=task) == 3
    assert _record(client, "a0") == 3


def test_records_come_by_stream_too(client: Client) -> None:
    """The streaming forms answer each message, with its nonce."""
    task = run_definition_pb2.TaskAction(spec=python_spec("pass"))
    _record(client, "a0", task=task)
    requests = [
        internal_run_service_pb2.UpdateActionStatusStreamRequest(
            nonce=nonce,
            request=internal_run_service_pb2.UpdateActionStatusRequest(
                action_id=action_id("imported"), status=run_definition_pb2.ActionStatus(phase=int(phase))
            ),
        )
        for nonce, phase in enumerate((Phase.RUNNING, Phase.SUCCEEDED))
    ]
    answers = list(client.internal.UpdateActionStatusStream(iter(requests)))
    assert [(answer.nonce, answer.response.status.code) for answer in answers] == [(0, 0), (1, 0)]
    assert client.phase("imported") is Phase.SUCCEEDED


# -- who and where ----------------------------------------------------------------------------------------------------


def test_one_is_the_local_user_on_the_one_cluster(server: Running) -> None:
    """Whoami names the user who runs the backend; the cluster's endpoint is empty, so the SDK stays where it is."""
    with admitted.channel(server.endpoint, server.access) as channel:
        user = identity_pb2_grpc.IdentityServiceStub(channel).UserInfo(identity_pb2.UserInfoRequest())
        where = service_pb2_grpc.ClusterServiceStub(channel).SelectCluster(payload_pb2.SelectClusterRequest())
    assert user.subject
    assert where.cluster_endpoint == ""


def test_runs_are_found_by_their_creator(client: Client, server: Running) -> None:
    """`created_by` filters by the subject that whoami tells."""
    with admitted.channel(server.endpoint, server.access) as channel:
        user = identity_pb2_grpc.IdentityServiceStub(channel).UserInfo(identity_pb2.UserInfoRequest())
    client.sleeping(0, "mine")
    mine = list_pb2.Filter(function=list_pb2.Filter.EQUAL, field="created_by", values=[user.subject])
    assert client.list_runs(mine) == ["mine"]
    assert client.details("mine").metadata.executed_by.user.id.subject == user.subject
    assert run_id("mine").name == "mine"
