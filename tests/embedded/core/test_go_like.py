"""What the Go-like way does below the services: answers compressed for whoever takes that."""

from __future__ import annotations

import asyncio
import urllib.request
from typing import TYPE_CHECKING

import pytest
from flyteidl2.project import project_service_pb2

import admitted
from flyte_bridge.embedded.go_like import GoLike
from flyte_bridge.embedded.server import Backend, BackendOptions

if TYPE_CHECKING:
    from pathlib import Path

METHOD = "/flyteidl2.project.ProjectService/ListProjects"


@pytest.mark.parametrize(("like", "expected"), [(None, ""), (GoLike(), "gzip")])
def test_answers_are_compressed_for_whoever_takes_that(tmp_path: Path, like: GoLike | None, expected: str) -> None:
    """Of a client that names gzip after identity; the bridge's own caller names none, and reads what comes."""

    async def main() -> None:
        options = BackendOptions(tmp_path / "data", warm=(), go_like=like)
        async with Backend(options) as backend:
            assert backend.access is not None
            headers = {
                **admitted.headers(backend.access),
                "Content-Type": "application/json",
                "Accept-Encoding": "identity, gzip",
            }
            asked = urllib.request.Request(f"{backend.url}{METHOD}", data=b"{}", headers=headers)

            def encoding() -> str:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    return str(answer.headers.get("Content-Encoding", "")).replace("identity", "")

            assert await asyncio.to_thread(encoding) == expected
            caller = admitted.caller(backend.endpoint, backend.access)
            request = project_service_pb2.ListProjectsRequest()
            assert (await caller.unary(METHOD, request, project_service_pb2.ListProjectsResponse)).projects
            await caller.close()

    asyncio.run(main())
