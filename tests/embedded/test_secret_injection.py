"""How secrets reach a task: variables, files, scopes, and what is refused."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl2.core import security_pb2, tasks_pb2

from flyte_bridge.backend.keys import ActionKey
from flyte_bridge.embedded.clock import SystemClock
from flyte_bridge.embedded.faults import InvalidRequest, NotFound, NotSupported
from flyte_bridge.embedded.ledger import Ledger
from flyte_bridge.embedded.secret_injection import SecretInjector
from flyte_bridge.embedded.secret_store import SecretStore
from flyte_bridge.embedded.store import Store
from flyte_bridge.embedded.watch import Hub

if TYPE_CHECKING:
    from pathlib import Path

KEY = ActionKey("p", "development", "r1", "a0")
ENV, FILE, ANY = (security_pb2.Secret.MountType.Value(name) for name in ("ENV_VAR", "FILE", "ANY"))
FLYTEKIT = ["pyflyte-execute", "--inputs", "{{.input}}"]


@pytest.fixture
def secrets(tmp_path: Path) -> SecretStore:
    store = SecretStore(tmp_path / "secrets", SystemClock())
    store.put("p", "development", "my-key", 0, b"value")
    store.put("", "", "shared", 0, b"everybody's")
    store.put("p", "development", "binary", 0, b"\xff\x00")
    return store


@pytest.fixture
def injector(secrets: SecretStore, tmp_path: Path) -> SecretInjector:
    return SecretInjector(secrets, tmp_path / "secrets" / "mounts")


def _template(*args: str, **asked: Any) -> tasks_pb2.TaskTemplate:
    return tasks_pb2.TaskTemplate(
        container=tasks_pb2.Container(args=args or ("a0",)),
        security_context=security_pb2.SecurityContext(secrets=[security_pb2.Secret(**asked)]),
    )


def test_a_task_without_secrets_gets_none(injector: SecretInjector) -> None:
    """Nothing asked, nothing given: no variable, no file."""
    assert injector.environment(tasks_pb2.TaskTemplate(), KEY) == {}


def test_a_named_variable(injector: SecretInjector) -> None:
    """Flyte 2's way: the variable the task names has the value, and there is no other."""
    template = _template(key="my-key", env_var="MY_KEY", mount_requirement=ENV)
    assert injector.environment(template, KEY) == {"MY_KEY": "value"}


@pytest.mark.parametrize("mount", [ENV, ANY])
def test_flytekits_variables(injector: SecretInjector, mount: int) -> None:
    """Flyte 1's way: the variables flytekit looks for, with and without the group."""
    given = injector.environment(_template(*FLYTEKIT, key="my-key", group="g", mount_requirement=mount), KEY)
    assert given == {"FLYTE_SECRETS_ENV_PREFIX": "_FSEC_", "_FSEC_MY-KEY": "value", "_FSEC_G_MY-KEY": "value"}


def test_flytekit_finds_them(injector: SecretInjector) -> None:
    """flytekit's own SecretsManager, in a process of its own, reads variables and files as they are given."""
    code = """
import sys
from unittest.mock import patch
from flytekit.core.context_manager import SecretsManager, ExecutionState
from flytekit import current_context
from flytekit.core.context_manager import FlyteContextManager
context = FlyteContextManager.current_context()
mode = context.new_execution_state().with_params(mode=ExecutionState.Mode.TASK_EXECUTION)
with FlyteContextManager.with_context(context.with_execution_state(mode)):
    print(SecretsManager().get("g", "my-key"))
"""
    for mount in (ENV, FILE):
        given = injector.environment(_template(*FLYTEKIT, key="my-key", group="g", mount_requirement=mount), KEY)
        environment = {**os.environ, **given}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == "value", done.stderr


def test_files_are_private_and_go_with_the_action(injector: SecretInjector, tmp_path: Path) -> None:
    """A file is its owner's alone, its variable has its path, and it is removed with the action."""
    template = _template(*FLYTEKIT, key="my-key", group="g", env_var="WHERE", mount_requirement=FILE)
    given = injector.environment(template, KEY)
    files = [path for path in (tmp_path / "secrets" / "mounts").rglob("*") if path.is_file()]
    assert {path.read_bytes() for path in files} == {b"value"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert given["WHERE"] in {str(path) for path in files}
    injector.release(KEY)
    assert not [path for path in (tmp_path / "secrets" / "mounts").rglob("*") if path.is_file()]


def test_a_restart_removes_files_of_actions_that_are_over(injector: SecretInjector, tmp_path: Path) -> None:
    """Files whose action ended while nobody looked are removed when the backend starts."""
    injector.environment(_template(*FLYTEKIT, key="my-key", mount_requirement=FILE), KEY)
    hub = Hub()
    store = Store(tmp_path / "flyte.db")

    async def sweep() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(injector.sweep(Ledger(store, hub), hub), 0.05)

    asyncio.run(sweep())
    store.close()
    assert not [path for path in (tmp_path / "secrets" / "mounts").rglob("*") if path.is_file()]


def test_everybodys_secret_is_found_last(injector: SecretInjector, secrets: SecretStore) -> None:
    """Project and domain first, then the domain, then everybody's."""
    template = _template(key="shared", env_var="S")
    assert injector.environment(template, KEY) == {"S": "everybody's"}
    secrets.put("", "development", "shared", 0, b"the domain's")
    assert injector.environment(template, KEY) == {"S": "the domain's"}
    secrets.put("p", "development", "shared", 0, b"mine")
    assert injector.environment(template, KEY) == {"S": "mine"}


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"key": "nothing", "env_var": "X"}, NotFound, "flyte create secret nothing"),
        ({"key": ""}, InvalidRequest, "without a key"),
        ({"key": "binary", "env_var": "X"}, InvalidRequest, "as a file"),
        ({"key": "my-key", "mount_requirement": FILE}, NotSupported, "/etc/flyte/secrets"),
    ],
)
def test_what_cannot_be_given_is_said(
    injector: SecretInjector, asked: dict[str, Any], error: type[Exception], says: str
) -> None:
    """A secret that is missing, nameless, no text, or wanted in the machine's own directory is refused by name."""
    with pytest.raises(error, match=says):
        injector.environment(_template(**asked), KEY)


@pytest.mark.parametrize("group", ["..", "a/b", "."])
def test_a_group_is_no_path(injector: SecretInjector, group: str) -> None:
    """A group or version cannot lead a file elsewhere."""
    with pytest.raises(InvalidRequest, match="paths"):
        injector.environment(_template(*FLYTEKIT, key="my-key", group=group, mount_requirement=FILE), KEY)
