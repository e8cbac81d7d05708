"""Which Flyte 2: the one that the settings mean, or the one that runs this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.credentials import TOKEN_FILE, Fixed
from flyte_bridge.backend.grpc import PATIENCE, GrpcCaller, tls_context
from flyte_bridge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.backend.credentials import Credentials
    from flyte_bridge.config import Settings
    from flyte_bridge.embedded_client.directory_lock import Instance

IN_TASK_PATIENCE = 1200.0
"""Seconds in which a process that Flyte 2 runs keeps trying to reach it: its server may restart, and nothing is lost."""


def connect(settings: Settings, *, patience: float = PATIENCE) -> BackendClient:
    """The Flyte 2 that the settings mean; the embedded one is started when it does not run, which may take seconds.

    Args:
        settings: As `config.load()` has them.
        patience: Seconds in which repeatable calls are tried again while it cannot be reached.

    Raises:
        BackendError: The embedded one cannot be started.
        ConfigError: The settings cannot be.
    """
    if settings.endpoint is None:
        from flyte_bridge.embedded_client import instance

        running = instance.ensure(settings.data_dir)
        proof = embedded_credentials(running)
        return BackendClient(GrpcCaller(running.endpoint, insecure=True, patience=patience, credentials=proof))
    caller = GrpcCaller(
        settings.endpoint,
        insecure=settings.insecure,
        ca_cert=settings.ca_cert,
        credentials=credentials(settings, settings.endpoint),
        patience=patience,
    )
    return BackendClient(caller)


def embedded_credentials(running: Instance) -> Credentials | None:
    """How calls to an embedded backend prove who sends them; `None` if it asks nobody.

    Raises:
        StoreError: Its token cannot be read.
    """
    access = running.access
    return None if access is None else Fixed(access.token)


def credentials(settings: Settings, endpoint: str) -> Credentials | None:
    """How the settings say that calls prove who sends them; `None` if they say nothing."""
    from flyte_bridge.backend.credentials import ClientCredentials, TokenCommand

    if settings.token is not None:
        return Fixed(settings.token.get_secret_value())
    if settings.token_command:
        return TokenCommand(settings.token_command)
    if settings.client_id is None or settings.client_secret is None:
        return None
    metadata = GrpcCaller(endpoint, insecure=settings.insecure, ca_cert=settings.ca_cert)
    tls = None if settings.insecure else tls_context(settings.ca_cert)
    return ClientCredentials(settings.client_id, settings.client_secret.get_secret_value(), metadata, tls)


def inside(environ: Mapping[str, str] = os.environ) -> BackendClient:
    """The Flyte 2 that runs this process, as it tells its tasks: `_U_EP_OVERRIDE`, `_U_INSECURE`.

    The embedded one also tells where its token lies.

    Raises:
        ConfigError: Nothing tells, or the token cannot be read.
    """
    endpoint = environ.get("_U_EP_OVERRIDE", "")
    if not endpoint:
        raise ConfigError("_U_EP_OVERRIDE is not set: only a process that Flyte 2 runs can know its backend this way")
    bare = endpoint.removeprefix("dns:///").split("://", 1)[-1].partition("/")[0]
    insecure = environ.get("_U_INSECURE", "").lower() in {"1", "true", "yes"}
    proof = None
    if path := environ.get(TOKEN_FILE):
        try:
            proof = Fixed(Path(path).read_text().strip())
        except OSError as error:
            raise ConfigError(f"{TOKEN_FILE}: {path}: the token cannot be read: {error.strerror}") from error
    return BackendClient(GrpcCaller(bare, insecure=insecure, patience=IN_TASK_PATIENCE, credentials=proof))
