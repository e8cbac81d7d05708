"""Recovery: what a run that recovers another takes over from it.

Matched by name alone: the SDK makes an action's name from its parent, its code and its inputs, so equal names mean equal
work. Roots always run again. Tasks and conditions are taken over when they are enqueued; traces are never enqueued before
they have run, so theirs are put in place when their parent asks what is there already.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from flyteidl2.common import run_pb2 as common_run_pb2
from flyteidl2.task import run_pb2, task_definition_pb2

from flyte_bridge.backend.keys import ROOT, ActionKey, RunKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.faults import NotFound
from flyte_bridge.embedded.model import ActionRecord, ActionType

if TYPE_CHECKING:
    from flyteidl2.actions import actions_service_pb2

    from flyte_bridge.embedded.inputs import Objects
    from flyte_bridge.embedded.ledger import Ledger


class Recovery:
    """Finds what can be taken over."""

    def __init__(self, ledger: Ledger, objects: Objects) -> None:
        self._ledger = ledger
        self._objects = objects

    def check(self, run_spec: run_pb2.RunSpec) -> None:
        """Checks a new run's relation.

        Raises:
            NotFound: It is to recover from a run that does not exist.
        """
        source = _recovered(run_spec)
        if source is not None and self._ledger.find(source.action()) is None:
            raise NotFound(f"run {source}, to be recovered from, does not exist")

    def source(
        self, record: ActionRecord, root: ActionRecord, action: actions_service_pb2.Action
    ) -> ActionRecord | None:
        """The action whose outputs a new child takes over: one it names, or the one of its name in the recovered run.

        Raises:
            NotFound: The one it names has not succeeded.
        """
        if action.HasField("recovered_from"):
            run = action.recovered_from.run
            named = ActionKey(run.project, run.domain, run.name, action.recovered_from.name)
            source = self._ledger.find(named)
            if source is None or not source.phase.good:
                raise NotFound(f"{record.key} is to take over from {named}, which has not succeeded")
            return source
        run_spec = run_pb2.RunSpec.FromString(root.run_spec)
        recovered = _recovered(run_spec)
        if recovered is None or record.key.name in run_spec.recover.force_rerun_actions:
            return None
        source = self._ledger.find(recovered.action(record.key.name))
        if source is None or not source.phase.good or source.type is not record.type or not self._has_outputs(source):
            return None
        return source

    def traces(self, parent: ActionKey) -> list[tuple[ActionRecord, ActionRecord]]:
        """The traces a parent finds done already: each as a new record, and its source."""
        root = self._ledger.find(parent.sibling(ROOT))
        if root is None:
            return []
        run_spec = run_pb2.RunSpec.FromString(root.run_spec)
        recovered = _recovered(run_spec)
        if recovered is None:
            return []
        there = {child.key.name for child in self._ledger.children(parent)}
        now = self._ledger.store.clock.now()
        return [
            (
                dataclasses.replace(
                    source,
                    key=parent.sibling(source.key.name),
                    phase=Phase.RUNNING,
                    created_at=now,
                    updated_at=now,
                    ended_at=None,
                    started_at=None,
                ),
                source,
            )
            for source in self._ledger.children(recovered.action(parent.name))
            if source.type is ActionType.TRACE
            and source.phase.good
            and source.key.name not in there
            and source.key.name not in run_spec.recover.force_rerun_actions
            and self._has_outputs(source)
        ]

    def _has_outputs(self, source: ActionRecord) -> bool:
        """Whether what it put out is still there, if it has outputs at all."""
        if source.type is ActionType.TRACE:
            return not source.output_uri or self._objects.exists(source.output_uri)
        if source.type is ActionType.CONDITION or self._objects.exists(f"{source.output_uri}/outputs.pb"):
            return True
        spec = task_definition_pb2.TaskSpec.FromString(self._ledger.task_spec(source))
        return not spec.task_template.interface.outputs.variables


def _recovered(run_spec: run_pb2.RunSpec) -> RunKey | None:
    """The run that a run recovers; None for any other run."""
    if run_spec.relation.relation_type != common_run_pb2.RELATION_TYPE_RECOVER:
        return None
    run = run_spec.relation.related_to
    return RunKey(run.project, run.domain, run.name)
