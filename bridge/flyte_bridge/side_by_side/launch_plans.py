"""The launch plan that a user means, found on a side."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl.admin import common_pb2
from flyteidl.core import identifier_pb2

from ..errors import NotFound, UsageError

if TYPE_CHECKING:
    from flyteidl.admin import launch_plan_pb2

    from ..config import Settings
    from .control_plane import ControlPlane


@dataclass(frozen=True)
class LaunchPlanName:
    """A launch plan as a user writes it; without a version it is the active one, else the newest."""

    project: str
    domain: str
    name: str
    version: str = ""

    @classmethod
    def read(cls, text: str, settings: Settings) -> LaunchPlanName:
        """`[PROJECT/DOMAIN/]NAME[:VERSION]`.

        Raises:
            UsageError: It is written otherwise.
        """
        *place, rest = text.split("/", 2) if text.count("/") >= 2 else [text]
        name, _, version = rest.partition(":")
        if not name or not all(place) or "/" in name:
            raise UsageError(
                f"{text!r} names no launch plan: write NAME, NAME:VERSION or PROJECT/DOMAIN/NAME[:VERSION]"
            )
        project, domain = place or (settings.project, settings.domain)
        return cls(project, domain, name, version)

    def at(self, version: str) -> identifier_pb2.Identifier:
        """The identifier of one version."""
        return identifier_pb2.Identifier(
            resource_type=identifier_pb2.LAUNCH_PLAN,
            project=self.project,
            domain=self.domain,
            name=self.name,
            version=version,
        )

    def __str__(self) -> str:
        """As a user writes it."""
        return f"{self.project}/{self.domain}/{self.name}" + (f":{self.version}" if self.version else "")


async def find(plane: ControlPlane, wanted: LaunchPlanName) -> launch_plan_pb2.LaunchPlan:
    """The launch plan on a side.

    Raises:
        UsageError: There is none, or not of that version; the message says what there is.
        StatusError: The control plane fails.
    """
    if wanted.version:
        try:
            return await plane.launch_plan(wanted.at(wanted.version))
        except NotFound:
            known = [plan.id.version for plan in await _versions(plane, wanted)]
            if known:
                raise UsageError(
                    f"{plane.name} has no version {wanted.version!r} of launch plan {wanted.name}; the newest are "
                    f"{', '.join(known[:5])}. Register it there, or import it"
                ) from None
            raise await _unknown(plane, wanted) from None
    named = common_pb2.NamedEntityIdentifier(project=wanted.project, domain=wanted.domain, name=wanted.name)
    try:
        return await plane.active_launch_plan(named)
    except NotFound:
        versions = await _versions(plane, wanted)
    if not versions:
        raise await _unknown(plane, wanted)
    return versions[0]


async def _versions(plane: ControlPlane, wanted: LaunchPlanName) -> list[launch_plan_pb2.LaunchPlan]:
    named = common_pb2.NamedEntityIdentifier(project=wanted.project, domain=wanted.domain, name=wanted.name)
    return await plane.launch_plans(named)


async def _unknown(plane: ControlPlane, wanted: LaunchPlanName) -> UsageError:
    domain = common_pb2.NamedEntityIdentifier(project=wanted.project, domain=wanted.domain)
    names = {plan.id.name for plan in await plane.launch_plans(domain)}
    near = difflib.get_close_matches(wanted.name, names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(names)[:10]) or 'none'}"
    return UsageError(f"{plane.name} has no launch plan {wanted.name!r} in {wanted.project}/{wanted.domain}{hint}")
