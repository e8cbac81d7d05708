"""Source trees and copies of them in which some modules are converted."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Set


@dataclass(frozen=True)
class Pair:
    """A Flyte 1 source tree and its conversion.

    Attributes:
        v1: The directory that Flyte 1's modules are imported from.
        v2: The directory that the converted modules of the same names are imported from.
        modules: The dotted names of the modules to verify.
    """

    v1: pathlib.Path
    v2: pathlib.Path
    modules: tuple[str, ...]


@dataclass(frozen=True)
class NewText:
    """A module's new text.

    Attributes:
        path: The Flyte 1 file, which stays as it is.
        name: The dotted name it is imported by.
        data: The conversion.
    """

    path: pathlib.Path
    name: str
    data: bytes

    @property
    def root(self) -> pathlib.Path:
        """The directory it is imported from."""
        place = self.path.absolute()
        return place.parents[len(self.name.split(".")) - (0 if place.name == "__init__.py" else 1)]


@contextlib.contextmanager
def staged(changes: Iterable[NewText]) -> Iterator[list[Pair]]:
    """Pairs of source trees and copies of them in which some modules are converted.

    A copy links to whatever is not converted, so data beside a module is found and nothing is written to the user's
    tree.

    Args:
        changes: The converted modules.

    Yields:
        One pair per directory that modules are imported from; the copies are gone afterwards.
    """
    trees: dict[pathlib.Path, list[NewText]] = {}
    for change in changes:
        trees.setdefault(change.root, []).append(change)
    with tempfile.TemporaryDirectory(prefix="flyte-bridge-") as place:
        pairs = []
        for number, (root, changed) in enumerate(trees.items()):
            copy = pathlib.Path(place).resolve() / str(number)
            texts = {copy / change.path.absolute().relative_to(root): change.data for change in changed}
            _link(root, copy, texts.keys(), {folder for path in texts for folder in path.parents})
            for path, data in texts.items():
                path.write_bytes(data)
            pairs.append(Pair(root, copy, tuple(change.name for change in changed)))
        yield pairs


def _link(source: pathlib.Path, copy: pathlib.Path, written: Set[pathlib.Path], own: Set[pathlib.Path]) -> None:
    """Link a directory's entries, except for files that will be written and the directories they are in."""
    copy.mkdir()
    for entry in source.iterdir():
        target = copy / entry.name
        if target in own:
            _link(entry, target, written, own)
        elif target not in written and entry.name != "__pycache__":
            target.symlink_to(entry, target_is_directory=entry.is_dir())
