"""Which run, action, task, trigger of a Flyte 2.

A run is an action without a parent, named `a0`. Identity is (project, domain, run, action); the organisation is ignored,
because the SDK sends it empty from the client and as `local` from a task.
"""

from __future__ import annotations

from dataclasses import dataclass

ROOT = "a0"
"""The name of every run's first action."""


@dataclass(frozen=True, order=True)
class RunKey:
    """Which run."""

    project: str
    domain: str
    name: str

    def action(self, name: str = ROOT) -> ActionKey:
        """An action of this run; without a name its root."""
        return ActionKey(self.project, self.domain, self.name, name)

    def __str__(self) -> str:
        return f"{self.project}/{self.domain}/{self.name}"


@dataclass(frozen=True, order=True)
class ActionKey:
    """Which action."""

    project: str
    domain: str
    run: str
    name: str

    @property
    def run_key(self) -> RunKey:
        """The run it belongs to."""
        return RunKey(self.project, self.domain, self.run)

    @property
    def is_root(self) -> bool:
        """Whether it is a run's first action."""
        return self.name == ROOT

    def sibling(self, name: str) -> ActionKey:
        """Another action of the same run."""
        return ActionKey(self.project, self.domain, self.run, name)

    def __str__(self) -> str:
        return f"{self.project}/{self.domain}/{self.run}/{self.name}"


@dataclass(frozen=True, order=True)
class TaskKey:
    """Which version of which task."""

    project: str
    domain: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.project}/{self.domain}/{self.name}@{self.version}"


@dataclass(frozen=True, order=True)
class TriggerKey:
    """Which trigger; names are unique per task."""

    project: str
    domain: str
    task_name: str
    name: str

    def __str__(self) -> str:
        return f"{self.project}/{self.domain}/{self.task_name}/{self.name}"
