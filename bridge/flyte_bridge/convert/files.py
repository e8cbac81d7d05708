"""A file of a project, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flyte_bridge_translators.source.translator import Outcome


@dataclass(frozen=True)
class File:
    """A file of the project.

    Attributes:
        path: Where it is, as the user would write it.
        root: The path argument it was found through: the file itself, or the directory.
        name: Its dotted module name.
    """

    path: Path
    root: Path
    name: str

    @property
    def package(self) -> str:
        """The package relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @property
    def relative(self) -> Path:
        """Where it goes below an output directory."""
        return Path(self.path.name) if self.root == self.path else self.path.relative_to(self.root)


@dataclass(frozen=True)
class FileResult:
    """What became of one file.

    Attributes:
        file: The file.
        outcome: Converted, unchanged or failed, each with findings.
        before: Its text (undecodable bytes replaced), for diffs.
        data: The bytes to write, when it was converted.
    """

    file: File
    outcome: Outcome
    before: str = ""
    data: bytes | None = None
