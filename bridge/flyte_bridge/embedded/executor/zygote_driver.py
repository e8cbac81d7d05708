"""The forkserver that has flyte-bridge's driver imported. Only ever imported by `zygote`, in a process without any SDK.

gRPC and obstore start their threads with their first channel and request, which only the forked process makes; `zygote`
holds that there is one thread when it begins to fork.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from contextlib import suppress

MODULES = (
    "flyte_bridge.backend.connect",
    "flyte_bridge.backend.storage",
    "flyteidl.core.compiler_pb2",
    "flyteidl2.actions.actions_service_pb2",
    "flyteidl2.workflow.run_service_pb2",
    "grpc.aio",
    "networkx",
    "obstore.store",
)
"""What the driver imports, and what it imports only when it needs it."""

PACKAGES = ("flyte_bridge.driver", "flyte_bridge_translators.wire", "flyte_bridge_translators.graph")
"""Packages of ours all of whose modules are imported."""


def prepare() -> None:
    """Import."""
    for name in MODULES:
        with suppress(ImportError):
            importlib.import_module(name)
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            with suppress(ImportError):
                importlib.import_module(module.name)


def run(argv: list[str]) -> None:
    """Do as `python -m flyte_bridge.driver.main …` does, in a freshly forked process."""
    from flyte_bridge.driver.main import main

    sys.argv = [argv[0], *argv[3:]]
    main()
