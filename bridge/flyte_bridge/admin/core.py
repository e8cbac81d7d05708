"""What the parts of the façade share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.backend.storage import Storage
    from flyte_bridge.config import Settings
    from flyte_bridge.launch.launcher import Launcher
    from flyte_bridge.registry.registry import Registry


@dataclass(frozen=True)
class Core:
    """What the parts share.

    Attributes:
        backend: The Flyte 2 behind us (`backend.client.BackendClient`).
        settings: What the bridge was told from outside.
        registry: Flyte 1's entities as Flyte 2 keeps them (`registry.Registry`).
        launcher: Starts executions.
        storage: Objects by URI, where no verb of the backend's serves.
    """

    backend: BackendClient
    settings: Settings
    registry: Registry
    launcher: Launcher
    storage: Storage
