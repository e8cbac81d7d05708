"""The table of names that a conversion writes: what was called so in Flyte 1 is called otherwise in Flyte 2."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> dict[str, str]:
    """Names of Flyte 1 → names of Flyte 2.

    Args:
        path: What `flyte-bridge convert --json` prints, or its object `renames` alone.

    Raises:
        SourceError: It cannot be read, or has no such table.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except ValueError as error:
        raise SourceError(str(path), f"no JSON: {error}") from None
    table = document.get("renames", document) if isinstance(document, dict) else None
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in table.values()):
        raise SourceError(str(path), "has no table of names: write what `flyte-bridge convert --json` prints to a file")
    return {str(old): str(new) for old, new in table.items()}
