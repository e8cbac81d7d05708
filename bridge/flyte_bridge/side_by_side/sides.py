"""Which sides the settings mean, and how a user names an execution on one of them.

| written | means |
|---|---|
| `v1:NAME` | an execution on the flyteadmin of `FLYTE_BRIDGE_V1_ENDPOINT` |
| `v2:NAME` | one on the Flyte 2 of `FLYTE_BRIDGE_ENDPOINT`, else on the embedded one |
| `local:NAME` | one on the embedded backend of the data directory, whatever endpoint is set |
| `local@DIRECTORY:NAME` | one on the embedded backend of another data directory |

`PROJECT/DOMAIN/NAME` may stand for `NAME`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from flyteidl.core import identifier_pb2

from ..backend.grpc import GrpcCaller
from ..backend.storage import Storage
from ..errors import ConfigError, Unimplemented, UsageError
from .control_plane import ControlPlane
from .objects import SignedObjects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from google.protobuf.message import Message

    from ..admin.service import Facade
    from ..backend.caller import M
    from ..backend.client import BackendClient
    from ..config import Settings

V1, V2, LOCAL = "v1", "v2", "local"
"""How sides are called on a command line."""

_V1_STORE = "FLYTE_BRIDGE_V1_AWS_"
_OF_STORE = ("ENDPOINT", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "S3_ADDRESSING_STYLE")


class FacadeCaller:
    """Calls a façade of this process; see `backend.caller.Caller`."""

    def __init__(self, facade: Facade, metadata: Iterable[tuple[str, str | bytes]] = ()) -> None:
        """Calls nothing yet.

        Args:
            facade: Who answers.
            metadata: What each call tells of its caller.
        """
        self._facade, self._metadata = facade, tuple(metadata)

    async def unary(self, method: str, request: Message, reply: type[M], *, timeout: float | None = None) -> M:
        """One request, one reply, as bytes: both sides have their own."""
        from ..admin.context import CallContext
        from ..backend.grpc import TIMEOUT

        patience = TIMEOUT if timeout is None else timeout
        context = CallContext.of(method, self._metadata, timeout=patience, peer="inproc")
        answer: M = reply.FromString(await self._facade.answer(method, request.SerializeToString(), context))
        return answer

    def stream(
        self, method: str, request: Message, reply: type[M], *, timeout: float | None = None
    ) -> AsyncIterator[M]:
        """Refuses: no RPC of Flyte 1's that a façade answers is a stream."""
        raise Unimplemented(f"{method} is no RPC of Flyte 1's")

    async def close(self) -> None:
        """Lets go of the façade's connection."""
        await self._facade.backend.close()


def v1(settings: Settings, environ: Mapping[str, str] = os.environ) -> ControlPlane:
    """The flyteadmin that the settings mean.

    Raises:
        ConfigError: They mean none.
    """
    caller = flyteadmin(settings)
    own = {f"FLYTE_AWS_{name}": environ.get(f"{_V1_STORE}{name}", "") for name in _OF_STORE}
    storage = Storage({**environ, **{name: value for name, value in own.items() if value}})
    plane = ControlPlane(f"Flyte 1 ({settings.v1_endpoint})", caller, storage)
    if not any(own.values()) and not _has_store(environ):
        plane.objects = SignedObjects(plane.signed, storage, f"set {_V1_STORE}ENDPOINT, …ACCESS_KEY_ID and so on")
    return plane


def _has_store(environ: Mapping[str, str]) -> bool:
    """Whether the environment tells how object stores are reached."""
    return any(environ.get(name) for name in ("FLYTE_AWS_ENDPOINT", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"))


async def v2(settings: Settings) -> ControlPlane:
    """The Flyte 2 that the settings mean: an endpoint's through a façade here, the embedded one's by its own port.

    Raises:
        BackendError: The embedded one cannot be started.
    """
    if settings.endpoint is None:
        return await local(settings.data_dir)
    from ..admin.service import Facade
    from ..backend.connect import connect

    caller = FacadeCaller(Facade(connect(settings), settings))
    return ControlPlane(f"Flyte 2 ({settings.endpoint})", caller, Storage())


async def local(data_dir: Path) -> ControlPlane:
    """The embedded backend of a data directory; started if it does not run."""
    import asyncio

    from ..backend.connect import embedded_credentials
    from ..embedded_client import instance, snippets

    running = await asyncio.to_thread(instance.ensure, data_dir)
    proof = embedded_credentials(running)
    caller = GrpcCaller(running.endpoint, insecure=True, credentials=proof, name="the embedded Flyte 2")
    return ControlPlane(f"Flyte 2 (embedded, {running.endpoint})", caller, Storage(snippets.flyte_environment(running)))


def flyteadmin(settings: Settings, *, ours: bool = True) -> GrpcCaller:
    """Calls the flyteadmin that the settings mean.

    Args:
        settings: Name it.
        ours: Whether calls without a token of their own prove themselves with that of the settings.

    Raises:
        ConfigError: They mean none.
    """
    from ..backend.credentials import Fixed, TokenCommand

    if settings.v1_endpoint is None:
        raise ConfigError("there is no Flyte 1 to ask: set FLYTE_BRIDGE_V1_ENDPOINT to host:port of its flyteadmin")
    credentials: Fixed | TokenCommand | None = None
    if ours and settings.v1_token is not None:
        credentials = Fixed(settings.v1_token.get_secret_value())
    elif ours and settings.v1_token_command:
        credentials = TokenCommand(settings.v1_token_command)
    return GrpcCaller(
        settings.v1_endpoint,
        insecure=settings.v1_insecure,
        ca_cert=settings.v1_ca_cert,
        credentials=credentials,
        name="Flyte 1",
        setting="FLYTE_BRIDGE_V1_ENDPOINT",
    )


class Sides:
    """Control planes by how a user calls them; each is made once."""

    def __init__(self, settings: Settings) -> None:
        """Connects to nothing yet."""
        self.settings = settings
        self._planes: dict[str, ControlPlane] = {}
        self._clients: list[BackendClient] = []

    async def of(self, side: str) -> ControlPlane:
        """The control plane of `v1`, `v2`, `local` or `local@DIRECTORY`."""
        if side not in self._planes:
            self._planes[side] = await self._make(side)
        return self._planes[side]

    async def converted(self, source: ControlPlane, project: str, domain: str, task: str) -> ControlPlane:
        """Flyte 2, where executions are runs of a task that a workflow was converted to.

        Args:
            source: Knows the launch plan.
            project: Where the task is.
            domain: Where the task is.
            task: `ENVIRONMENT.TASK`, or `ENVIRONMENT.TASK@VERSION`.

        Raises:
            UsageError: There is no such task.
        """
        from .converted import ConvertedControlPlane, find_task

        plane, client = await self.of(V2), await self.flyte2()
        return ConvertedControlPlane(plane, client, await find_task(client, project, domain, task), source)

    async def flyte2(self) -> BackendClient:
        """Flyte 2 by its own API, what `of(V2)` asks by Flyte 1's."""
        import asyncio

        from ..backend.connect import connect

        client = await asyncio.to_thread(connect, self.settings)
        self._clients.append(client)
        return client

    async def _make(self, side: str) -> ControlPlane:
        if side == V1:
            return v1(self.settings)
        if side == V2:
            return await v2(self.settings)
        directory = side.partition("@")[2]
        return await local(Path(directory).expanduser().absolute() if directory else self.settings.data_dir)

    async def close(self) -> None:
        """Lets go of all of them."""
        for plane in self._planes.values():
            await plane.close()
        for client in self._clients:
            await client.close()


def execution_of(text: str, settings: Settings) -> tuple[str, identifier_pb2.WorkflowExecutionIdentifier]:
    """The side and the execution that a user means.

    Args:
        text: As the module's table has it.
        settings: Name the project and the domain that are not written.

    Raises:
        UsageError: It is written otherwise.
    """
    side, colon, name = text.rpartition(":")
    parts = name.split("/")
    known = side in (V1, V2, LOCAL) or (side.startswith(f"{LOCAL}@") and len(side) > len(LOCAL) + 1)
    if not colon or not known or len(parts) not in (1, 3) or not all(parts):
        raise UsageError(
            f"{text!r} names no execution: write v1:NAME (Flyte 1), v2:NAME (Flyte 2), local:NAME or local@DIRECTORY:NAME "
            "(an embedded backend); PROJECT/DOMAIN/NAME may stand for NAME"
        )
    project, domain = parts[:2] if len(parts) == 3 else (settings.project, settings.domain)
    return side, identifier_pb2.WorkflowExecutionIdentifier(project=project, domain=domain, name=parts[-1])
