"""Which Python runs a task: images are names here, and a map says which virtual environment stands for which.

A key is an image as a template names it, with or without its tag, or a pattern (`*`, `?`); the value is a Python
executable or
a virtual environment, with directories for PYTHONPATH behind it if the image has code of its own:

```
ghcr.io/acme/train:1.2 = ~/venvs/train
ghcr.io/acme/*         = ~/venvs/acme/bin/python:~/src/acme
```

The exact name wins over the name without its tag, that one over the patterns, of which the longest wins. What nothing
matches
runs on the backend's own Python.
"""

from __future__ import annotations

import fnmatch
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flyte_bridge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Interpreter:
    """A Python that tasks can run on.

    Attributes:
        python: Its executable.
        path: Directories for PYTHONPATH.
    """

    python: Path
    path: tuple[str, ...] = ()

    @property
    def bin(self) -> Path:
        """Where its console scripts are."""
        return self.python.parent

    @property
    def ours(self) -> bool:
        """Whether it is the one that runs the backend."""
        return self.python == Path(sys.executable)


class Interpreters:
    """The map.

    Raises:
        ConfigError: An entry names no executable Python.
    """

    def __init__(self, mapping: Mapping[str, str] | None = None) -> None:
        path = tuple(entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry)
        self.default = Interpreter(Path(sys.executable), path)
        self._by_image = {image: _read(image, value) for image, value in (mapping or {}).items()}

    def for_image(self, image: str) -> Interpreter:
        """Return the Python that stands for an image."""
        for name in (image, _without_tag(image)):
            if name in self._by_image:
                return self._by_image[name]
        for pattern in sorted(self._by_image, key=len, reverse=True):
            if fnmatch.fnmatchcase(image, pattern):
                return self._by_image[pattern]
        return self.default


def _without_tag(image: str) -> str:
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def _read(image: str, value: str) -> Interpreter:
    first, *path = [str(Path(part).expanduser()) for part in value.split(os.pathsep) if part]
    python = Path(first)
    if python.is_dir():
        python = python / "bin" / "python"
    if not os.access(python, os.X_OK) or python.is_dir():
        raise ConfigError(
            f"image {image!r} is mapped to {value!r}, but {python} is no executable file; "
            "give a Python or a virtual environment"
        )
    return Interpreter(python.absolute(), tuple(path))
