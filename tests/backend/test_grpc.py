"""What the gRPC caller does about trust, and about a server that is not there: against a real gRPC server."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flyteidl2.auth import identity_pb2
from flyteidl2.common import identifier_pb2

from flyte_bridge import config, errors
from flyte_bridge.backend import caller as callers
from flyte_bridge.backend import connect
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.grpc import GrpcCaller

from .server import RUN, Server, backend, serving

# -- statuses and retries ---------------------------------------------------------------------------------------------


def test_every_error_of_ours_has_its_status() -> None:
    """The table status → error holds each kind of `StatusError` that has a code of its own."""
    kinds = set(errors.StatusError.__subclasses__())
    assert kinds <= set(callers.ERRORS.values())
    assert all(grpc.StatusCode[code] for code in callers.ERRORS)


def test_a_status_without_an_error_of_its_own_keeps_its_name() -> None:
    """DATA_LOSS arrives as a `StatusError` whose code says so, with the server's words."""

    async def main() -> None:
        async with serving(Server()) as server, backend(server) as flyte2:
            with pytest.raises(errors.StatusError, match="the disk is gone") as lost:
                await flyte2.get_run(run_id=RUN)
            assert lost.value.code == "DATA_LOSS"

    asyncio.run(main())


def test_what_may_be_repeated_is_and_what_may_not_is_not() -> None:
    """UNAVAILABLE is tried again for a read, never for CreateRun."""

    async def main() -> None:
        async with serving(Server(failures=3)) as server, backend(server) as flyte2:
            assert (await flyte2.user_info()).subject == "me"
            assert len(server.seen) == 4
            server.failures, server.seen = 1, []
            with pytest.raises(errors.Unavailable, match="not now"):
                await flyte2.create_run(run_id=RUN)
            assert len(server.seen) == 1

    asyncio.run(main())


def test_nobody_listening_is_unavailable_by_name() -> None:
    """The error names the endpoint and what to look at, once patience is at an end."""

    async def main() -> None:
        async with serving(Server()) as server:
            endpoint = server.endpoint
        async with BackendClient(GrpcCaller(endpoint, insecure=True, patience=0.3)) as flyte2:
            with pytest.raises(errors.Unavailable, match=f"{endpoint}.*FLYTE_BRIDGE_ENDPOINT"):
                await flyte2.user_info()

    asyncio.run(main())


def test_a_server_that_comes_back_is_found_again() -> None:
    """A call made while the server is away waits for it, and succeeds."""

    async def main() -> None:
        async with serving(Server()) as server:
            port = int(server.endpoint.rpartition(":")[2])
            flyte2 = backend(server)
            await flyte2.user_info()
        call = asyncio.ensure_future(flyte2.user_info())
        await asyncio.sleep(0.5)
        assert not call.done()
        async with serving(server, port=port):
            assert (await call).subject == "me"
        await flyte2.close()

    asyncio.run(main())


def test_a_deadline_is_the_callers_own() -> None:
    """`timeout` bounds a call with all its retries."""

    async def main() -> None:
        async with serving(Server(failures=10_000)) as server, backend(server) as flyte2:
            with pytest.raises((errors.DeadlineExceeded, errors.Unavailable)):
                await flyte2.caller.unary(
                    "/flyteidl2.auth.IdentityService/UserInfo",
                    identity_pb2.UserInfoRequest(),
                    identity_pb2.UserInfoResponse,
                    timeout=0.5,
                )

    asyncio.run(main())


# -- answers that are none ---------------------------------------------------------------------------------------------

SOAK = 50_000 if os.environ.get("FLYTE_BRIDGE_TEST_FULL") else 1_500
"""Calls of the soak."""


def test_no_answer_is_lost_to_bytes_that_are_no_message() -> None:
    """Of many reads, each gets its answer, though one of 37 is answered with gzip that nobody has undone."""

    async def main() -> None:
        async with serving(Server(garbled=37)) as server, backend(server) as flyte2:
            for _ in range(SOAK // 50):
                answers = await asyncio.gather(*(flyte2.user_info() for _ in range(50)))
                assert {answer.subject for answer in answers} == {"me"}
            assert server.answered > SOAK + SOAK // 40

    asyncio.run(main())


def test_an_answer_that_is_no_message_is_said_where_the_call_may_not_be_repeated() -> None:
    """CreateRun is not sent again: the error says that nobody knows whether it was done, and how the bytes begin."""

    async def main() -> None:
        async with serving(Server(garbled=1)) as server, backend(server) as flyte2:
            with pytest.raises(errors.Unavailable, match=r"no flyteidl2\.workflow\.CreateRunResponse.*1f8b.*unknown"):
                await flyte2.create_run(run_id=RUN)
            assert [name for name, _ in server.seen] == ["CreateRun"]

    asyncio.run(main())


def test_a_watch_is_opened_anew_when_a_message_of_it_cannot_be_read() -> None:
    """What a stream says undecodably is told again by the next one."""

    async def main() -> None:
        async with serving(Server(garbled=2, answered=1)) as server, backend(server) as flyte2:
            action = identifier_pb2.ActionIdentifier(run=RUN, name="a0")
            told = [details.status.phase async for details in flyte2.watch_action(action_id=action)]
            assert told == [5]
            assert server.answered == 3

    asyncio.run(main())


# -- TLS --------------------------------------------------------------------------------------------------------------


def _certificate() -> tuple[bytes, bytes]:
    """A key and a certificate of 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bridge test")])
    import ipaddress

    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int(time.time()))
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return (
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.public_bytes(pem),
    )


def test_a_certificate_is_verified(tmp_path: Path) -> None:
    """With `ca_cert` the server is trusted, without it is not, and there is no way around but `insecure`."""
    key, certificate = _certificate()
    file = tmp_path / "ca.pem"
    file.write_bytes(certificate)

    async def main() -> None:
        async with serving(Server(), grpc.ssl_server_credentials([(key, certificate)])) as server:
            async with connect.connect(config.load(endpoint=server.endpoint, ca_cert=file)) as flyte2:
                assert (await flyte2.user_info()).subject == "me"
            async with connect.connect(config.load(endpoint=server.endpoint), patience=0.3) as flyte2:
                with pytest.raises(errors.Unavailable):
                    await flyte2.user_info()

    asyncio.run(main())


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_a_matter_of_configuration(tmp_path: Path, content: str | None) -> None:
    """A missing or empty file is refused when connecting, by its name."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(errors.ConfigError, match=r"ca\.pem"):
        connect.connect(config.load(endpoint="127.0.0.1:1", ca_cert=file))
