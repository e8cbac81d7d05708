"""What a file's entities are called after, and what an earlier conversion has called them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LaunchPlanName:
    """What a launch plan is in Flyte 2.

    Attributes:
        task: The full name of the task that its trigger belongs to.
        trigger: The name of the trigger.
    """

    task: str
    trigger: str


@dataclass(frozen=True)
class RenameTable:
    """What is called how in Flyte 2.

    Attributes:
        entities: Flyte 1 name of a task or workflow → full name of its task in Flyte 2.
        launch_plans: Name of a launch plan → what it is in Flyte 2.
    """

    entities: Mapping[str, str] = field(default_factory=dict)
    launch_plans: Mapping[str, LaunchPlanName] = field(default_factory=dict)

    def updated(self, other: RenameTable) -> RenameTable:
        """This table with another's rows, which win."""
        return RenameTable({**self.entities, **other.entities}, {**self.launch_plans, **other.launch_plans})


NO_NAMES = RenameTable()
"""The table of a project that was never converted."""


@dataclass(frozen=True)
class Naming:
    """What a file's entities are called after.

    Attributes:
        place: The file's path below its project's root, with dots.
        table: What an earlier conversion has called entities.
    """

    place: str
    table: RenameTable = NO_NAMES

    def recorded(self, flyte1_name: str, module: str) -> str | None:
        """What an entity was called.

        Args:
            flyte1_name: Its name in Flyte 1.
            module: Its module, which may have been converted from the project's root.
        """
        known = self.table.entities.get(flyte1_name)
        if known is None and self.place != module and flyte1_name.startswith(f"{module}."):
            known = self.table.entities.get(f"{self.place}.{flyte1_name.removeprefix(f'{module}.')}")
        return known
