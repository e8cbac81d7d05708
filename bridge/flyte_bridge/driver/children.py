"""The children of the driver's action: enqueued once, watched to their end by one stream for all.

Names are deterministic. So a restarted driver finds in the stream's snapshot what an earlier attempt has enqueued, and
enqueues nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from flyteidl2.actions import actions_service_pb2
from flyteidl2.common import identifier_pb2, phase_pb2

from flyte_bridge.backend.query import pages
from flyte_bridge.driver import outcome
from flyte_bridge.driver.patience import PATIENCE, patient
from flyte_bridge.errors import StatusError
from flyte_bridge_translators.wire import node_record
from flyte_bridge_translators.wire.phase import TERMINAL

if TYPE_CHECKING:
    from flyte_bridge.backend.client import BackendClient


class Children:
    """What is below one action."""

    def __init__(self, backend: BackendClient, parent: identifier_pb2.ActionIdentifier) -> None:
        self._backend = backend
        self._parent = parent
        self._open: set[str] = set()
        self._ended: dict[str, Any] = {}
        self._waiters: dict[str, asyncio.Future[Any]] = {}
        self._found: frozenset[str] = frozenset()
        self._forgotten: set[str] = set()
        self._failed: set[str] = set()
        self._running: dict[str, float] = {}
        self._ready = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn what is there already, and keep watching.

        Nobody tells whether an earlier process of the driver has added children: the Go backend starts it anew in the same
        attempt. Those that a watch does not tell of any more, or never did, are looked for in the run's list.

        Raises:
            StatusError: The backend refuses to be watched.
        """
        self._watcher = asyncio.ensure_future(self._watch())
        ready = asyncio.ensure_future(self._ready.wait())
        await asyncio.wait({ready, self._watcher}, return_when=asyncio.FIRST_COMPLETED)
        if self._watcher.done():
            ready.cancel()
            self._watcher.result()
        await self._remember()

    async def _remember(self) -> None:
        listed = pages(self._backend.list_actions, lambda answer: answer.actions, run_id=self._parent.run)
        async for row in listed:
            name = row.id.name
            if row.metadata.parent != self._parent.name:
                continue
            if node_record.is_failed(row.metadata.group):
                self._failed.add(name)
            if row.status.phase in TERMINAL and not self.known(name):
                self._forgotten.add(name)
        self._found |= self._forgotten

    async def stop(self) -> None:
        """Stop watching."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._watcher

    def known(self, name: str) -> bool:
        """Whether there is a child of that name."""
        return name in self._open or name in self._ended or name in self._forgotten

    @property
    def any(self) -> bool:
        """Whether there is any child."""
        return bool(self._open or self._ended or self._forgotten)

    def found(self, name: str) -> bool:
        """Whether a child had ended before this attempt of the driver began."""
        return name in self._found

    @property
    def open(self) -> set[str]:
        """Names of those that have not ended."""
        return set(self._open)

    def ran(self, name: str) -> float:
        """Seconds that a child's present attempt has run, as far as this process has seen; 0 while it does not."""
        return time.monotonic() - self._running[name] if name in self._running else 0.0

    def identifier(self, name: str) -> identifier_pb2.ActionIdentifier:
        """The full name of a child."""
        return identifier_pb2.ActionIdentifier(run=self._parent.run, name=name)

    async def enqueue(self, action: actions_service_pb2.Action, run_spec: Any | None = None) -> None:
        """Add a child, unless there is one of its name.

        Args:
            action: The child; its run and parent are filled in.
            run_spec: What holds for this child instead of the run's own spec.

        Raises:
            StatusError: The backend refuses it.
        """
        name = action.action_id.name
        if self.known(name):
            return
        if node_record.is_failed(action.group):
            self._failed.add(name)
        action.action_id.CopyFrom(self.identifier(name))
        action.parent_action_name = self._parent.name
        self._open.add(name)
        call = asyncio.ensure_future(patient(lambda: self._backend.enqueue(action=action, run_spec=run_spec)))
        try:
            await asyncio.shield(call)
        except asyncio.CancelledError:
            await asyncio.wait({call})  # so that whoever cancels knows whether there is something to abort
            raise
        except StatusError:
            self._open.discard(name)
            raise

    async def end(self, name: str) -> Any:
        """Wait for a child's end.

        Returns:
            Its last `ActionUpdate`.
        """
        if name in self._forgotten and name not in self._ended:
            update = await outcome.ask(self._backend, self.identifier(name))
            if update is not None:
                self._ended[name] = update
        update = self._ended.get(name)
        if update is not None:
            return update
        if self._watcher is not None and self._watcher.done():
            self._watcher.result()
        future = self._waiters.get(name)
        if future is None:
            future = self._waiters[name] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(future)

    # -- the stream ---------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        try:
            async for update in self._backend.watch_children(parent=self._parent, patience=PATIENCE):
                if update is None:
                    self._found = self._found or frozenset(self._ended)
                    self._ready.set()
                else:
                    self._heard(update)
        except StatusError as error:
            self._fail(error)
            raise

    def _heard(self, update: Any) -> None:
        name = update.action_id.name
        if name in self._ended or name == self._parent.name:  # the Go backend tells of the parent, too
            return
        if name in self._failed:
            update.phase = phase_pb2.ACTION_PHASE_FAILED
        if update.phase == phase_pb2.ACTION_PHASE_RUNNING:
            self._running.setdefault(name, time.monotonic())
        else:  # an attempt has ended, and the next one's time has not begun
            self._running.pop(name, None)
        if update.phase not in TERMINAL:
            self._open.add(name)
            return
        self._open.discard(name)
        self._ended[name] = update
        waiter = self._waiters.pop(name, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(update)

    def _fail(self, error: StatusError) -> None:
        for waiter in self._waiters.values():
            if not waiter.done():
                waiter.set_exception(error)
        self._waiters.clear()
