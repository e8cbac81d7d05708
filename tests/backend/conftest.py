"""Which Flyte 2 the contract suite runs against: the embedded one always, a real one when the environment names it.

```
FLYTE_BRIDGE_TEST_ENDPOINT=flyte.example.com:443 pytest tests/backend
```

`FLYTE_BRIDGE_TEST_INSECURE=1` leaves TLS out, `FLYTE_BRIDGE_TEST_TOKEN` is sent as bearer token. The suite makes a
project of its own and needs no image: its tasks are `core-sleep`.
"""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from flyte_bridge.embedded import instance

from .contract import Flyte2

if TYPE_CHECKING:
    from collections.abc import Iterator

REAL = os.environ.get("FLYTE_BRIDGE_TEST_ENDPOINT")


@pytest.fixture(scope="session", params=["embedded", *(["real"] if REAL else [])])
def flyte2(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flyte2]:
    """A Flyte 2 with a fresh project."""
    project = f"contract-{uuid.uuid4().hex[:8]}"
    if request.param == "real":
        assert REAL is not None
        scheme = "http" if os.environ.get("FLYTE_BRIDGE_TEST_INSECURE") else "https"
        token = os.environ.get("FLYTE_BRIDGE_TEST_TOKEN")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        backend = Flyte2(f"{scheme}://{REAL}", project, headers, embedded=False)
        backend.create_project()
        yield backend
        return
    data_dir = tmp_path_factory.mktemp("contract") / "data"
    running = instance.start(data_dir)
    backend = Flyte2(running.url, project, {}, embedded=True)
    backend.create_project()
    yield backend
    instance.stop(data_dir)


@pytest.fixture(autouse=True)
def _markers(request: pytest.FixtureRequest) -> None:
    """`notyet` means that the real backend lacks it: there, the test is expected to fail."""
    marker: Any = request.node.get_closest_marker("notyet")
    if marker is not None and "real" in request.node.callspec.params.values():
        request.applymarker(pytest.mark.xfail(reason=marker.args[0], strict=False))
