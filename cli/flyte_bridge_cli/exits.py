"""What the command's exit codes mean: each one thing, whatever the verb."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """An exit code."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BY_HAND = 3
    NOT_CONVERTED = 4
    DIFFERENT = 5
    WOULD_CHANGE = 6
    NOT_COMPARABLE = 7
    NOT_RUNNING = 8
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What it says, in a few words."""
        return MEANINGS[self]


MEANINGS = {
    Exit.DONE: "done; nothing is left, nothing differs",
    Exit.FAILED: "it failed, or what it ran did; standard error says what and what to do next",
    Exit.USAGE: "the command line, or a file that it names, is wrong",
    Exit.BY_HAND: "converted, but something is left to do by hand: look for TODO(flyte-bridge FBnnn)",
    Exit.NOT_CONVERTED: "a file could not be converted; the others were",
    Exit.DIFFERENT: "two sides were run and differ",
    Exit.WOULD_CHANGE: "--check: files would change",
    Exit.NOT_COMPARABLE: "two sides cannot be compared: not there, not ended, out of reach",
    Exit.NOT_RUNNING: "no embedded backend runs",
    Exit.INTERRUPTED: "Ctrl-C; what was done is kept",
}
"""Of every code."""


def epilog(*codes: Exit) -> str:
    """What a verb's help says of the codes it has."""
    return "\b\nExit codes:\n" + "\n".join(f"  {code.value}  {code.meaning}" for code in codes)
