"""The table of names: what is called how in Flyte 2, as JSON or Markdown; a later conversion keeps what it says.

JSON is what `flyte-bridge convert --json` prints, or its objects `renames` and `launch_plans` alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flyte_bridge.errors import SourceError
from flyte_bridge_translators.source.engine.environment_names import LONGEST, NAME
from flyte_bridge_translators.source.engine.naming import LaunchPlanName, RenameTable

MARKDOWN = frozenset({".md", ".markdown"})
"""Endings of files that are read and written as Markdown; all others are JSON."""

_HEAD = """# What is called how in Flyte 2

Written by `flyte-bridge convert --renames`; later conversions keep these names. The first column is the name in Flyte 1.

| Flyte 1 | | Flyte 2 task | trigger |
|---|---|---|---|
"""
_ENTITY, _LAUNCH_PLAN = "entity", "launch plan"
_ROW = re.compile(r"^\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|\s*$")


def read(path: Path) -> RenameTable:
    """A table of names.

    Raises:
        SourceError: It cannot be read, has no such table, or has a name that Flyte 2 does not take.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    table = _from_markdown(text) if path.suffix.lower() in MARKDOWN else _from_json(path, text)
    if table is None:
        raise SourceError(
            str(path), "has no table of names: `flyte-bridge convert --renames FILE` and `--json` write one"
        )
    for task in (*table.entities.values(), *(each.task for each in table.launch_plans.values())):
        environment = task.rpartition(".")[0]
        if environment and (not NAME.fullmatch(environment) or len(environment) > LONGEST):
            raise SourceError(
                str(path),
                f"{task}: an environment's name is lower-case letters and digits with single dashes, {LONGEST} at most",
            )
    return table


def _from_json(path: Path, text: str) -> RenameTable | None:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise SourceError(str(path), f"no JSON: {error}") from None
    try:
        return from_document(document)
    except (AttributeError, KeyError, TypeError):
        return None


def from_document(document: Mapping[str, Any]) -> RenameTable:
    """The table that `document` made plain data of, or its `renames` alone.

    Raises:
        AttributeError, KeyError, TypeError: It is none.
    """
    entities = document.get("renames", document)
    plans = document.get("launch_plans", {}) if "renames" in document else {}
    if not all(isinstance(name, str) for name in entities.values()):
        raise TypeError("a name is no text")
    return RenameTable(
        dict(entities), {name: LaunchPlanName(each["task"], each["trigger"]) for name, each in plans.items()}
    )


def _from_markdown(text: str) -> RenameTable | None:
    entities: dict[str, str] = {}
    plans: dict[str, LaunchPlanName] = {}
    for flyte1, kind, task, trigger in _rows(text):
        if kind == _LAUNCH_PLAN:
            plans[flyte1] = LaunchPlanName(task, trigger)
        elif kind == _ENTITY:
            entities[flyte1] = task
    return RenameTable(entities, plans) if entities or plans or _HEAD.splitlines()[-2] in text else None


def _rows(text: str) -> Iterator[tuple[str, ...]]:
    for line in text.splitlines():
        match = _ROW.match(line)
        if match is not None:
            yield tuple(cell.strip().strip("`").replace("&#124;", "|") for cell in match.groups())


def document(table: RenameTable) -> dict[str, Any]:
    """The table as plain data, for JSON."""
    return {
        "renames": dict(sorted(table.entities.items())),
        "launch_plans": {
            name: {"task": each.task, "trigger": each.trigger} for name, each in sorted(table.launch_plans.items())
        },
    }


def markdown(table: RenameTable) -> str:
    """The table as a page of Markdown."""
    rows = [(name, _ENTITY, task, "") for name, task in sorted(table.entities.items())]
    rows += [(name, _LAUNCH_PLAN, each.task, each.trigger) for name, each in sorted(table.launch_plans.items())]
    return _HEAD + "".join(f"| {_cell(a)} | {b} | {_cell(c)} | {_cell(d)} |\n" for a, b, c, d in rows)


def _cell(name: str) -> str:
    return f"`{name.replace('|', '&#124;')}`" if name else ""


def text(path: Path, table: RenameTable) -> str:
    """The table as a file of this name has it."""
    if path.suffix.lower() in MARKDOWN:
        return markdown(table)
    return json.dumps(document(table), indent=2, ensure_ascii=False) + "\n"


def write(path: Path, table: RenameTable) -> None:
    """Store a table, for `read`.

    Raises:
        SourceError: It cannot be written.
    """
    try:
        path.write_text(text(path, table), encoding="utf-8")
    except OSError as error:
        raise SourceError(str(path), f"the table of names cannot be written: {error.strerror or error}") from error
