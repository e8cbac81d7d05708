"""One requirement of Flyte 1 and what it is in Flyte 2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flyte_bridge_translators.source.vocabulary import PACKAGES, VERSION

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?P<extras>\s*\[[^\]]*\])?(?P<version>\s*\(?(?:[=<>!~^]=?=?|@)[^;#\"'\[\]]*)?"
)
_PINNED = re.compile(r"^\s*\(?={2,3}|^\s*\(?=[^=]")

WITHOUT: Mapping[str, str] = {
    "flyteidl": "Flyte 2's messages are in flyteidl2, which flyte brings",
    "union": "the SDK of Union for Flyte 1; Flyte 2's is flyte itself",
    "unionai": "the SDK of Union for Flyte 1; Flyte 2's is flyte itself",
}
"""Packages of Flyte 1 that nothing takes the place of by name → why."""


@dataclass(frozen=True)
class Replacement:
    """What takes a requirement's place.

    Attributes:
        name: The package of Flyte 2, or "" when there is none.
        version: Its version specifier.
        was: The Flyte 1 package.
        dropped: Extras and versions of Flyte 1 that have no meaning for it.
        why: When there is none: why.
    """

    name: str
    version: str
    was: str
    dropped: str = ""
    why: str = ""

    @property
    def text(self) -> str:
        """As pip writes it."""
        return f"{self.name}{self.version}"


def normalized(name: str) -> str:
    """A package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_flyte1(name: str) -> bool:
    """Whether a package is Flyte 1's."""
    plain = normalized(name)
    return plain == "flytekit" or plain.startswith("flytekitplugins-") or plain in WITHOUT


def distribution(name: str) -> str:
    """Flyte 2's package for one of Flyte 1's, or "" when there is none."""
    plain = normalized(name)
    if plain == "flytekit":
        return "flyte"
    return PACKAGES.get(f"flytekitplugins.{plain.removeprefix('flytekitplugins-')}", "") if "plugins" in plain else ""


def version_for(specifier: str) -> str:
    """The specifier for Flyte 2 that is as strict as one for Flyte 1: none, the very version, or from it on."""
    if not specifier.strip():
        return ""
    return f"=={VERSION}" if _PINNED.match(specifier) else f">={VERSION},<{int(VERSION.split('.')[0]) + 1}"


def replacement(requirement: str) -> tuple[Replacement, int] | None:
    """What takes the place of a requirement, and how many characters of it; None when it is not Flyte 1's."""
    match = _REQUIREMENT.match(requirement)
    if match is None or not is_flyte1(match["name"]):
        return None
    name, version = normalized(match["name"]), (match["version"] or "").strip()
    new = distribution(name)
    end = match.start() + len(match[0].rstrip())
    if not new:
        return Replacement("", "", name, why=WITHOUT.get(name, "") or "no package of Flyte 2 takes its place"), end
    dropped = f"{(match['extras'] or '').strip()}{version}"
    return Replacement(new, version_for(version), name, dropped), end
