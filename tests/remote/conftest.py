"""An embedded backend per test process, and the ways in over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flyte_bridge import config
from flyte_bridge.embedded import instance
from flyte_bridge.remote.home import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.remote.home import Home


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[instance.Instance]:
    """One embedded backend per test process."""
    data_dir = tmp_path_factory.mktemp("backend") / "data"
    running = instance.start(data_dir)
    yield running
    instance.stop(data_dir)


@pytest.fixture(scope="session")
def settings(backend: instance.Instance) -> config.Settings:
    """Settings that mean it."""
    return config.load(data_dir=backend.data_dir)


@pytest.fixture(scope="session")
def real_home(settings: config.Settings) -> Iterator[Home]:
    """The façade over it, in this process."""
    home = home_of(settings)
    yield home
    home.close()
