"""One embedded backend per test process, and Flyte 1's clients over the façade in this process."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from flyteidl.service import admin_pb2_grpc

from flyte_bridge import config
from flyte_bridge.embedded import instance
from flyte_bridge.remote.channel import Channel
from flyte_bridge.remote.flyte_remote import FlyteRemote
from flyte_bridge.remote.home import home_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[config.Settings]:
    """Settings that mean a backend of the tests' own."""
    data_dir = tmp_path_factory.mktemp("admin") / "data"
    instance.start(data_dir)
    made = config.load(data_dir=data_dir)
    yield made
    home_of(made).close()
    instance.stop(data_dir)


@pytest.fixture(scope="session")
def remote(settings: config.Settings) -> FlyteRemote:
    """flytekit's remote, with its own retries and errors."""
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
