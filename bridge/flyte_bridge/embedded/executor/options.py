"""How to run tasks, and what the user's settings say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyte_bridge.embedded_client.room import Room, whole_machine
from flyte_bridge.embedded_client.target import quantity
from flyte_bridge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.config import Settings


@dataclass(frozen=True)
class ExecutorOptions:
    """How to run tasks.

    Attributes:
        capacity: How much runs at once; None for the whole machine.
        images: Image → Python or virtual environment; see `interpreters`.
        pass_env: Names of environment variables of this machine that tasks get too.
        accelerators: Run what requests accelerators with what the machine has, instead of refusing it.
        commands: Run any command of this machine, instead of refusing what needs a container.
        ephemeral: Tasks end when the server is gone, however it went. Else they go on and the next server takes them
            over.
        forkservers: False starts every task as a process of its own: slower, and nothing is imported beforehand.
        keep_work: Keep the work directories of what succeeded.
        grace: Seconds between asking a process to end and killing it.
    """

    capacity: Room | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    pass_env: tuple[str, ...] = ()
    accelerators: bool = False
    commands: bool = False
    ephemeral: bool = False
    forkservers: bool = True
    keep_work: bool = False
    grace: float = 1.0

    @classmethod
    def of(cls, settings: Settings) -> ExecutorOptions:
        """What the user's settings say of tasks.

        Raises:
            ConfigError: The memory is no quantity.
        """
        machine = whole_machine()
        try:
            memory = round(quantity(settings.task_memory)) if settings.task_memory else machine.memory
        except ValueError as error:
            raise ConfigError(f"configuration (FLYTE_BRIDGE_TASK_MEMORY): {error}") from error
        cpu = round(settings.task_cpus * 1000) if settings.task_cpus else machine.cpu
        return cls(
            capacity=Room(cpu, memory),
            images=settings.task_images,
            pass_env=settings.task_env,
            accelerators="accelerators" in settings.task_allow,
            commands="commands" in settings.task_allow,
            forkservers=settings.task_forkservers,
        )

    @property
    def allowed(self) -> dict[str, bool]:
        """What `refuse` lets pass."""
        return {"accelerators": self.accelerators, "commands": self.commands}
