"""The forkserver that has `flyte` imported: what to import, what to stop before forking, what to call in the child.

Only ever imported by `zygote`, in a process that never sees flytekit: `flyte.storage` registers obstore for `s3` with
fsspec, and
flytekit's frames then fail (measured with flyte 2.12.1 and flytekit 1.16.31).
"""

from __future__ import annotations

import atexit
import importlib
from contextlib import suppress

MODULES = (
    "anyio",
    "certifi",
    "connectrpc.client",
    "faulthandler",
    "flyte._bin.runtime",
    "flyte._internal.controllers.remote._client",
    "flyte._internal.controllers.remote._controller",
    "flyte._internal.image_cache",
    "flyte._internal.resolvers.default",
    "flyte._internal.runtime.entrypoints",
    "flyte._internal.runtime.taskrunner",
    "flyte._utils.asyncify",
    "flyte.git",
    "flyte.io",
    "flyte.remote._client.auth._authenticators.factory",
    "flyte.remote._client.auth._interceptors.default_metadata",
    "flyte.remote._client.auth._interceptors.retry",
    "flyte.remote._client.controlplane",
    "flyte.report",
    "flyte.storage",
    "flyte.types",
    "flyteidl2.actions.actions_service_connect",
    "fsspec.implementations.local",
    "httpcore",
    "httpx",
    "obstore.fsspec",
    "opentelemetry.metrics",
    "opentelemetry.propagate",
    "opentelemetry.trace.propagation.tracecontext",
    "pyqwest._glue",
)
"""What a task imports before it reaches its own code; a module that a release no longer has is passed over."""

WARM = (
    ("flyte._utils.entry_points", "_installed_entry_points"),
    ("flyte.remote._client.auth._session", "_supports_system_certs"),
)
"""Functions without arguments whose answer the SDK caches for the life of a process: 40 ms each. Installing something
changes the answer, and has `launcher` start another forkserver."""


def prepare() -> None:
    """Import, and stop the one thread that `flyte` starts when imported.

    `flyte.syncify` runs an event loop in a thread from its import on (2.12.1, `syncify/_api.py`); threads do not
    survive a fork.
    """
    for name in MODULES:
        with suppress(ImportError):
            importlib.import_module(name)
    for name, function in WARM:
        with suppress(ImportError, AttributeError):
            getattr(importlib.import_module(name), function)()
    from flyte.syncify import syncify

    loop = syncify._bg_loop
    loop.stop()  # type: ignore[no-untyped-call]
    loop.loop.close()
    atexit.unregister(loop.stop)


def run(argv: list[str]) -> None:
    """Do as the console script `a0` does, in a freshly forked process."""
    import flyte._logging
    from flyte._bin.runtime import main
    from flyte.syncify import syncify

    loop = syncify._bg_loop
    loop.__init__(name="flyte_syncify")  # type: ignore[misc]  # the same object: others hold references to it
    flyte._logging.initialize_logger()  # reads LOG_LEVEL and its like, which the import already did
    main.main(args=argv[1:], prog_name=argv[0])
