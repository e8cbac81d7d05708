"""One embedded backend per test process, and Flyte 1's clients over the façade in this process."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from flyteidl.service import admin_pb2_grpc

from admin.control import DOMAIN, PROJECT, Control
from flyte_bridge import config
from flyte_bridge.embedded_client import instance
from flyte_bridge.remote.channel import Channel
from flyte_bridge.remote.in_process import home_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flyte_bridge.remote.flyte_remote import FlyteRemote

CODE = Path(__file__).with_name("code")


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[config.Settings]:
    """Settings that mean a backend of the tests' own."""
    data_dir = tmp_path_factory.mktemp("admin") / "data"
    with pytest.MonkeyPatch.context() as patch:  # tasks import the modules of `code/`
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])]))
        instance.start(data_dir)
    made = config.load(data_dir=data_dir, task_allow="registration")  # of task types that need a cluster, too
    yield made
    home_of(made).close()
    instance.stop(data_dir)


@pytest.fixture(scope="session")
def remote(settings: config.Settings) -> FlyteRemote:
    """flytekit's remote, with its own retries and errors."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    from flyte_bridge.remote.flyte_remote import FlyteRemote

    return FlyteRemote(settings=settings)


@pytest.fixture(scope="session")
def admin(settings: config.Settings) -> Any:
    """The bare stub: statuses as they are."""
    return admin_pb2_grpc.AdminServiceStub(Channel(home_of(settings)))


@pytest.fixture
def refused() -> Callable[..., str]:
    """Makes a call that must be refused with a status; its message."""

    def call(code: str, method: Any, request: Any) -> str:
        with pytest.raises(grpc.RpcError) as refusal:
            method(request)
        assert refusal.value.code().name == code, refusal.value.details()
        return str(refusal.value.details())

    return call


@pytest.fixture
def fresh() -> str:
    """A version, or part of a name, that nobody else uses."""
    return f"v{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def make_project(admin: Any) -> Callable[[], str]:
    """Makes projects in which nothing is registered."""
    from flyteidl.admin import project_pb2

    def make() -> str:
        name = f"p-{uuid.uuid4().hex[:10]}"
        admin.RegisterProject(project_pb2.ProjectRegisterRequest(project=project_pb2.Project(id=name, name=name)))
        return name

    return make


@pytest.fixture(scope="session")
def flows() -> Any:
    """The workflows of `code/flows.py`, which tasks import too."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    if str(CODE) not in sys.path:
        sys.path.insert(0, str(CODE))
    import flows as module

    return module


@pytest.fixture(scope="session")
def control(settings: config.Settings) -> Control:
    """flytekit's client of the backend's own port."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    from flytekit.configuration import Config, PlatformConfig
    from flytekit.remote import FlyteRemote as Plain

    running = instance.ensure(settings.data_dir)
    platform = PlatformConfig(running.endpoint, insecure=True, proxy_command=["cat", str(running.token_file)])
    plain = Config(platform=platform)
    return Control(running, Plain(plain, default_project=PROJECT, default_domain=DOMAIN))
