"""Who may talk to the embedded backend at all: the one check in front of everything that its port answers.

A web page in this machine's browser can send requests to 127.0.0.1, and, once its own name resolves there, read the answers;
another user of the machine can, too. So each request is asked three questions:

| question | otherwise |
|---|---|
| does it mean this server: is its `Host` (or `:authority`) an address we listen on, a name of loopback, or configured | 421 |
| does it come from no other site's page: `Origin`, and what browsers tell in `Sec-Fetch-Site` | 403 |
| does it have the installation's token in a header or path (RPC), a login (pages), a signature (objects) | 401, S3's 403 |

Logins and signatures are looked at by the pages and the object store themselves.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flyte_bridge.embedded_client.access import SEGMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping, Sequence

    from flyte_bridge.embedded_client.access import Access

TOKEN_HEADERS = (b"authorization", b"proxy-authorization", b"flyte-authorization")
"""Where a token may be. flytekit and flytectl send the one of their `proxyCommand` as `proxy-authorization`."""

PROVEN = "flyte_bridge.proven"
"""The key of the scope that says that the request's path has proven who sends it."""

_BEARER = b"bearer "
_OURS = frozenset({"none", "same-origin"})
"""What browsers say of requests that no other site has caused."""


_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # nosec B104 - recognized here, bound by whoever asks for it


def _is_address(host: str) -> bool:
    """Whether a `Host` is an IP address, with or without a port."""
    bare = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        ipaddress.ip_address(bare)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Refusal:
    """A request that is not let in.

    Attributes:
        status: HTTP's.
        message: What happened, and what to do.
    """

    status: HTTPStatus
    message: str


class Admission:
    """Asks the three questions."""

    def __init__(self, access: Access | None, hosts: Iterable[str] = ()) -> None:
        """Args:
        access: What opens the backend; without, whoever means this server is let in.
        hosts: More names of this server, with or without a port.
        """
        self.access = access
        self._names = tuple(hosts)
        self._hosts: frozenset[str] = frozenset()
        self._anywhere = False
        self._segment = b"" if access is None else access.segment.encode()

    def listens(self, host: str, port: int) -> None:
        """Learns where the server listens; until then nobody is let in."""
        addresses = {host, "127.0.0.1", "localhost", "::1"}
        self._anywhere = host in _EVERYWHERE
        self._hosts = frozenset(
            [f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in addresses]
            + [name.lower() if ":" in name else f"{name.lower()}:{port}" for name in self._names]
            + [name.lower() for name in self._names]
        )

    def refusal(self, headers: Sequence[tuple[bytes, bytes]]) -> Refusal | None:
        """Why a request does not mean this server, or comes from where none may come from; `None` if all is well."""
        hosts = [value.decode("latin-1").lower() for name, value in headers if name == b"host"]
        site = mode = ""
        for name, value in headers:
            if name == b"host":
                if not self._is_known(value.decode("latin-1").lower()):
                    return Refusal(
                        HTTPStatus.MISDIRECTED_REQUEST,
                        f"this is not {value.decode('latin-1')!r}; a server known by other names needs FLYTE_BRIDGE_HOSTS",
                    )
            elif name == b"origin":
                if not self._is_ours(value.decode("latin-1"), hosts):
                    return Refusal(HTTPStatus.FORBIDDEN, "pages of other sites have no access to the embedded backend")
            elif name == b"sec-fetch-site":
                site = value.decode("latin-1")
            elif name == b"sec-fetch-mode":
                mode = value.decode("latin-1")
        if not hosts:
            return Refusal(HTTPStatus.MISDIRECTED_REQUEST, "the request does not say which host it means")
        if (
            site and site not in _OURS and mode != "navigate"
        ):  # a link that somebody follows shows its page to nobody else
            return Refusal(HTTPStatus.FORBIDDEN, "pages of other sites have no access to the embedded backend")
        return None

    def _is_known(self, host: str) -> bool:
        """Whether a `Host` may mean this server.

        One that listens on every address of its machine does not know them all, so there any address will do: a page can
        make its own name mean this machine, and no address.
        """
        if host in self._hosts:
            return True
        return self._anywhere and _is_address(host)

    def _is_ours(self, origin: str, hosts: Sequence[str]) -> bool:
        """Whether an `Origin` is this server: one of its names, or the host that the request means.

        That any address may be meant does not make every address's page ours.
        """
        scheme, _, host = origin.lower().partition("://")
        return scheme in {"http", "https"} and (host in self._hosts or host in hosts)

    def stripped(self, scope: MutableMapping[str, Any]) -> MutableMapping[str, Any] | None:
        """The same request without the segment that proves who sends it, marked as proven; `None` if it proves nothing.

        Args:
            scope: Of a request whose path begins with such a segment.
        """
        segment, _, path = scope["path"].removeprefix("/").partition("/")
        if self.access is not None and not hmac.compare_digest(segment.encode("utf-8", "replace"), self._segment):
            return None
        raw = scope.get("raw_path") or scope["path"].encode()
        return {**scope, "path": f"/{path}", "raw_path": b"/" + raw.removeprefix(b"/").partition(b"/")[2], PROVEN: True}

    def has_token(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Whether a request carries the token; any does where none is needed."""
        if self.access is None:
            return True
        return any(
            value[: len(_BEARER)].lower() == _BEARER
            and self.access.opens(value[len(_BEARER) :].decode("latin-1").strip())
            for name, value in headers
            if name in TOKEN_HEADERS
        )


def needs_token(scope: Any) -> Refusal:
    """The refusal of a request without token, or with another one."""
    given = scope["path"].startswith(f"/{SEGMENT}") or any(name in TOKEN_HEADERS for name, _ in scope["headers"])
    what = "the token is not this backend's" if given else "the embedded backend wants its token"
    return Refusal(
        HTTPStatus.UNAUTHORIZED,
        f"{what}; `flyte-bridge status` prints the configuration that has it (admin.endpoint for flyte, "
        "FLYTE_CREDENTIALS_PROXY_COMMAND for flytekit)",
    )


async def refuse(refusal: Refusal, scope: Any, send: Any) -> None:
    """Answers a request that is not let in, in its client's protocol."""
    content_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    grpc = content_type.startswith(b"application/grpc") and not content_type.startswith(b"application/grpc-web")
    if (
        grpc and refusal.status is HTTPStatus.UNAUTHORIZED
    ):  # a gRPC client reads status and message from the trailers only
        headers = [(b"content-type", content_type)]
        trailers = [(b"grpc-status", b"16"), (b"grpc-message", quote(refusal.message, safe=" ").encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        await send({"type": "http.response.trailers", "headers": trailers, "more_trailers": False})
        return
    code = {401: "unauthenticated", 403: "permission_denied"}.get(refusal.status, "unknown")
    if content_type.startswith(b"application/"):
        body, kind = json.dumps({"code": code, "message": refusal.message}).encode(), b"application/json"
    else:
        body, kind = f"{refusal.message}\n".encode(), b"text/plain; charset=utf-8"
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if refusal.status is HTTPStatus.UNAUTHORIZED:
        headers.append((b"www-authenticate", b'Bearer realm="flyte-bridge"'))
    await send({"type": "http.response.start", "status": int(refusal.status), "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
