"""Flyte 1's REST: flyteadmin's grpc-gateway, made from the HTTP bindings in flyteidl's descriptors.

`routes` finds the RPC of a method and path, `request` fills its message from path, query and body, `json` writes answers,
`openapi` describes it all, `app` is the ASGI application. Rules: grpc-gateway 2.x as flyteadmin 1.16.8 sets it up
(`flyteadmin/pkg/server/service.go`, newHTTPServer).
"""

from __future__ import annotations

API = "/api/v1/"
HEALTHCHECK = "/healthcheck"
OPENAPI = "/api/v1/openapi"
OTHERS = frozenset({HEALTHCHECK, "/me", "/config/v1/flyte_client", "/.well-known/oauth-authorization-server"})
"""What flyteadmin serves beside its API: whether it lives, who the caller is, and how to log in."""


def claims(path: str) -> bool:
    """Whether a path is for this door, whatever the method: a wrong one is refused in its words."""
    return path.startswith(API) or path in OTHERS
