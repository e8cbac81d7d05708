"""A file of a project, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from flyte_bridge_translators import source as flyte1_source
from flyte_bridge_translators.source.engine.entities import Facts
from flyte_bridge_translators.source.engine.translator import Context, Options, Outcome

IGNORED = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"})
"""Directories that hold no source of the user's; hidden ones are passed over too."""


NOTEBOOK = ".ipynb"
"""How the name of a notebook ends."""


@dataclass(frozen=True)
class File:
    """A file of the project.

    Attributes:
        path: Where it is, as the user would write it.
        root: The path argument it was found through: the file itself, or the directory.
        name: Its dotted module name.
        is_module: Whether it is Python that can be imported; else it is converted as its format has it.
        moved: The packages of the project, below folders that are none, that it imports from the root.
    """

    path: Path
    root: Path
    name: str
    is_module: bool = True
    moved: frozenset[str] = frozenset()

    @property
    def is_notebook(self) -> bool:
        """Whether it is a Jupyter notebook."""
        return self.path.suffix == NOTEBOOK

    @property
    def package(self) -> str:
        """The package relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @property
    def home(self) -> Path:
        """The directory its imports are looked up from: two of them may hold modules of one name."""
        return self.root.parent if self.root == self.path else self.root

    @property
    def relative(self) -> Path:
        """Where it goes below an output directory."""
        return Path(self.path.name) if self.root == self.path else self.path.relative_to(self.root)


def module_name(path: Path, root: Path) -> str:
    """The dotted name a file is imported by: from the outermost folder that has an `__init__.py`, else from the root."""
    top = path.parent
    if (top / "__init__.py").exists():
        while (top.parent / "__init__.py").exists() and top.parent != top:
            top = top.parent
        base = top.parent
    else:
        base = root
    try:
        parts = list(path.absolute().relative_to(base.absolute()).with_suffix("").parts)
    except ValueError:
        parts = [path.stem]
    if path.suffix == NOTEBOOK:  # nobody imports it; its name may be that of a module beside it
        parts[-1] = re.sub(r"\W", "_", parts[-1]) + ("_notebook" if path.with_suffix(".py").exists() else "")
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
"""What lies in the root of a project."""


def place(file: File) -> str:
    """A file's path below its project's root, with dots, whichever way to it was given: environments are called after it.

    A file of a package is called as it is imported. Another one is called after its path below the nearest directory above it
    that has one of `MARKERS`, else below the directory one works in, else below the path that was given; `src` is left out.
    """
    path = file.path.absolute()
    if (path.parent / "__init__.py").exists():
        return file.name
    root = _project_root(path.parent)
    here = Path.cwd()
    if root is None:
        root = here if path.is_relative_to(here) else file.home.absolute()
    name = module_name(path, root)
    return name.removeprefix("src.")


@cache
def _project_root(folder: Path) -> Path | None:
    if any((folder / marker).exists() for marker in MARKERS):
        return folder
    return _project_root(folder.parent) if folder.parent != folder else None


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


@dataclass(frozen=True)
class Contexts:
    """What each file is told of the project: modules of its own home first, then those of the others.

    Attributes:
        shared: Of every name, the first module.
        own: Home → context, for the homes where a name means another module than the first.
    """

    shared: Context
    own: Mapping[Path, Context] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Sequence[File], facts: Sequence[Facts], options: Options) -> Contexts:
        """The contexts of a project.

        Args:
            files: Its files.
            facts: Those of each file, in the same order.
            options: The user's choices.
        """
        first: dict[str, Facts] = {}
        homes: dict[Path, dict[str, Facts]] = {}
        for file, known in zip(files, facts, strict=True):
            if first.setdefault(file.name, known) is not known:
                homes.setdefault(file.home, {})[file.name] = known
        own = {home: flyte1_source.context({**first, **theirs}, options) for home, theirs in homes.items()}
        return cls(flyte1_source.context(first, options), own)

    def __call__(self, file: File) -> Context:
        """What a file is told."""
        return self.own.get(file.home, self.shared)
