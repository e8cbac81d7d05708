"""`flyte-bridge serve`: Flyte 1's control plane on the wire."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge_cli.options import data_dir_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.embedded_client.access import Access
    from flyte_bridge.remote.server import Address, Server
    from flyte_bridge.remote.web import WebServer

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@data_dir_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=30080,
    show_default=True,
    help="Port to listen on; 0 takes a free one. 30080 is where flytekit's Config.for_sandbox() looks.",
)
@click.option(
    "--http-port",
    type=click.IntRange(0, 65535),
    help="Port for the console (/console, /v2) and REST (flyteadmin's grpc-gateway: /api/v1/…, /healthcheck) beside it; "
    "0 takes a free one.  [default: none]",
)
@click.option("--tls-cert", type=_FILE, help="Certificate chain (PEM); speak TLS.")
@click.option("--tls-key", type=_FILE, help="The certificate's key (PEM).")
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="Seconds that calls under way have to end after SIGTERM or Ctrl-C.",
)
def command(
    data_dir: Path | None,
    host: str,
    port: int,
    http_port: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    grace: float,
) -> None:
    """Serve Flyte 1's control plane (flyteadmin's gRPC and REST) on top of Flyte 2.

    For clients that cannot run in process: other languages, other machines, services. Each caller's own token is passed
    on to Flyte 2.
    """
    from flyte_bridge.remote.server import Address

    address = Address(host, port, tls_cert, tls_key)
    web = None if http_port is None else replace(address, port=http_port)
    asyncio.run(_serve(config.load(data_dir=data_dir), address, web, grace))


async def _serve(settings: config.Settings, address: Address, web_address: Address | None, grace: float) -> None:
    from flyte_bridge.remote.in_process import gateway_of
    from flyte_bridge.remote.server import Server, serve

    facade = await gateway_of(settings)
    for warning in _warnings(address, settings):
        click.echo(warning, err=True)
    server = Server(facade, address)
    try:
        if web_address is None:
            await serve([server], lambda: click.echo(_describe(server, settings)), grace)
            return
        from flyte_bridge.remote.web import WebServer

        web = WebServer(facade, web_address, _access(settings))
        await serve([server, web], lambda: click.echo(_describe(server, settings, web)), grace)
    finally:
        await facade.backend.close()


def _access(settings: config.Settings) -> Access | None:
    """What opens the embedded backend, if that is behind and asks for it."""
    from flyte_bridge.embedded_client import instance

    return instance.ensure(settings.data_dir).access if settings.embedded else None


def _describe(server: Server, settings: config.Settings, web: WebServer | None = None) -> str:
    """What the user is told when calls are answered."""
    from flyte_bridge.embedded_client import instance, login_url, snippets

    if settings.endpoint is not None:
        behind, variables = settings.endpoint, {}
    else:
        running = instance.ensure(settings.data_dir)
        behind, variables = f"the embedded backend at {running.url}", snippets.flytekit_environment(running)
    variables["FLYTE_PLATFORM_URL"] = server.endpoint
    variables["FLYTE_PLATFORM_INSECURE"] = str(not server.address.tls).lower()
    lines = [
        f"Flyte 1's control plane at {server.endpoint}, {'TLS' if server.address.tls else 'without TLS'}, on {behind}",
        "",
        "flytekit (Flyte 1):",
        *(f"    export {name}={value}" for name, value in variables.items()),
    ]
    if web is not None:
        # flytekit looks for the console in its file only, `console.endpoint`
        access = _access(settings)
        console = f"{web.url}/console" if access is None else login_url.url(web.url, access)
        lines += ["", f"REST at {web.url}/api/v1", f"Console at {console}"]
    return "\n".join(lines)


def _warnings(address: Address, settings: config.Settings) -> Iterator[str]:
    """What must be known before anybody can reach the address."""
    from flyte_bridge.embedded_client import instance

    if address.local:
        return
    if settings.embedded and not instance.ensure(settings.data_dir).require_token:
        yield "Anybody who reaches this address can run code here: the embedded backend asks nobody who they are."
    if not address.tls:
        yield "Tokens and data cross the network as they are: there is no TLS. Give --tls-cert and --tls-key."
