"""FB3xx: task settings, environments, images, resources, cache, secrets, launch plans, schedules."""

from __future__ import annotations

from flyte_bridge_translators.findings import Code

CODES: tuple[Code, ...] = ()
