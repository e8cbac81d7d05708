"""Unmodified Flyte 1 tasks: their secrets as flytekit asks for them, their decks as reports."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import textwrap
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from flyteidl2.common import identifier_pb2
from flyteidl2.core import tasks_pb2
from flyteidl2.dataproxy import dataproxy_service_pb2 as pb
from flyteidl2.secret import definition_pb2, payload_pb2
from flyteidl2.task import common_pb2, task_definition_pb2
from flyteidl2.workflow import run_service_pb2

from flyte_bridge.backend.keys import ActionKey
from flyte_bridge.backend.phases import Phase

from .conftest import DOMAIN, PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Running

CODE = "s3://flyte/code/legacy.tar.gz"
MODULE = """
    from flytekit import Deck, Secret, current_context, task

    VARIABLE = Secret(group="g", key="the-key", mount_requirement=Secret.MountType.ENV_VAR)
    FILE = Secret(group="g", key="the-file", mount_requirement=Secret.MountType.FILE)

    @task(secret_requests=[VARIABLE, FILE])
    def uses() -> str:
        secrets = current_context().secrets
        return secrets.get("g", "the-key") + "," + secrets.get("g", "the-file")

    @task(enable_deck=True)
    def decks() -> int:
        Deck("mine", "<b>a fine deck</b>")
        return 1
"""
SERIALISE = """
    import sys
    from pathlib import Path
    import legacy
    from flytekit.configuration import FastSerializationSettings, Image, ImageConfig, SerializationSettings
    from flytekit.tools.translator import get_serializable

    settings = SerializationSettings(
        image_config=ImageConfig(default_image=Image(name="default", fqn="example.org/flytekit", tag="1")),
        project="flytesnacks", domain="development", version="v1",
        fast_serialization_settings=FastSerializationSettings(
            enabled=True, destination_dir=".", distribution_location=sys.argv[1]
        ),
    )
    for task in (legacy.uses, legacy.decks):
        template = get_serializable({}, settings, task).to_flyte_idl().template
        Path(task.name.split(".")[-1] + ".pb").write_bytes(template.SerializeToString())
"""


@pytest.fixture
def run(running: Running, tmp_path: Path) -> Callable[[str], ActionKey]:
    """Runs a task of the module, registered by flytekit itself, to its good end."""
    where = tmp_path / "legacy"
    where.mkdir()
    (where / "legacy.py").write_text(textwrap.dedent(MODULE))
    (where / "serialise.py").write_text(textwrap.dedent(SERIALISE))
    environment = {**os.environ, "HOME": str(tmp_path), "DO_NOT_TRACK": "1"}
    subprocess.run([sys.executable, "serialise.py", CODE], cwd=where, env=environment, check=True)
    with tarfile.open(where / "code.tar.gz", "w:gz") as archive:
        archive.add(where / "legacy.py", "legacy.py")
    running.backend.objects.write(CODE, (where / "code.tar.gz").read_bytes())

    def start(name: str) -> ActionKey:
        template = tasks_pb2.TaskTemplate.FromString((where / f"{name}.pb").read_bytes())
        request = run_service_pb2.CreateRunRequest(
            project_id=identifier_pb2.ProjectIdentifier(name=PROJECT, domain=DOMAIN),
            task_spec=task_definition_pb2.TaskSpec(task_template=template),
            inputs=common_pb2.Inputs(),
        )
        created = running.runs.create_run(request).run.action.id
        key = ActionKey(PROJECT, DOMAIN, created.run.name, created.name)
        deadline = time.monotonic() + 90
        while not (record := running.do(lambda: running.backend.ledger.find(key))).phase.terminal:
            assert time.monotonic() < deadline, record.phase
            time.sleep(0.1)
        log = running.backend.layout.log(key, 1)
        assert record.phase is Phase.SUCCEEDED, (record.error, log.read_text() if log.exists() else "no log")
        return key

    return start


def _action(key: ActionKey) -> identifier_pb2.ActionIdentifier:
    run = identifier_pb2.RunIdentifier(project=key.project, domain=key.domain, name=key.run)
    return identifier_pb2.ActionIdentifier(run=run, name=key.name)


def test_flytekit_gets_its_secrets(running: Running, run: Callable[[str], Any]) -> None:
    """`current_context().secrets.get` finds a variable and a file, and the file is gone with the action."""
    for name in ("the-key", "the-file"):
        request = payload_pb2.CreateSecretRequest(
            id=definition_pb2.SecretIdentifier(name=name, project=PROJECT, domain=DOMAIN),
            secret_spec=definition_pb2.SecretSpec(string_value=f"value of {name}"),
        )
        running.secrets.create_secret(request)
    key = run("uses")
    data = running.data.get_action_data(pb.GetActionDataRequest(action_id=_action(key)))
    told = data.outputs.literals[0].value.scalar.primitive.string_value
    assert told == "value of the-key,value of the-file"
    mounts = running.backend.layout.secrets / "mounts"
    deadline = time.monotonic() + 5
    while [path for path in mounts.rglob("*") if path.is_file()]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_deck_is_the_report(running: Running, run: Callable[[str], Any]) -> None:
    """What flytekit writes as a deck is downloaded as the action's report."""
    attempt = identifier_pb2.ActionAttemptIdentifier(action_id=_action(run("decks")), attempt=1)
    request = pb.CreateDownloadLinkRequest(artifact_type=pb.ARTIFACT_TYPE_REPORT, action_attempt_id=attempt)
    link = running.data.create_download_link(request).pre_signed_urls.signed_url[0]
    assert "a fine deck" in httpx.get(link).text
