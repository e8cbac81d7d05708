"""flyte-bridge: the way from Flyte 1 (flytekit) to Flyte 2 for teams that cannot stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flyte_bridge.remote.flyte_remote import FlyteRemote

__version__ = "0.1.0"

__all__ = ["FlyteRemote", "__version__"]

_PLACES = {"FlyteRemote": "remote.flyte_remote"}
"""Where the public names are; imported when they are first asked for, since flytekit takes seconds to import."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    # flytekit first and whole: `remote.hook` may have asked to be told when it is imported, and imports the same module
    import_module("flytekit")
    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
