"""FB1xx: files, names and imports."""

from __future__ import annotations

from flyte_bridge_translators.findings import Code, Severity

CODES = (
    Code(
        "FB101",
        "file does not parse",
        Severity.ERROR,
        "The file is not Python that the installed LibCST can parse, so nothing in it was touched.",
        "Fix the syntax (or the encoding declaration) and convert again.",
    ),
    Code(
        "FB102",
        "file cannot be read",
        Severity.ERROR,
        "The file is unreadable, is not in the encoding it declares, or is a link that leads nowhere.",
        "Make it readable, or leave it out of the paths.",
    ),
    Code(
        "FB103",
        "Flyte 1 name left in place",
        Severity.HAND,
        "This name of flytekit has no counterpart that could be written for you, so the file still imports it.",
        "Replace it by hand; docs/concepts.md names the nearest thing in Flyte 2.",
    ),
    Code(
        "FB104",
        "name is bound twice",
        Severity.CHECK,
        "A name imported from flytekit is bound to something else in the same scope, so its uses were left alone.",
        "Rename one of the two and convert again.",
    ),
    Code(
        "FB105",
        "plugin without a counterpart",
        Severity.HAND,
        "This flytekit plugin has no package for Flyte 2.",
        "Use the library itself in a plain task, or write a connector.",
    ),
    Code(
        "FB106",
        "unexpected error in a translator",
        Severity.ERROR,
        "A translator failed on this file; the file was left as it is. This is a defect of flyte-bridge.",
        "Please report it with the file, if you can share it.",
    ),
    Code(
        "FB107",
        "entity is not at module level",
        Severity.HAND,
        "Flyte 2 finds environments as attributes of a module; a task or workflow defined inside a function or class is missed.",
        "Move the definition to module level and convert again.",
    ),
    Code(
        "FB108",
        "decorator stacked on a task",
        Severity.CHECK,
        "Another decorator sits between the function and the Flyte decorator. It is kept, in the same order.",
        "Make sure it uses `functools.wraps` and returns a coroutine function for an async one.",
    ),
    Code(
        "FB109",
        "line without a place",
        Severity.HAND,
        "A line that one rule adds beside this one found no place, since another rule wrote the lines around it anew.",
        "Write the line where its value is needed; its text is in the message.",
    ),
    Code(
        "FB110",
        "name without a definition",
        Severity.HAND,
        "The converted module uses this name before it binds it, or never binds it. Every conversion is read once more before it "
        "is written, and this could not be mended.",
        "Move the definition above its first use, or import the name.",
    ),
    Code(
        "FB111",
        "rule failed on a statement",
        Severity.HAND,
        "A rule of the converter failed on this statement, which was left as it was; the rest of the file is converted. This is a "
        "defect of flyte-bridge.",
        "Convert the statement by hand, and please report it, if you can share it.",
    ),
    Code(
        "FB190",
        "ignore without a finding",
        Severity.NOTE,
        "A comment `# flyte-bridge: ignore[FBnnn]` excuses a finding that is not here, or a code that does not exist.",
        "Remove the comment, or correct its code.",
    ),
)
