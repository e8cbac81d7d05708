"""`flyte-bridge register`: sources, and the packages that `pyflyte package` makes."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from flyteidl.admin import common_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2, tasks_pb2, workflow_pb2
from flyteidl.service import admin_pb2_grpc

from flyte_bridge.errors import SourceError
from flyte_bridge.remote import package
from flyte_bridge.remote.channel import Channel

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge.remote.in_process import Home

    from .conftest import User

SOURCE = """\
    from flytekit import LaunchPlan, PodTemplate, conditional, dynamic, map_task, task, workflow


    @task
    def double(x: int) -> int:
        return 2 * x


    @workflow
    def inner(x: int) -> int:
        return double(x=x)


    plan = LaunchPlan.get_or_create(inner, "{package}.plan", default_inputs={{"x": 4}})


    @workflow
    def outer(x: int) -> int:
        y = inner(x=x)
        z = conditional("big").if_(y > 3).then(plan(x=y)).else_().then(double(x=y))
        map_task(double)(x=[1, 2])
        return z
"""


@pytest.fixture
def stub(real_home: Home) -> Any:
    """AdminService."""
    return admin_pb2_grpc.AdminServiceStub(Channel(real_home))


def source(user: User, name: str) -> Path:
    """A package of that name with two workflows and a launch plan."""
    user.write(f"{name}/__init__.py", "")
    return user.write(f"{name}/flows.py", SOURCE.format(package=name))


def pack(user: User, name: str, copy: str, output: str) -> Path:
    """`pyflyte package`."""
    path = user.where / output
    user.bridge("pyflyte", "--pkgs", name, "package", "--copy", copy, "--output", str(path), "--image", "img:1")
    return path


def named(name: str, version: str, kind: int) -> common_pb2.ObjectGetRequest:
    """A request for an entity."""
    place = {"project": "flytesnacks", "domain": "development"}
    return common_pb2.ObjectGetRequest(
        id=identifier_pb2.Identifier(resource_type=kind, name=name, version=version, **place)
    )


def test_a_package(user: User, stub: Any) -> None:
    """A package whose code is in the image is registered under what the command line says, nested references too; twice
    is no error; the active launch plan is the one that was asked for."""
    source(user, "plain")
    path = pack(user, "plain", "none", "plain.tgz")
    words = ("register", path, "--version", "v1")
    said = user.bridge(*words)
    assert "workflow plain.flows.outer v1\n" in said
    assert "launch plan plain.plan v1\n" in said
    assert said.index("plain.flows.double") < said.index("plain.flows.outer")
    assert "workflow plain.flows.outer v1 (registered already)" in user.bridge(*words, "--activate-launchplans")
    outer = stub.GetWorkflow(named("plain.flows.outer", "v1", identifier_pb2.WORKFLOW)).closure.compiled_workflow
    assert {task.template.id.version for task in outer.tasks} == {"v1"}
    active = stub.GetActiveLaunchPlan(
        launch_plan_pb2.ActiveLaunchPlanRequest(
            id=common_pb2.NamedEntityIdentifier(project="flytesnacks", domain="development", name="plain.plan")
        )
    )
    assert active.id.version == "v1"
    user.write("plain/flows.py", SOURCE.format(package="plain").replace("@task", "@task(retries=3)"))
    done = user.try_bridge("register", pack(user, "plain", "none", "other.tgz"), "--version", "v1")
    assert done.returncode == 1
    assert "different structure already exists" in done.stderr


def test_a_fast_package(user: User, stub: Any) -> None:
    """A package with its code has the code uploaded, and the tasks told where it is; its version is its digest."""
    source(user, "quick")
    path = pack(user, "quick", "all", "quick.tar.gz")
    version = package.read(path).digest()
    assert f"task quick.flows.double {version}\n" in user.bridge("register", path)
    task = stub.GetTask(named("quick.flows.double", version, identifier_pb2.TASK)).closure.compiled_task.template
    words = list(task.container.args)
    assert words[words.index("--additional-distribution") + 1].startswith("s3://")
    done = user.try_bridge("register", path, "--destination-dir", "code")
    assert done.returncode == 1
    assert "has been packed for its directory" in done.stderr


def test_sources(user: User, stub: Any) -> None:
    """A package of sources goes through flytekit's own registration, with all of its options that we have."""
    folder = source(user, "raw").parent
    said = user.bridge("register", folder, "-v", "v7", "--image", "img:2", "--activate-launchplans", "-d", "staging")
    assert "workflow raw.flows.outer v7\n" in said
    assert "docker" not in said.lower()
    request = named("raw.flows.double", "v7", identifier_pb2.TASK)
    request.id.domain = "staging"
    assert stub.GetTask(request).closure.compiled_task.template.container.image == "img:2"
    assert user.try_bridge("register", folder, "--copy", "none").returncode == 2
    refused = user.try_bridge("register", folder, "-p", "no-such-project")
    assert refused.returncode == 1
    assert "no-such-project" in refused.stdout + refused.stderr


def test_a_rehearsal_registers_nothing(user: User, stub: Any) -> None:
    """With --dry-run sources and packages are told, entity by entity, and neither they nor their code is there afterwards."""
    folder = source(user, "rehearsed").parent
    for path in (folder, pack(user, "rehearsed", "all", "rehearsed.tgz")):
        told = json.loads(user.bridge("register", path, "-v", "r1", "--dry-run", "--json"))
        assert told["dry_run"]
        assert {(entity["kind"], entity["name"], entity["outcome"]) for entity in told["entities"]} >= {
            ("task", "rehearsed.flows.double", "would be registered"),
            ("workflow", "rehearsed.flows.outer", "would be registered"),
            ("launch plan", "rehearsed.plan", "would be registered"),
        }
        with pytest.raises(grpc.RpcError) as refusal:
            stub.GetTask(named("rehearsed.flows.double", "r1", identifier_pb2.TASK))
        assert refusal.value.code() is grpc.StatusCode.NOT_FOUND
    told = json.loads(user.bridge("register", folder, "-v", "r1", "--json"))
    assert {entity["outcome"] for entity in told["entities"]} == {"registered"}
    assert len({tuple(entity.items()) for entity in told["entities"]}) == len(told["entities"])


def test_the_directory_of_a_package_is_not_the_package(user: User) -> None:
    """Where imports begin beneath what was named, as in a `src/` layout, the right word is said instead of a traceback."""
    user.write("src/laid/__init__.py", "")
    user.write("src/laid/tasks.py", "from flytekit import task\n\n\n@task\ndef one() -> int:\n    return 1\n")
    user.write("src/laid/flows.py", "from laid.tasks import one\n")
    done = user.try_bridge("register", "src")
    assert done.returncode == 2
    assert "No module named 'laid'; it is src/laid: name that instead of src" in done.stderr
    assert "Traceback" not in done.stderr
    assert "task laid.tasks.one" in user.bridge("register", "src/laid")


@pytest.mark.parametrize("name", ["empty.tgz", "text.tgz", "bad.tgz", "cut.tgz"])
def test_what_is_no_package(user: User, name: str) -> None:
    """An archive without entities, a file that is none, a file in it that is no entity and half an archive are refused."""
    path = user.where / name
    entity = user.write("0_a_1.pb", "\xff\xff no message")
    if name == "text.tgz":
        path.write_text("no archive")
    else:
        with tarfile.open(path, "w:gz") as archive:
            if name != "empty.tgz":
                archive.add(entity, entity.name)
    if name == "cut.tgz":
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(SourceError, match=name):
        package.read(path)
    assert user.try_bridge("register", path).returncode == 1


def test_hydration_reaches_everything() -> None:
    """Identifiers and arguments are put in wherever they are: branches, overrides' pods, arrays; what is there stays."""
    from google.protobuf import struct_pb2

    node = workflow_pb2.Node()
    node.array_node.node.branch_node.if_else.else_node.task_node.reference_id.name = "t"
    other = node.branch_node.if_else.other.add()
    other.then_node.workflow_node.launchplan_ref.CopyFrom(identifier_pb2.Identifier(project="p0", version="v0"))
    node = workflow_pb2.WorkflowTemplate(nodes=[node])
    first = node.nodes.add()
    first.array_node.node.branch_node.if_else.else_node.task_node.reference_id.version = "{{ registration.version }}"
    pod = struct_pb2.Struct()
    pod.update({"containers": [{"args": ["{{ .remote_package_path }}", "{{ .dest_dir }}", "x"]}]})
    first.task_node.overrides.pod_template.pod_spec.CopyFrom(pod)
    package.hydrate(node, project="p", domain="d", version="v", code="s3://code", destination="")
    plan = node.nodes[0].branch_node.if_else.other[0].then_node.workflow_node.launchplan_ref
    assert (plan.project, plan.domain, plan.version) == ("p0", "d", "v0")
    told = node.nodes[1].task_node.overrides.pod_template.pod_spec["containers"][0]["args"]
    assert list(told) == ["s3://code", ".", "x"]
    container = tasks_pb2.Container(args=["{{ .dest_dir }}", "--x"])
    package.hydrate(container, project="p", domain="d", version="v", code="", destination="/root")
    assert list(container.args) == ["/root", "--x"]
