"""Names that Flyte 1's documentation imports and flytekit 1.16 does not have, or not there.

See the table in `documented`. `add` changes flytekit's modules, so only `hook` calls it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import flytekit
import flytekit.configuration
import flytekit.models.core.types
import flytekit.models.types
from flytekit.constants import CopyFileDetection as Known
from flytekit.tools import fast_registration
from flytekit.tools.ignore import Ignore
from flytekit.types.file import FlyteFile


class CopyFileDetection(Enum):
    """Which files a fast registration takes along: flytekit's ways, and the documented one."""

    LOADED_MODULES = Known.LOADED_MODULES.value
    ALL = Known.ALL.value
    NO_COPY = Known.NO_COPY.value
    TOP_LEVEL_ONLY = "top-level-only"


@dataclass(frozen=True)
class FastPackageOptions(fast_registration.FastPackageOptions):  # type: ignore[misc]
    """flytekit's options, with the documented ones.

    Attributes:
        top_level_packages: Names of the packages and modules to take along, of those that lie in the source directory
            itself; all of them if empty.
    """

    ignores: list[type[Ignore]] = field(default_factory=list)
    copy_style: Any = None
    top_level_packages: tuple[str, ...] | list[str] = ()

    def __post_init__(self) -> None:
        """Says it in flytekit's words: all files, less those that are not meant."""
        style = self.copy_style
        if isinstance(style, CopyFileDetection) and style is not CopyFileDetection.TOP_LEVEL_ONLY:
            object.__setattr__(self, "copy_style", Known(style.value))
        flat = style is CopyFileDetection.TOP_LEVEL_ONLY
        if not flat and not self.top_level_packages:
            return
        kept = frozenset(self.top_level_packages)

        class Others(Ignore):  # type: ignore[misc]
            """Everything that is not meant."""

            def _is_ignored(self, path: str) -> bool:
                parts = Path(path).parts
                if not parts or parts == (".",):
                    return False
                if flat and (len(parts) > 1 or Path(self.root, path).is_dir()):
                    return True
                return bool(kept) and parts[0] not in kept and Path(parts[0]).stem not in kept

        object.__setattr__(self, "ignores", [*self.ignores, Others])
        if flat or self.copy_style is None:
            object.__setattr__(self, "copy_style", Known.ALL)


def add() -> None:
    """Puts the documented names where the documentation imports them from; what flytekit has stays."""
    for module, name, value in (
        (flytekit, "FlyteFile", FlyteFile),
        (flytekit.models.core.types, "SimpleType", flytekit.models.types.SimpleType),
        (flytekit.configuration, "FastPackageOptions", FastPackageOptions),
        (flytekit.configuration, "CopyFileDetection", CopyFileDetection),
    ):
        if not hasattr(module, name):
            setattr(module, name, value)
