"""FB6xx: what lies around the source of a project."""

from __future__ import annotations

from flyte_bridge_translators.findings import Code, Severity

CODES = (
    Code(
        "FB601",
        "text speaks of Flyte 1",
        Severity.NOTE,
        "Prose or a comment of this file names Flyte 1. Nothing that runs depends on it, so it was left alone.",
        "Bring it up to date when the conversion is merged.",
    ),
    Code(
        "FB602",
        "file names Flyte 1 and was not converted",
        Severity.CHECK,
        "The file names Flyte 1 outside the places that are converted in its format, or its format is not read at all.",
        "Look at the lines that are named, and change by hand what is used.",
    ),
    Code(
        "FB603",
        "lock file names Flyte 1",
        Severity.CHECK,
        "A lock file is made from the requirements, so it is not edited.",
        "Lock again, with your own tool, once the requirements are converted.",
    ),
    Code(
        "FB604",
        "binary file names Flyte 1",
        Severity.CHECK,
        "The file holds Flyte 1's names and is no text: a package, an archive, a pickle. It was left as it is.",
        "Build it again from the converted source.",
    ),
    Code(
        "FB605",
        "Python text runs a command of Flyte 1",
        Severity.CHECK,
        "A string of this module holds `pyflyte` or `flytectl`, as a program that runs them has it. Strings are not rewritten.",
        "Change it as docs/projects.md says for the same command in a shell script.",
    ),
    Code(
        "FB606",
        "cell is not Python",
        Severity.HAND,
        "A cell of the notebook names Flyte 1 and is no Python: a cell magic whose body is another language or a file, or a cell "
        "that does not parse. It was left as it is.",
        "Convert the cell by hand.",
    ),
    Code(
        "FB607",
        "notebook cannot be read",
        Severity.ERROR,
        "The file is no notebook of nbformat 4 in Python, so nothing in it was touched.",
        "Open it in Jupyter and save it again, or leave it out of the paths.",
    ),
    Code(
        "FB610",
        "command without a counterpart",
        Severity.HAND,
        "No command of Flyte 2 does what this command of `pyflyte` or `flytectl` does.",
        "Do what the message says; `flyte-bridge pyflyte` and `flyte-bridge serve` keep the command as it is in the meantime.",
    ),
    Code(
        "FB611",
        "option without a counterpart",
        Severity.HAND,
        "The command has a counterpart, but not with this option, operand or value, so the whole line was left alone.",
        "Do what the message says, and write the command's counterpart without it; docs/projects.md has the table.",
    ),
    Code(
        "FB612",
        "command that is not certain",
        Severity.HAND,
        "What this command line means depends on something that was not proved: a variable, a file that was not converted, a name "
        "of another project, a program that runs it. It was left alone.",
        "Write its counterpart by hand; docs/projects.md has the table.",
    ),
    Code(
        "FB613",
        "command does something else now",
        Severity.CHECK,
        "The command was rewritten, and part of it does not mean quite the same.",
        "Read the message, and see whether it matters here.",
    ),
    Code(
        "FB620",
        "package without a counterpart",
        Severity.HAND,
        "No package of Flyte 2 takes the place of this one, so the requirement was left as it is.",
        "Remove it when the code no longer needs it, or require what the code uses instead.",
    ),
    Code(
        "FB621",
        "version of Flyte 1 replaced",
        Severity.NOTE,
        "A version, range or extra of a Flyte 1 package says nothing of Flyte 2's. A pinned version became the release that the "
        "conversion was written for, a range became that release or a later one of the same major version.",
        "Pin what you test with, and lock again.",
    ),
    Code(
        "FB622",
        "package that has to be moved by hand",
        Severity.HAND,
        "The requirement stands where it cannot be rewritten: in code, or where another package manager reads it.",
        "Write what the message says.",
    ),
    Code(
        "FB623",
        "package that came with flytekit",
        Severity.NOTE,
        "The project imports a package that nobody required, since flytekit brought it. flyte does not, so it was "
        "added to the list.",
        "Pin it as you pin others.",
    ),
)
