"""Makes flytekit, unmodified, call the façade of its own process: for programs that were written for a Flyte 1.

Nothing is changed by installing flyte-bridge, or by importing it: only `flyte-bridge exec`, `pyflyte`, `register` and `run`
call `install`, each in a process of its own. Flytekit is changed when the program imports it, so that what the program
does before (setting variables, say) has its effect.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import wrapt

from .channel import Channel
from .home import home_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ..config import Settings


def install(settings: Settings, started: Callable[[Any, Any], None] | None = None) -> None:
    """From now on every flytekit client of this process talks to Flyte 2, wherever its configuration points.

    Processes that the program starts are told where the embedded backend is, if it is meant; those that use flytekit reach
    it there.

    Args:
        settings: Which Flyte 2.
        started: Called with the `FlyteRemote` and each execution that it has started.

    Raises:
        BackendError: The embedded backend is meant and cannot be started.
    """
    if settings.embedded:
        from ..embedded import instance, snippets

        os.environ.update(snippets.flytekit_environment(instance.ensure(settings.data_dir)))

    def raw(module: Any) -> None:
        module.get_channel = lambda *_, **__: Channel(home_of(settings))
        if settings.embedded:  # it asks nobody who they are, so nobody has to log in
            module.upgrade_channel_to_authenticated = lambda _, channel: channel
            module.upgrade_channel_to_proxy_authenticated = lambda _, channel: channel

    def remote(module: Any) -> None:
        from .flyte_remote import FlyteRemote

        class Installed(FlyteRemote):
            """`FlyteRemote`, as this process means it."""

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **{"settings": settings, **kwargs})

            def _execute(self, *args: Any, **kwargs: Any) -> Any:
                execution = super()._execute(*args, **kwargs)
                if started is not None:
                    started(self, execution)
                return execution

        Installed.__name__ = Installed.__qualname__ = "FlyteRemote"
        Installed.__module__ = module.__name__
        module.FlyteRemote = Installed

    wrapt.register_post_import_hook(raw, "flytekit.clients.raw")
    wrapt.register_post_import_hook(remote, "flytekit.remote.remote")
    wrapt.register_post_import_hook(_names, "flytekit")


def _names(_: ModuleType) -> None:
    from .documented_names import add

    add()
