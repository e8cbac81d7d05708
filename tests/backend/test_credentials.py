"""How calls prove who sends them: against a real gRPC server, and a real token endpoint."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import grpc
import grpc.aio
import pytest
from flyteidl2.common import identifier_pb2

from flyte_bridge import config, errors
from flyte_bridge.backend import connect
from flyte_bridge.backend.credentials import Fixed, TokenCommand, bearer, expiry

if TYPE_CHECKING:
    from collections.abc import Iterator

from .server import RUN, Server, backend, serving

# -- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_is_sent_with_each_call_and_shown_nowhere() -> None:
    """Unary calls and streams carry it; no `repr` does."""

    async def main() -> None:
        fixed = Fixed("s3cret")
        assert "s3cret" not in repr(fixed)
        assert "s3cret" not in repr(await fixed.token())
        async with serving(Server({"s3cret"})) as server, backend(server, credentials=fixed) as flyte2:
            await flyte2.user_info()
            action = identifier_pb2.ActionIdentifier(run=RUN, name="a0")
            assert [one.status.phase async for one in flyte2.watch_action(action_id=action)] == [5]
            assert {sent for _, sent in server.seen} == {"Bearer s3cret"}
            server.accepts = {"another"}
            with pytest.raises(errors.Unauthenticated) as refusal:
                await flyte2.user_info()
            assert "s3cret" not in str(refusal.value)

    asyncio.run(main())


def test_a_callers_own_token_goes_first() -> None:
    """What `bearer` holds is sent instead of the bridge's own token, in its own context only."""

    async def main() -> None:
        async with serving(Server()) as server, backend(server, credentials=Fixed("ours")) as flyte2:

            async def as_caller() -> None:
                bearer.set("theirs")
                await flyte2.user_info()

            await asyncio.gather(as_caller(), flyte2.user_info())
            assert {sent for _, sent in server.seen} == {"Bearer theirs", "Bearer ours"}

    asyncio.run(main())


def _numbering(path: Path) -> tuple[str, ...]:
    """A command that prints `t1`, `t2`, …: another token each time it runs."""
    path.write_text("0")
    code = "import sys, pathlib; p = pathlib.Path(sys.argv[1]); n = int(p.read_text()) + 1; p.write_text(str(n)); print(f't{n}')"
    return (sys.executable, "-c", code, str(path))


def test_a_token_command_runs_again_when_its_token_is_refused(tmp_path: Path) -> None:
    """One run serves many calls; UNAUTHENTICATED runs it once more, for unary calls and for streams."""

    async def main() -> None:
        command = TokenCommand(_numbering(tmp_path / "n"))
        async with serving(Server({"t1"})) as server, backend(server, credentials=command) as flyte2:
            await asyncio.gather(*(flyte2.user_info() for _ in range(5)))
            assert (tmp_path / "n").read_text() == "1"
            server.accepts = {"t2"}
            await asyncio.gather(*(flyte2.user_info() for _ in range(5)))
            assert (tmp_path / "n").read_text() == "2"
            server.accepts = {"t3"}
            action = identifier_pb2.ActionIdentifier(run=RUN, name="a0")
            assert [one.status.phase async for one in flyte2.watch_action(action_id=action)] == [5]
            server.accepts = {"never"}
            with pytest.raises(errors.Unauthenticated):
                await flyte2.user_info()

    asyncio.run(main())


def test_a_jwt_from_a_command_is_renewed_before_it_expires() -> None:
    """`exp` is read from the token; what is no JWT has none."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1234567890}).encode()).decode().rstrip("=")
    assert expiry(f"e30.{claims}.x") == 1234567890
    assert expiry("opaque") is None
    assert expiry("a.b.c") is None

    async def main() -> None:
        command = TokenCommand((sys.executable, "-c", f"print('e30.{claims}.x')"))
        first, second = await command.token(), await command.token()
        assert first is not None
        assert not first.fresh
        assert second is not first

    asyncio.run(main())


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; sys.exit('log in first')", "exit code 1: log in first"),
        ("pass", "printed no token"),
        ("print('Your token is:'); print('t0p')", "more than one token"),
    ],
)
def test_a_token_command_that_fails_says_so(code: str, says: str) -> None:
    """The error has the command's own last word, and never its standard output."""

    async def main() -> None:
        with pytest.raises(errors.Unauthenticated, match=says) as failure:
            await TokenCommand((sys.executable, "-c", code)).token()
        assert "t0p" not in str(failure.value)

    asyncio.run(main())


class _TokenEndpoint(BaseHTTPRequestHandler):
    """Hands out numbered tokens to the client it knows."""

    asked: list[tuple[str, dict[str, list[str]]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.asked.append((self.headers["authorization"], parse_qs(body)))
        known = base64.b64decode(self.headers["authorization"].removeprefix("Basic ")) == b"app:pass%20word"
        answer = (
            {"access_token": f"o{len(self.asked)}", "expires_in": 3600, "token_type": "Bearer"}
            if known
            else {"error": "invalid_client", "error_description": "who are you", "echo": self.headers["authorization"]}
        )
        self.send_response(200 if known else 401)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def token_endpoint() -> Iterator[tuple[str, list[Any]]]:
    """An authorization server."""
    asked: list[Any] = []
    server = HTTPServer(("127.0.0.1", 0), type("Endpoint", (_TokenEndpoint,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_client_credentials_get_their_token_where_the_flyte_2_says(token_endpoint: tuple[str, list[Any]]) -> None:
    """The endpoint, the scopes, the audience and the metadata key are the server's; a refused token is replaced."""
    url, asked = token_endpoint

    async def main() -> None:
        told = Server({"o1"}, token_url=url, key="flyte-authorization")
        async with serving(told) as server:
            settings = config.load(endpoint=server.endpoint, insecure=True, client_id="app", client_secret="pass word")
            async with connect.connect(settings) as flyte2:
                await asyncio.gather(*(flyte2.user_info() for _ in range(3)))
                assert len(asked) == 1
                form = asked[0][1]
                assert form == {"grant_type": ["client_credentials"], "scope": ["all some"], "audience": ["flyte"]}
                server.accepts = {"o2"}
                await flyte2.user_info()
                assert len(asked) == 2
                assert ("UserInfo", "Bearer o2") in server.seen

    asyncio.run(main())


def test_client_credentials_that_are_refused_say_why_and_no_more(token_endpoint: tuple[str, list[Any]]) -> None:
    """The error names client, endpoint and the server's reason; neither the secret nor what else was answered."""
    url, _ = token_endpoint

    async def main() -> None:
        async with serving(Server({"o1"}, token_url=url)) as server:
            settings = config.load(endpoint=server.endpoint, insecure=True, client_id="app", client_secret="wr0ng")
            async with connect.connect(settings) as flyte2:
                with pytest.raises(errors.Unauthenticated, match=r"'app'.*401 invalid_client who are you") as refusal:
                    await flyte2.user_info()
                assert "wr0ng" not in str(refusal.value)
                assert "Basic" not in str(refusal.value)

    asyncio.run(main())


def test_client_credentials_need_a_server_that_has_them() -> None:
    """A Flyte 2 without an authorization server is a matter of configuration, said so."""

    async def main() -> None:
        told = Server({"x"})
        told._oauth = _unimplemented  # type: ignore[method-assign]
        async with serving(told) as server:
            settings = config.load(endpoint=server.endpoint, insecure=True, client_id="app", client_secret="x")
            async with connect.connect(settings) as flyte2:
                with pytest.raises(errors.ConfigError, match="FLYTE_BRIDGE_TOKEN"):
                    await flyte2.user_info()

    asyncio.run(main())


async def _unimplemented(request: Any, context: Any) -> Any:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "no authorization server")
