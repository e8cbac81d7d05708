"""FB5xx: verification."""

from __future__ import annotations

from flyte_bridge_translators.findings import Code

CODES: tuple[Code, ...] = ()
