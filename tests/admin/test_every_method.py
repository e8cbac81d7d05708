"""Methods of flytekit's remote and client that no other test calls, over the backend's own port."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.service import dataproxy_pb2
from flytekit import reference_launch_plan, reference_task, reference_workflow
from flytekit.core.options import Options
from flytekit.exceptions.user import FlyteEntityAlreadyExistsException, FlyteEntityNotExistException
from flytekit.models import common as model_common
from flytekit.models.core.identifier import Identifier, ResourceType
from flytekit.models.execution import ExecutionMetadata, ExecutionSpec
from flytekit.models.launch_plan import LaunchPlanState
from flytekit.models.literals import LiteralMap

from admin.control import DOMAIN, PROJECT, VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from admin.control import Control

WHERE = {"project": PROJECT, "domain": DOMAIN}


@pytest.fixture(scope="module", autouse=True)
def _registered(control: Control, flows: Any) -> None:
    control.register(flows.child)
    control.register(flows.PLAN)


def test_every_way_to_execute(control: Control, flows: Any) -> None:
    """Entities fetched, referred to and local, tasks, workflows and launch plans, each by its own method."""
    remote = control.remote

    @reference_task(**WHERE, name="flows.plus", version=VERSION)
    def plus(a: int, b: int) -> int:
        return a + b

    @reference_workflow(**WHERE, name="flows.child", version=VERSION)
    def child(a: int, b: int) -> int:
        return a + b

    @reference_launch_plan(**WHERE, name="flows.plan", version=VERSION)
    def plan(a: int, b: int) -> int:
        return a + b

    own = {**WHERE, "version": VERSION}
    both = {"a": 1, "b": 2}
    begun = [
        remote.execute_remote_task_lp(remote.fetch_task(**WHERE, name="flows.plus", version=VERSION), both, **WHERE),
        remote.execute_remote_task_lp(
            remote.fetch_launch_plan(**WHERE, name="flows.plan", version=VERSION), both, **WHERE
        ),
        remote.execute_remote_wf(remote.fetch_workflow(**WHERE, name="flows.child", version=VERSION), both, **WHERE),
        remote.execute_reference_task(plus, both),
        remote.execute_reference_workflow(child, both),
        remote.execute_reference_launch_plan(plan, both),
        remote.execute_local_task(flows.plus, both, **own),
        remote.execute_local_workflow(flows.child, both, **own),
        remote.execute_local_launch_plan(flows.PLAN, both, **own),
    ]
    assert [control.done(one).outputs["o0"] for one in begun] == [3] * len(begun)


def test_every_way_to_fetch(control: Control) -> None:
    """Lazily, the active one, by what a node refers to; console addresses name the entity."""
    remote, client = control.remote, control.client
    assert remote.fetch_task_lazy(**WHERE, name="flows.plus", version=VERSION).id.name == "flows.plus"
    lazy = remote.fetch_workflow_lazy(**WHERE, name="flows.child", version=VERSION)
    assert [node.id for node in lazy.flyte_nodes] == ["n0"]
    plan = Identifier(ResourceType.LAUNCH_PLAN, PROJECT, DOMAIN, "flows.plan", VERSION)
    place = model_common.NamedEntityIdentifier(PROJECT, DOMAIN, "flows.plan")
    assert remote.fetch_active_launchplan(**WHERE, name="flows.plan") is None
    with pytest.raises(FlyteEntityNotExistException):
        client.get_active_launch_plan(place)
    remote.activate_launchplan(plan)
    assert remote.fetch_active_launchplan(**WHERE, name="flows.plan").id.version == VERSION
    assert client.get_active_launch_plan(place).closure.state == LaunchPlanState.ACTIVE
    active, token = client.list_active_launch_plans_paginated(PROJECT, DOMAIN, limit=100)
    assert ("flows.plan", "") in [(one.id.name, token) for one in active]
    remote.deactivate_launchplan(plan)
    assert remote.fetch_active_launchplan(**WHERE, name="flows.plan") is None
    client.update_launch_plan(plan, LaunchPlanState.ACTIVE)
    client.update_launch_plan(plan, LaunchPlanState.INACTIVE)
    assert remote.fetch_active_launchplan(**WHERE, name="flows.plan") is None
    specs: dict[Any, Any] = {}
    remote.find_launch_plan(plan, specs)
    assert specs[plan].workflow_id.name == "flows.child"
    for listed, name in (
        (client.list_workflow_ids_paginated, "flows.child"),
        (client.list_launch_plan_ids_paginated, "flows.plan"),
    ):
        assert name in [one.name for one in listed(PROJECT, DOMAIN)[0]]
    assert remote.generate_console_http_domain() == f"http://{control.endpoint}"
    fetched = remote.fetch_workflow(**WHERE, name="flows.child", version=VERSION)
    assert remote.generate_console_url(fetched).endswith(
        f"/projects/{PROJECT}/domains/{DOMAIN}/workflow/flows.child/version/{VERSION}"
    )


def test_the_clients_own_creations(control: Control, fresh: str) -> None:
    """A launch plan and an execution made of flytekit's models; what is told of the execution, down to its task."""
    client = control.client
    held = client.get_launch_plan(Identifier(ResourceType.LAUNCH_PLAN, PROJECT, DOMAIN, "flows.plan", VERSION))
    plan = Identifier(ResourceType.LAUNCH_PLAN, PROJECT, DOMAIN, f"flows.{fresh}", VERSION)
    client.create_launch_plan(plan, held.spec)
    with pytest.raises(FlyteEntityAlreadyExistsException):
        client.create_launch_plan(plan, held.spec)
    metadata = ExecutionMetadata(ExecutionMetadata.ExecutionMode.MANUAL, "placeholder", 0)
    spec = ExecutionSpec(plan, metadata, labels=model_common.Labels({"team": fresh}))
    inputs = LiteralMap({"a": held.spec.default_inputs.parameters["b"].default})
    started = client.create_execution(PROJECT, DOMAIN, fresh, spec, inputs)
    assert started.name == fresh
    done = control.done(control.remote.fetch_execution(**WHERE, name=fresh))
    assert done.outputs["o0"] == 14
    assert done.spec.labels.values == {"team": fresh}
    data = client.get_execution_data(started)
    assert sorted(data.full_inputs.literals) == ["a", "b"]
    assert data.full_outputs.literals["o0"].scalar.primitive.integer == 14
    nodes, _ = client.list_node_executions(started, limit=10)
    (node,) = (one for one in nodes if one.id.node_id == "n0")
    (task,), _ = client.list_task_executions_paginated(node.id, limit=10)
    assert (
        client.get_task_execution(task.id).closure.phase == done.node_executions["n0"].task_executions[0].closure.phase
    )
    mine = control.remote.sync_node_execution(done.node_executions["n0"], done.flyte_workflow._node_map)
    assert mine.outputs["o0"] == 14
    assert control.remote.sync_task_execution(mine.task_executions[0]).closure.phase == mine.closure.phase


def test_every_way_to_move_files(control: Control, flows: Any, fresh: str, tmp_path: Path) -> None:
    """What is uploaded can be downloaded where its address says; packages, fast and raw registration."""
    import requests
    from flytekit.configuration import FastSerializationSettings, Image, ImageConfig, SerializationSettings
    from flytekit.tools.translator import get_serializable

    remote, client = control.remote, control.client
    (tmp_path / "a.txt").write_text("hello")
    _, uri = remote.upload_file(tmp_path / "a.txt", **WHERE)
    signed = client.get_download_signed_url(uri, datetime.timedelta(minutes=5)).signed_url
    assert requests.get(signed, timeout=60).text == "hello"
    request = dataproxy_pb2.CreateDownloadLocationRequest(native_url=uri)
    assert requests.get(client.create_download_location(request).signed_url, timeout=60).text == "hello"
    location = client.create_upload_location(
        dataproxy_pb2.CreateUploadLocationRequest(**WHERE, filename="b.txt", filename_root=fresh)
    )
    assert location.native_url.endswith(f"/{fresh}/b.txt")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "module.py").write_text("x = 1\n")
    digest, packed = remote.fast_package(tmp_path / "code")
    assert len(digest) == 16
    assert packed.endswith(".tar.gz")
    settings = SerializationSettings(
        image_config=ImageConfig(Image("default", "registry.example/app", "1")), **WHERE, version=fresh,
        fast_serialization_settings=FastSerializationSettings(True, "/root", packed),
    )  # fmt: skip
    serialized = get_serializable({}, settings, flows.plus)
    made = remote.raw_register(serialized, settings, fresh, options=Options())
    assert (made.name, made.version) == ("flows.plus", fresh)
    assert remote.fetch_task(**WHERE, name="flows.plus", version=fresh).id.version == fresh
