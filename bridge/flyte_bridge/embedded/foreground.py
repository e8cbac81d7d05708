"""The embedded backend in this process, from its lock to its announcement."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from flyte_bridge import __version__
from flyte_bridge.embedded.server import options_of, serve
from flyte_bridge.embedded_client import snippets
from flyte_bridge.embedded_client.directory_lock import Instance, describe, hold, write
from flyte_bridge.embedded_client.instance import listen

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.console.compare_page import Comparer


def run(
    data_dir: Path,
    port: int | None,
    on_ready: Callable[[Instance], None],
    *,
    require_token: bool | None = None,
    comparer: Comparer | None = None,
) -> None:
    """Serve a data directory in this process until SIGTERM or SIGINT; the body of `up --foreground` and of the daemon.

    Args:
        data_dir: The directory; made when missing.
        port: As for `instance.start`.
        on_ready: Called once, when requests are answered.
        require_token: As for `instance.start`.
        comparer: Compares two runs for the console; this room has none.

    Raises:
        BackendError: As for `instance.start`.
    """
    with hold(data_dir), listen(data_dir, port) as listener:
        options = replace(options_of(data_dir, require_token=require_token), comparer=comparer)
        bound_port = listener.getsockname()[1]  # the server takes the socket over

        def announce() -> None:
            instance = Instance(
                pid=os.getpid(),
                port=bound_port,
                data_dir=str(data_dir),
                started_at=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                version=__version__,
                require_token=options.require_token,
            )
            write(Path(instance.client_config), snippets.flyte_yaml(instance))
            describe(instance)
            on_ready(instance)

        asyncio.run(serve(options, listener, announce))
