"""Makes flytekit, unmodified, call the façade of its own process: for programs that were written for a Flyte 1.

Nothing is changed by installing flyte-bridge, or by importing it: only `flyte-bridge exec`, `pyflyte`, `register` and `run`
call `install`, each in a process of its own. Flytekit is changed when the program imports it, so that what the program
does before (setting variables, say) has its effect. Python processes that the program starts are hosted as well.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.config import Settings
    from flyte_bridge.remote.channel import Channel
    from flyte_bridge.remote.in_process import Home

HOSTED = "FLYTE_BRIDGE_HOSTED"
"""Set in the environment of hosted programs; what they start is hosted, too."""

_CHILD = str(Path(__file__).with_name("child_process"))


def install(
    settings: Settings,
    started: Callable[[Any, Any], None] | None = None,
    channel: Callable[[Home], Channel] | None = None,
) -> None:
    """From now on every flytekit client of this process talks to Flyte 2, wherever its configuration points.

    Args:
        settings: Which Flyte 2.
        started: Called with the `FlyteRemote` and each execution that it has started.
        channel: Makes the channels that are called instead of a plain one.

    Raises:
        BackendError: The embedded backend is meant and cannot be started.
    """
    if settings.embedded:
        from flyte_bridge.embedded_client import instance, snippets

        os.environ.update(snippets.flytekit_environment(instance.ensure(settings.data_dir)))
        os.environ["FLYTE_BRIDGE_DATA_DIR"] = str(settings.data_dir)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (_CHILD, os.environ.get("PYTHONPATH"))))
    os.environ[HOSTED] = "1"
    _hook(lambda: settings, started, channel)


def install_in_child() -> None:
    """As `install`, in a process that a hosted program has started; nothing is imported before flytekit is."""

    def settings() -> Settings:
        from flyte_bridge import config

        return config.load()

    _hook(settings, None, None)


def _hook(
    settings: Callable[[], Settings],
    started: Callable[[Any, Any], None] | None,
    channel: Callable[[Home], Channel] | None,
) -> None:
    def raw(module: Any) -> None:
        from flyte_bridge.remote.channel import Channel
        from flyte_bridge.remote.in_process import home_of

        make = channel or Channel
        module.get_channel = lambda *_, **__: make(home_of(settings()))
        if settings().embedded:  # the façade of this process has its token, so nobody has to log in
            module.upgrade_channel_to_authenticated = lambda _, channel: channel
            module.upgrade_channel_to_proxy_authenticated = lambda _, channel: channel

    def remote(module: Any) -> None:
        installed = _installed(module.__name__, settings, started)
        if channel is not None:
            installed.make_channel = staticmethod(channel)
        module.FlyteRemote = installed

    def names(_: Any) -> None:
        from flyte_bridge.remote.legacy_imports import add

        add()

    wrapt.register_post_import_hook(raw, "flytekit.clients.raw")
    wrapt.register_post_import_hook(remote, "flytekit.remote.remote")
    wrapt.register_post_import_hook(names, "flytekit")


def _installed(module: str, settings: Callable[[], Settings], started: Callable[[Any, Any], None] | None) -> type[Any]:
    """The class that takes the place of flytekit's."""
    from flyte_bridge.remote.flyte_remote import FlyteRemote

    class Installed(FlyteRemote):
        """`FlyteRemote`, as this process means it."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{"settings": settings(), **kwargs})

        def _execute(self, *args: Any, **kwargs: Any) -> Any:
            execution = super()._execute(*args, **kwargs)
            if started is not None:
                started(self, execution)
            return execution

    Installed.__name__ = Installed.__qualname__ = "FlyteRemote"
    Installed.__module__ = module
    return Installed
