"""What a project's pyproject.toml says about its conversion: the table `[tool.flyte-bridge]`."""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass
from pathlib import Path

from flyte_bridge.convert.reporting import ReportRules, codes
from flyte_bridge.errors import UsageError
from flyte_bridge_translators.source.engine.environment_names import NAME

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

TABLE = "flyte-bridge"
"""Our table in pyproject.toml, below `tool`."""

KEYS = ("select", "ignore", "per-file-ignores", "exclude", "name-prefix", "renames")
"""What may stand in it."""


EVERYTHING = ReportRules()
"""Every finding is reported."""


@dataclass(frozen=True)
class ProjectSettings:
    """What a project says about its conversion.

    Attributes:
        rules: Which findings are reported.
        name_prefix: What the names of its task environments begin with.
        renames: Its table of names.
    """

    rules: ReportRules = EVERYTHING
    name_prefix: str = ""
    renames: Path | None = None


def configured(start: Path) -> ProjectSettings:
    """What `[tool.flyte-bridge]` says in the nearest pyproject.toml at or above a path that has such a table.

    Raises:
        UsageError: The table has something unknown in it, or the file cannot be read.
    """
    place = start.absolute()
    for folder in (place, *place.parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get(TABLE)
        except (OSError, ValueError) as error:
            raise UsageError(f"{file}: cannot be read: {error}") from error
        if table is not None:
            return _read(table, file)
    return ProjectSettings()


def _read(table: object, file: Path) -> ProjectSettings:
    where = f"{file}: [tool.{TABLE}] "
    if not isinstance(table, dict):
        raise UsageError(f"{where}is no table")
    for key in table:
        if key not in KEYS:
            close = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(KEYS)}"
            raise UsageError(f"{where}has no key {key}; {hint}")
    per_file = table.get("per-file-ignores", {})
    exclude = table.get("exclude", [])
    lists = [
        exclude,
        table.get("select", []),
        table.get("ignore", []),
        *(per_file.values() if isinstance(per_file, dict) else [None]),
    ]
    if not all(isinstance(each, list) and all(isinstance(code, str) for code in each) for each in lists):
        raise UsageError(f'{where}wants lists of texts, such as ignore = ["FB303"]')
    texts = {key: table.get(key, "") for key in ("name-prefix", "renames")}
    for key, text in texts.items():
        if not isinstance(text, str):
            raise UsageError(f"{where}{key} wants a text")
    rules = ReportRules(
        codes(table.get("select", []), where),
        codes(table.get("ignore", []), where),
        {str(pattern): codes(each, where) for pattern, each in per_file.items()},
        tuple(exclude),
        file.parent,
    )
    renames = file.parent / texts["renames"] if texts["renames"] else None
    return ProjectSettings(rules, name_prefix(texts["name-prefix"], where), renames)


def name_prefix(text: str, where: str = "") -> str:
    """A beginning for the names of task environments.

    Raises:
        UsageError: Flyte 2 would not take it.
    """
    if text and not NAME.fullmatch(text):
        raise UsageError(
            f"{where}{text!r} cannot begin a name: lower-case letters and digits, with single dashes between"
        )
    return text
