"""Commands that install packages: `pip install flytekit` is `pip install flyte`."""

from __future__ import annotations

from collections.abc import Sequence

from flyte_bridge_translators.project.command_lines import Line, Refused
from flyte_bridge_translators.project.requirement import normalized, replacement
from flyte_bridge_translators.project.shell import Word

INSTALLERS: Sequence[tuple[str, ...]] = (
    ("pip", "install"),
    ("pip3", "install"),
    ("python", "-m", "pip", "install"),
    ("python3", "-m", "pip", "install"),
    ("uv", "pip", "install"),
    ("uv", "add"),
    ("uv", "tool", "install"),
    ("pipx", "install"),
    ("poetry", "add"),
    ("pdm", "add"),
    ("conda", "install"),
    ("mamba", "install"),
)
"""The words that begin such a command."""


def is_install(words: Sequence[Word]) -> bool:
    """Whether a command installs packages that it names."""
    return any(tuple(word.value for word in words[: len(known)]) == known for known in INSTALLERS)


def translated(words: Sequence[Word]) -> Line:
    """The command with Flyte 2's packages in the place of Flyte 1's.

    Raises:
        Refused: A package has no counterpart, or its version is not known before the command runs.
    """
    line = Line(words)
    conda = words[0].value in {"conda", "mamba"}
    seen: set[str] = set()
    for index, word in enumerate(words):
        value = word.value if word.value is not None else word.raw.strip("\"'")
        new = replacement(value)
        if new is None:
            continue
        replaced, end = new
        if word.value is None:
            raise Refused("FB612", f"`{word.raw}` may be any version: write one of {replaced.name or 'Flyte 2'}")
        if not replaced.name:
            raise Refused("FB620", f"{replaced.was}: {replaced.why}")
        if conda:
            raise Refused(
                "FB622", f"{replaced.was} is installed with conda: flyte is on PyPI, pip install {replaced.text}"
            )
        if normalized(replaced.name) in seen:
            line.drop(index)
            continue
        seen.add(normalized(replaced.name))
        quote = word.raw[0] if word.raw[0] in "\"'" else '"' if replaced.version.startswith(">") else ""
        line.write(index, f"{quote}{replaced.text}{value[end:]}{quote}")
        if replaced.dropped:
            line.remarks.append(("FB621", f"{replaced.was}{replaced.dropped} is {replaced.text} now"))
    return line
