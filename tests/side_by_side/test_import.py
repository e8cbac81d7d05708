"""`flyte-bridge import`: what is registered in one control plane, registered in another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import (
    common_pb2,
    launch_plan_pb2,
    project_domain_attributes_pb2,
)
from flyteidl.core import identifier_pb2

from flyte_bridge import config
from flyte_bridge.backend.storage import Storage
from flyte_bridge.embedded_client import instance, snippets
from flyte_bridge.side_by_side.control_plane import ADMIN
from flyte_bridge.side_by_side.import_files import Stores, copy
from flyte_bridge.side_by_side.import_state import Arrival, Imported
from flyte_bridge.side_by_side.registrations import EntityKey, RegistrationReader

from .conftest import CODE, DOMAIN, PROJECT, TwoSides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.side_by_side.control_plane import ControlPlane

VERSION = "v1"


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoSides]:
    """Flyte 1 with a registered estate, and an empty Flyte 2."""
    place = tmp_path_factory.mktemp("estate")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FLYTE_BRIDGE_TASK_ALLOW", "registration")
            v1 = instance.start(place / "v1")
        v2 = instance.start(place / "v2")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in snippets.flyte_environment(v1).items():
                if name.startswith("FLYTE_AWS"):
                    patch.setenv(f"FLYTE_BRIDGE_V1_{name.removeprefix('FLYTE_')}", value)
            settings = config.load(
                v1_endpoint=v1.endpoint, v1_insecure=True, v1_token=v1.access.token, data_dir=Path(v2.data_dir)
            )
            sides = TwoSides(v1, v2, settings)
            file = CODE / "estate.py"
            words = ("register", file, "--version", VERSION, "--copy", "auto", "--image", "local/flytekit:1")
            done = sides.bridge(*words, FLYTE_BRIDGE_DATA_DIR=v1.data_dir, FLYTE_BRIDGE_TASK_ALLOW="registration")
            assert done.returncode == 0, done.stdout + done.stderr
            sides.run(_set)
            yield sides
    finally:
        for side in ("v1", "v2"):
            instance.stop(place / side)


async def _set(v1: ControlPlane, _: ControlPlane) -> None:
    """Active launch plans, a described and an archived name, attributes."""
    for name in ("by_hand", "every_day"):
        request = launch_plan_pb2.LaunchPlanUpdateRequest(id=_plan(name).message, state=launch_plan_pb2.ACTIVE)
        await v1.caller.unary(f"{ADMIN}UpdateLaunchPlan", request, launch_plan_pb2.LaunchPlanUpdateResponse)
    archived = common_pb2.NamedEntityMetadata(description="old", state=common_pb2.NAMED_ENTITY_ARCHIVED)
    named = common_pb2.NamedEntityIdentifier(project=PROJECT, domain=DOMAIN, name="estate.other")
    update = common_pb2.NamedEntityUpdateRequest(resource_type=identifier_pb2.WORKFLOW, id=named, metadata=archived)
    await v1.caller.unary(f"{ADMIN}UpdateNamedEntity", update, common_pb2.NamedEntityUpdateResponse)
    attributes = project_domain_attributes_pb2.ProjectDomainAttributes(project=PROJECT, domain=DOMAIN)
    attributes.matching_attributes.workflow_execution_config.max_parallelism = 7
    change = project_domain_attributes_pb2.ProjectDomainAttributesUpdateRequest(attributes=attributes)
    reply = project_domain_attributes_pb2.ProjectDomainAttributesUpdateResponse
    await v1.caller.unary(f"{ADMIN}UpdateProjectDomainAttributes", change, reply)


def _plan(name: str) -> EntityKey:
    return EntityKey(identifier_pb2.LAUNCH_PLAN, PROJECT, DOMAIN, name, VERSION)


def bring(estate: TwoSides, *words: str, **env: str) -> tuple[int, dict[str, Any], str]:
    """`flyte-bridge import --json`: its exit code, what it told, and its standard error."""
    done = estate.bridge("import", "--from-admin", estate.v1.endpoint, "--json", *words, **env)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def test_dry_run(estate: TwoSides) -> None:
    """A dry run tells what would be copied, tasks first, what no Flyte 2 runs, and writes nothing."""
    code, told, said = bring(estate, "--dry-run")
    assert code == 0, said
    assert told["summary"]["workflow"] == 6
    assert [name.split()[0] for name in told["entities"]][: told["summary"]["task"]] == ["task"] * told["summary"][
        "task"
    ]
    assert not (Path(estate.v2.data_dir) / "side-by-side").exists()


def test_unknown_project(estate: TwoSides) -> None:
    """A project that is not there is a wrong command line; the message says which there are."""
    code, _, said = bring(estate, "--project", "nowhere")
    assert code == 2
    assert "no project 'nowhere'; there are" in said
    assert PROJECT in said


def test_endpoint_away(estate: TwoSides) -> None:
    """A flyteadmin that does not answer is told, with exit status 7."""
    done = estate.bridge("import", "--from-admin", "127.0.0.1:1", "--json")
    assert done.returncode == 7
    assert "127.0.0.1:1" in done.stderr


def test_stopped_and_resumed(estate: TwoSides) -> None:
    """Ctrl-C keeps what was done and exits with 130; the same command goes on, and copies nothing twice."""
    words = [sys.executable, "-m", "flyte_bridge_cli.main", "import", "--from-admin", estate.v1.endpoint, "--rate", "4"]
    running = subprocess.Popen(words, env={**os.environ, **estate.env}, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("copied: workflow"):
            running.send_signal(signal.SIGINT)
            break
    _, rest = running.communicate(timeout=60)
    assert running.returncode == 130, rest
    assert "goes on from here" in rest
    done = estate.bridge("import", "--from-admin", estate.v1.endpoint)
    assert "copied: task: " not in done.stderr
    assert "copied: workflow: " in done.stderr


def test_imported(estate: TwoSides) -> None:
    """All but what cannot run is there and the same, branches' arms included; refusals name their followers."""
    code, told, said = bring(estate)
    assert code == 1, said
    assert told["summary"]["workflow"] == {"same": 4, "needs what was refused": 2}, told
    assert told["different"] == []
    assert [one["name"].split("/")[-1] for one in told["refused"]] == [f"shell:{VERSION}"]
    assert "container" in told["refused"][0]["reason"]
    followers = {one["name"]: one["reason"] for one in told["followers"]}
    at = f"{PROJECT}/{DOMAIN}"
    assert followers[f"workflow {at}/estate.raw:{VERSION}"] == f"task {at}/shell:{VERSION}"
    assert followers[f"launch plan {at}/estate.raw:{VERSION}"] == f"workflow {at}/estate.raw:{VERSION}"
    assert followers[f"workflow {at}/estate.around:{VERSION}"] == f"task {at}/shell:{VERSION}"
    assert {one.split("/")[-1] for one in told["arrived_inactive"]} == {f"every_day:{VERSION}"}
    assert told["summary"]["file"] == {"copied": 1}


def test_closures(estate: TwoSides) -> None:
    """Read from both sides the closures are equal, messages as they are, and so are states, names and attributes."""

    async def read(v1: ControlPlane, v2: ControlPlane) -> None:
        first, second = RegistrationReader(v1.caller), RegistrationReader(v2.caller)
        theirs, ours = await first.read(), await second.read()
        for key in ours.workflows:
            one, other = await first.entity(key), await second.entity(key)
            assert one.closure.compiled_workflow == other.closure.compiled_workflow, key
            assert one.short_description == other.short_description
        states = {key.name: plan.closure.state for key, plan in ours.launch_plans.items()}
        assert states["by_hand"] == launch_plan_pb2.ACTIVE
        assert states["every_day"] == launch_plan_pb2.INACTIVE
        assert theirs.launch_plans[_plan("every_day")].spec == ours.launch_plans[_plan("every_day")].spec
        names = {
            one.id.name: one.metadata for one in await second.named_entities(identifier_pb2.WORKFLOW, (PROJECT, DOMAIN))
        }
        assert names["estate.other"].state == common_pb2.NAMED_ENTITY_ARCHIVED
        assert names["estate.other"].description == "old"
        set_ = [one for one in await second.attributes() if one.attributes.HasField("workflow_execution_config")]
        assert [one.attributes.workflow_execution_config.max_parallelism for one in set_] == [7]

    estate.run(read)


def test_files_and_stores(estate: TwoSides) -> None:
    """A file and a directory keep their URIs, in a bucket that is made for them; one that is nowhere is told with its store."""

    async def work(v1: ControlPlane, v2: ControlPlane) -> list[Imported]:
        assert isinstance(v1.objects, Storage)
        assert isinstance(v2.objects, Storage)
        await v1.objects.make_bucket("s3://team/x")
        for name in ("x", "d/1", "d/2"):
            await v1.objects.write(f"s3://team/{name}", name.encode())
        stores = Stores(v1.objects, v2.objects, makes_buckets=True)
        told = [*await copy("s3://team/x", stores), *await copy("s3://team/d", stores, directory=True)]
        assert await v2.objects.read("s3://team/d/2") == b"d/2"
        return [*told, *await copy("s3://team/x", stores), *await copy("s3://team/nothing", stores)]

    told = estate.run(work)
    copied, there, refused = Arrival.COPIED, Arrival.THERE, Arrival.REFUSED
    assert [one.arrival for one in told] == [copied, copied, copied, there, refused]
    assert "let tasks of Flyte 2 read s3://team" in told[-1].reason


def test_again(estate: TwoSides, tmp_path: Path) -> None:
    """Without its state nothing is copied twice, and what is there already is no error; calls stay within the bound."""
    state = next((Path(estate.v2.data_dir) / "side-by-side").glob("import-*.jsonl"))
    state.rename(tmp_path / "state")
    code, told, said = bring(estate)
    assert code == 1
    assert "copied: " not in said.replace("copied: attributes", "").replace("copied: name", "")
    assert told["summary"]["workflow"] == {"same": 4, "needs what was refused": 2}
    assert told["requests"]["writes_per_entity"] <= 1.1


def test_it_runs(estate: TwoSides) -> None:
    """An imported workflow runs on Flyte 2: its code bundle is there, too."""
    remote = estate.remote("v2")
    plan = remote.fetch_launch_plan(PROJECT, DOMAIN, "by_hand", VERSION)
    execution = remote.wait(remote.execute(plan, {}), poll_interval=timedelta(seconds=0.3))
    assert execution.closure.phase == 4, execution.error
    assert execution.outputs["o0"] == 6


def test_live_assessment(estate: TwoSides, tmp_path: Path) -> None:
    """Of a live Flyte 1: active launch plans, their workflows with graphs, fire times, what ran lately; the rest is not in use."""
    remote = estate.remote("v1")
    ran = remote.execute(remote.fetch_task(PROJECT, DOMAIN, "estate.plus", VERSION), {"x": 1})
    remote.wait(ran, poll_interval=timedelta(seconds=0.3))
    page = tmp_path / "page.html"
    done = estate.bridge("assess", "--from-admin", estate.v1.endpoint, "--json", "--html", page)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    at = f"{PROJECT}/{DOMAIN}"
    found = {(item["kind"], item["name"]): item for item in told["items"]}
    assert set(found) == {
        ("workflow", f"{at}/estate.outer:{VERSION}"),
        ("launch plan", f"launch plan {at}/by_hand:{VERSION}"),
        ("launch plan", f"launch plan {at}/every_day:{VERSION}"),
        ("schedule", f"launch plan {at}/every_day:{VERSION}"),
        ("task", f"task {at}/estate.plus:{VERSION}"),
    }
    assert found["task", f"task {at}/estate.plus:{VERSION}"]["detail"] == "1 execution in 30 days"
    assert found["schedule", f"launch plan {at}/every_day:{VERSION}"]["detail"].count("T06:00+00:00") == 3
    outer = found["workflow", f"{at}/estate.outer:{VERSION}"]
    assert outer["disposition"] == "runs unchanged only"
    assert outer["drawing"].startswith("<svg")
    assert outer["wave"] < found["launch plan", f"launch plan {at}/by_hand:{VERSION}"]["wave"]
    assert told["features"]["task type python-task"] >= 1
    assert "estate.outer" in page.read_text()
