"""A child execution's eye on its parent.

The parent's driver aborts its child runs when it is aborted. One that was killed before it came to that leaves them behind, so
each looks for itself.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from flyteidl2.common import identifier_pb2

from flyte_bridge.errors import BackendError
from flyte_bridge_translators.wire import identifier
from flyte_bridge_translators.wire.phase import GOOD, TERMINAL

if TYPE_CHECKING:
    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge_translators.wire.execution import ExecutionSettings

PERIOD = 20.0
"""Seconds between two looks."""

_log = logging.getLogger("flyte_bridge.driver.parent")


async def follow(backend: BackendClient, own: identifier_pb2.RunIdentifier, settings: ExecutionSettings) -> None:
    """Abort the own run when the execution that has started it has ended badly. Ends with that, else never.

    Args:
        backend: Flyte 2.
        own: The run.
        settings: What it was asked to be.
    """
    node = settings.parent_node_execution
    if node is None:
        return
    parent = node.execution_id
    root = identifier_pb2.ActionIdentifier(run=identifier.run_of(parent, own.org), name=identifier.ROOT)
    while True:
        await asyncio.sleep(PERIOD)
        try:
            phase = (await backend.get_action(action_id=root)).status.phase
            if phase in TERMINAL - GOOD:
                reason = f"cascading abort as parent execution {parent.name} has ended"
                await backend.abort_run(run_id=own, reason=reason)
                return
        except BackendError as error:
            _log.debug("%s cannot be seen: %s", parent.name, error)
