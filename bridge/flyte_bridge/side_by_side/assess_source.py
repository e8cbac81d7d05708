"""A source tree assessed: what the converter makes of each workflow, launch plan, schedule, remote script and CI file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flyte_bridge_translators.findings import Severity
from flyte_bridge_translators.graph.figure import Box, Edge, Figure, Level
from flyte_bridge_translators.graph.svg import svg
from flyte_bridge_translators.project.mentions import NAMES
from flyte_bridge_translators.source.engine.entities import Kind
from flyte_bridge_translators.source.engine.translator import Context, Failed, Unchanged

from ..convert.surroundings import surroundings
from .assessment import AssessedItem, Assessment, Disposition, FoundPlace, put_in_order
from .source_outline import SourceOutline, outline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from flyte_bridge_translators.findings import Finding
    from flyte_bridge_translators.graph.figure import Kind as BoxKind
    from flyte_bridge_translators.source.engine.entities import Entity

    from ..convert.files import FileResult
    from ..convert.project import ProjectResult

WORKFLOWS = {Kind.WORKFLOW, Kind.IMPERATIVE, Kind.EAGER}

WITHOUT_COUNTERPART = {"FB105"}
"""Findings that say that Flyte 2 has no such thing; all others that are left to do by hand have a way."""


COMMAND = re.compile(r"(?:^|[\s;&|(\"'`$])(pyflyte|flytectl|flyte-cli)\s+[a-z-]")
CI_FILE = re.compile(
    r"\.(ya?ml|sh|bash|toml|cfg|ini|mk|groovy|json|tf)$|(^|/)(Makefile|Jenkinsfile|Dockerfile|justfile|tox\.ini)[^/]*$"
)


class SourceAssessment:
    """The assessment of a converted project; nothing of it was written."""

    def __init__(self, project: ProjectResult, paths: Sequence[Path]) -> None:
        """Reads the outlines.

        Args:
            project: What the converter made of it.
            paths: What the user named: where CI files are looked for.
        """
        self._project = project
        self._paths = paths
        self._context = Context(project.facts)
        self._files: dict[str, FileResult] = {}
        self._outlines: dict[str, SourceOutline] = {}
        self.result = Assessment(", ".join(map(str, paths)))
        for each in project.files:
            self._read(each)

    def _read(self, each: FileResult) -> None:
        found = outline(each.before) if NAMES.search(each.before) or self._project.facts.get(each.file.name) else None
        if isinstance(each.outcome, Failed):
            for finding in each.outcome.findings:
                self.result.not_understood.append(_place(finding))
        if found is None:
            return
        self._files.setdefault(each.file.name, each)
        self._outlines.setdefault(each.file.name, found)
        for total, counted in (
            (self.result.features, found.flyte),
            (self.result.plugins, found.plugins),
            (self.result.images, found.images),
        ):
            total.update(counted)

    def assess(self) -> Assessment:
        """All of it."""
        for module in self._outlines:
            self._module(module)
        self.result.items += _commands(self._paths, self.result.not_understood)
        put_in_order(self.result.items)
        return self.result

    def _module(self, module: str) -> None:
        each, found = self._files[module], self._outlines[module]
        facts = self._project.facts.get(module)
        own = list(facts.entities.values()) if facts is not None else []
        for entity in own:
            if entity.kind in WORKFLOWS:
                self.result.items.append(self._item("workflow", entity))
            elif entity.kind is Kind.LAUNCH_PLAN:
                self.result.items.append(self._item("launch plan", entity))
                outlined = found.entities.get(entity.name)
                if outlined is not None and outlined.scheduled:
                    self.result.items.append(self._item("schedule", entity))
        if found.is_remote:
            places = [_place(finding) for finding in each.outcome.findings if finding.severity is Severity.HAND]
            where = str(each.file.path)
            detail = "runs with `flyte-bridge exec`"
            needs = [self._by_registered_name(name) for name in found.calls]
            script = AssessedItem("remote script", where, where, Disposition.UNCHANGED, places, needs, detail)
            self.result.items.append(script)
        elif not own and found.flyte and isinstance(each.outcome, Unchanged):
            text = "imports flytekit, but nothing in it was understood as an entity or a setting"
            self.result.not_understood.append(FoundPlace("", str(each.file.path), text))

    def _item(self, kind: str, entity: Entity) -> AssessedItem:
        reached = self._reached(entity)
        findings = list(dict.fromkeys(finding for one in reached for finding in self._findings(one)))
        failed = any(
            isinstance(self._files[one.module].outcome, Failed) for one in reached if one.module in self._files
        )
        needs = [one.qualified for one in reached[1:] if one.kind in WORKFLOWS or one.kind is Kind.LAUNCH_PLAN]
        needs += [self._by_registered_name(name) for name in self._references(reached)]
        hand = [finding for finding in findings if finding.severity in (Severity.HAND, Severity.ERROR)]
        return AssessedItem(
            kind,
            entity.qualified,
            self._where(entity),
            _disposition(hand, failed=failed),
            [_place(finding) for finding in hand],
            list(dict.fromkeys(needs)) if kind != "schedule" else [entity.qualified],
            drawing=self._drawing(entity) if kind == "workflow" else "",
        )

    def _reached(self, entity: Entity) -> list[Entity]:
        """The entity, and all that it calls, however far down."""
        seen = {entity.qualified: entity}
        pending = [entity]
        while pending:
            for called in self._called(pending.pop()):
                if called.qualified not in seen:
                    seen[called.qualified] = called
                    pending.append(called)
        return list(seen.values())

    def _called(self, entity: Entity) -> Iterator[Entity]:
        found = self._outlines.get(entity.module)
        outlined = found.entities.get(entity.name) if found is not None else None
        for name in outlined.names if outlined is not None else ():
            called = self._named(entity.module, name)
            if called is not None and called.qualified != entity.qualified:
                yield called

    def _named(self, module: str, name: str) -> Entity | None:
        """The entity that a name of a module means."""
        head, _, rest = name.partition(".")
        facts = self._project.facts.get(module)
        qualified = facts.reexports.get(head, f"{module}.{head}") if facts is not None else f"{module}.{head}"
        return self._context.entity(f"{qualified}.{rest}" if rest else qualified)

    def _references(self, reached: Iterable[Entity]) -> Iterator[str]:
        for one in reached:
            found = self._outlines.get(one.module)
            outlined = found.entities.get(one.name) if found is not None else None
            if outlined is not None and outlined.refers:
                yield outlined.refers

    def _by_registered_name(self, registered: str) -> str:
        """The item that a registered name means, when the project has it; else the name itself."""
        name = registered.rpartition("/")[2]
        return name if name in self._context.entities else registered

    def _findings(self, entity: Entity) -> Iterator[Finding]:
        """Those within the entity and within what it mentions, and those of its file that are within no definition."""
        mentioned = self._mentioned(entity)
        for module in dict.fromkeys([entity.module, *(module for module, _ in mentioned)]):
            each, found = self._files.get(module), self._outlines.get(module)
            if each is None or found is None:
                continue
            for finding in each.outcome.findings:
                line = finding.where.line
                holder = next((one for one in found.entities.values() if one.first <= line <= one.last), None)
                if (module, holder.name) in mentioned if holder is not None else module == entity.module:
                    yield finding

    def _mentioned(self, entity: Entity) -> dict[tuple[str, str], None]:
        """Module and name of the entity and of every definition that it mentions, entities or not, however far down: a
        task made by a plugin's class stays a variable to the converter."""
        seen = {(entity.module, entity.name): None}
        pending = list(seen)
        while pending:
            module, name = pending.pop()
            found, facts = self._outlines.get(module), self._project.facts.get(module)
            outlined = found.entities.get(name) if found is not None else None
            for dotted in outlined.names if found is not None and outlined is not None else ():
                head = dotted.partition(".")[0]
                where, _, own = (facts.reexports.get(head, "") if facts is not None else "").rpartition(".")
                place = (module, head) if found is not None and head in found.entities else (where, own)
                if place[0] in self._outlines and place not in seen:
                    seen[place] = None
                    pending.append(place)
        return seen

    def _where(self, entity: Entity) -> str:
        outlined = self._outlines[entity.module].entities.get(entity.name)
        return f"{self._files[entity.module].file.path}:{outlined.first if outlined else 1}"

    def _drawing(self, entity: Entity) -> str:
        """What calls what in the workflow's text: not what a control plane compiles, which needs it imported."""
        outlined = self._outlines[entity.module].entities.get(entity.name)
        level = Level()
        behind: list[tuple[str, ...]] = []  # of each call, the boxes that its result comes from
        for name, takes in outlined.flow if outlined is not None else ():
            before = tuple(dict.fromkeys(box for one in takes for box in behind[one]))
            called = self._named(entity.module, name)
            if called is None or called.qualified == entity.qualified:
                behind.append(before)
                continue
            box = f"n{len(level.boxes)}"
            level.boxes.append(Box(box, box, called.name, _box(called.kind), called.qualified))
            level.edges += [Edge(one, box) for one in before]
            behind.append((box,))
        return svg(Figure(entity.qualified, level)) if level.boxes else ""


def _box(kind: Kind) -> BoxKind:
    if kind in WORKFLOWS:
        return "workflow"
    return "launch plan" if kind is Kind.LAUNCH_PLAN else "dynamic" if kind is Kind.DYNAMIC else "task"


def _disposition(hand: Sequence[Finding], *, failed: bool) -> Disposition:
    if failed:
        return Disposition.UNCHANGED
    if any(finding.code in WITHOUT_COUNTERPART for finding in hand):
        return Disposition.NOTHING
    return Disposition.BY_HAND if hand else Disposition.CONVERTS


def _place(finding: Finding) -> FoundPlace:
    return FoundPlace(finding.code, str(finding.where), f"{finding.message}. {finding.advice}")


def _commands(paths: Iterable[Path], not_understood: list[FoundPlace]) -> Iterator[AssessedItem]:
    """Files that call Flyte 1's command lines; others that only mention it are told."""
    for file in surroundings(paths):
        path = file.path
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if COMMAND.search(line)]
        if lines and CI_FILE.search(path.as_posix()):
            places = [FoundPlace("", f"{path}:{number}", line.strip()[:200]) for number, line in lines]
            detail = "the same commands work through `flyte-bridge pyflyte` and `flyte-bridge serve`"
            yield AssessedItem("CI file", str(path), str(path), Disposition.UNCHANGED, places, detail=detail)
        else:
            not_understood.append(
                FoundPlace("", str(path), "mentions Flyte 1; it is no Python and calls no command of it")
            )


def prove(assessment: Assessment, outcomes: Mapping[str, tuple[str, str, str]]) -> None:
    """Puts in what verification came to.

    Args:
        assessment: The assessment.
        outcomes: Workflow, launch plan, or a module that cannot be imported → outcome, code and reason.
    """
    for item in assessment.items:
        module = item.name.rpartition(".")[0]
        outcome, code, reason = outcomes.get(item.name) or outcomes.get(module, ("", "", ""))
        if outcome and outcome not in ("SAME", "DIFFERENT", "V2 FAILED"):
            told = f"not proved: {outcome.lower()}: {reason}"
            item.detail = ", ".join(filter(None, (item.detail, told)))
        if outcome == "SAME" and item.disposition is Disposition.CONVERTS:
            item.disposition = Disposition.PROVED
        elif outcome in ("DIFFERENT", "V2 FAILED"):
            item.places.append(FoundPlace(code, item.where, f"verified: {outcome.lower()}. {reason}"))
            if item.disposition is Disposition.CONVERTS:
                item.disposition = Disposition.BY_HAND
