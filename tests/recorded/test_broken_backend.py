"""What callers are told when the Flyte 2 behind the façade is away, silent, or answers nonsense: each recorded kind of call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from flyte_bridge import config
from flyte_bridge.admin import status
from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.methods import METHODS
from flyte_bridge.admin.service import Facade
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.grpc import GrpcCaller
from recorded.calls import steps

PATIENCE = 0.3
"""Seconds for which the façade tries again, and for which its caller waits."""

_RPCS = {method.name: method for method in METHODS.values()}


def _calls() -> list[tuple[str, dict[str, Any]]]:
    """One request of each RPC that a real flyteadmin has answered."""
    found: dict[str, dict[str, Any]] = {}
    for name in ("registry", "executions", "calls"):
        for step in steps(name):
            answered = "answer" in step.get("real", {}) and "{{" not in str(step["request"])
            if answered and step["rpc"] != "CreateDownloadLocation":  # asks the object store alone
                found.setdefault(step["rpc"], step["request"])
    return sorted(found.items())


CALLS = _calls()


class _Flyte2(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A server that takes every call, and does what it shall with it."""

    def __init__(self, behave: Callable[[], Awaitable[bytes]]) -> None:
        self._behave = behave

    def service(self, _details: Any) -> Any:
        async def unary(_request: bytes, _context: Any) -> bytes:
            return await self._behave()

        return grpc.unary_unary_rpc_method_handler(unary)


async def _silent() -> bytes:
    await asyncio.Event().wait()
    return b""


async def _nonsense() -> bytes:
    return b"\xff\xffno message"


async def _empty() -> bytes:
    return b""


@asynccontextmanager
async def _facade(behave: Callable[[], Awaitable[bytes]] | None) -> AsyncIterator[Facade]:
    server = grpc.aio.server()
    if behave is not None:
        server.add_generic_rpc_handlers((_Flyte2(behave),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    if behave is None:
        await server.stop(None)
    async with BackendClient(GrpcCaller(f"127.0.0.1:{port}", insecure=True, patience=PATIENCE)) as backend:
        yield Facade(backend, config.load(endpoint=f"127.0.0.1:{port}", insecure=True))
    await server.stop(None)


async def _told(facade: Facade, rpc: str, request: dict[str, Any]) -> BaseException | None:
    """How a call fails; None if it does not."""
    method = _RPCS[rpc]
    message = json_format.ParseDict(request, method.request())
    try:
        await facade.call(method.path, message, CallContext(expires_at=time.monotonic() + 4 * PATIENCE))
    except Exception as error:
        return error
    return None


def _of_all(behave: Callable[[], Awaitable[bytes]] | None) -> dict[str, BaseException]:
    async def main() -> dict[str, BaseException]:
        async with _facade(behave) as facade:
            told = await asyncio.gather(*(_told(facade, rpc, request) for rpc, request in CALLS))
        return {rpc: error for (rpc, _), error in zip(CALLS, told, strict=True) if error is not None}

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("behave", "codes"),
    [
        pytest.param(None, {"UNAVAILABLE"}, id="away"),
        pytest.param(_silent, {"DEADLINE_EXCEEDED", "UNAVAILABLE"}, id="silent"),
        pytest.param(_nonsense, {"UNAVAILABLE", "INTERNAL"}, id="nonsense"),
    ],
)
def test_each_call_says_what_is_wrong(behave: Callable[[], Awaitable[bytes]] | None, codes: set[str]) -> None:
    """With a code that tells a client whether to try again, in words; what needs no Flyte 2 is answered."""
    failed = _of_all(behave)
    wrong = {
        rpc: f"{status.code_of(error).name}: {status.message_of(error)}"
        for rpc, error in failed.items()
        if status.code_of(error).name not in codes or status.ADVICE in status.message_of(error)
    }
    assert not wrong
    assert len(failed) > 40
    assert all(status.message_of(error) for error in failed.values())


def test_empty_answers_are_no_defect() -> None:
    """Of a Flyte 2 that answers with nothing in it, what cannot be told is refused by name, not by an exception of ours."""
    defects = {
        rpc: f"{type(error).__name__}: {error}"
        for rpc, error in _of_all(_empty).items()
        if status.ADVICE in status.message_of(error)
    }
    assert not defects
