"""A command line of Flyte 1, word by word: what takes its place, or why nothing does.

Only what is proved is rewritten: every option is known, and every name and file of the project is one that was converted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from flyte_bridge_translators.project import rows
from flyte_bridge_translators.project.rows import GLOBAL, PLURALS, REGISTER, ROWS, RUN, Option
from flyte_bridge_translators.project.shell import Word
from flyte_bridge_translators.source.engine.entities import Facts, Kind
from flyte_bridge_translators.source.engine.naming import NO_NAMES, RenameTable

DEFAULT_PLACE = ("--project", "-p", "flytesnacks"), ("--domain", "-d", "development")
"""What pyflyte takes where nothing is said; Flyte 2 asks its configuration."""


@dataclass(frozen=True)
class Project:
    """What command lines may name.

    Attributes:
        files: Path of each module, from the name of the project's root on → its facts.
        names: What is called how in Flyte 2.
        imports: Every module that is imported, as dotted names.
    """

    files: Mapping[str, Facts] = field(default_factory=dict)
    names: RenameTable = NO_NAMES
    imports: frozenset[str] = frozenset()

    @cached_property
    def enums(self) -> frozenset[str]:
        """The names of its enums, without their modules."""
        return frozenset(name.rpartition(".")[2] for facts in self.files.values() for name in facts.enums)

    def module(self, path: str) -> Facts | None:
        """The facts of the file that a path means, from wherever the command runs; None when it is not certain."""
        plain = PurePosixPath(path).as_posix()
        at_root = [facts for name, facts in self.files.items() if name.partition("/")[2] == plain]
        meant = at_root or [facts for name, facts in self.files.items() if f"/{name}".endswith(f"/{plain}")]
        return meant[0] if len(meant) == 1 else None

    def has_directory(self, path: str) -> bool:
        """Whether a path may be a directory of the project with modules in it."""
        plain = PurePosixPath(path).as_posix()
        return plain == "." or any(f"/{plain}/" in f"/{name}" for name in self.files)


class Refused(Exception):
    """Nothing takes the place of a command line, or it is not certain what does: the finding's code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class Line:
    """A command line under translation.

    Attributes:
        words: Its words, the program first.
        edits: Start, end and text of each replacement.
        remarks: Code and message of what changes.
    """

    words: Sequence[Word]
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)

    def write(self, index: int, text: str) -> None:
        """Another word in the place of one."""
        word = self.words[index]
        if text == word.raw:
            return
        self.edits.append((word.start, word.end, text))

    def drop(self, index: int) -> None:
        """A word goes, and the space before it."""
        self.edits.append((self.words[index - 1].end, self.words[index].end, ""))

    def add(self, index: int, text: str) -> None:
        """More words after one."""
        end = self.words[index].end
        self.edits.append((end, end, f" {text}"))


def translated(words: Sequence[Word], project: Project) -> Line:
    """What a command line of `pyflyte` or `flytectl` is in Flyte 2.

    Args:
        words: Its words, the program first.
        project: What it may name.

    Raises:
        Refused: Nothing takes its place, or it is not certain what does.
    """
    line = Line(words)
    program = PurePosixPath(words[0].value or "").name
    line.write(0, "flyte")
    at = _options(line, 1, GLOBAL[program], program)
    name = _value(line, at) if at < len(words) else ""
    if program == "pyflyte" and name in _WITH_MORE:
        _WITH_MORE[name](line, at, project)
        return line
    if program == "flytectl" and name == "update":
        _update(line, at, project)
        return line
    if not name:
        return line
    _by_table(line, at, program, project)
    return line


def _value(line: Line, index: int) -> str:
    """A word whose value must be known."""
    if index >= len(line.words):
        return ""
    value = line.words[index].value
    if value is None:
        raise Refused("FB612", f"`{line.words[index].raw}` may hold anything")
    return value


def _options(line: Line, at: int, known: Mapping[str, Option], command: str) -> int:
    """Translates options from a word on; the first word that is none."""
    while at < len(line.words):
        value = line.words[at].value
        raw = line.words[at].raw
        name, has_value, given = raw.partition("=")
        if value is None and not raw.startswith("-"):
            if line.words[at].is_one:
                return at
            raise Refused("FB612", f"`{raw}` may hold options")
        if not raw.startswith("-") or raw == "-":
            return at
        option = known.get(name)
        if option is None and value in {"--help", "-h", "--version"}:
            option = Option(value, takes=False)
        if option is None:
            raise Refused("FB612", f"`{name}` is no option of `{command}` that is known")
        if option.new is None:
            raise Refused(
                "FB611", f"`{name}` of `{command}` has no counterpart{f': {option.why}' if option.why else ''}"
            )
        takes_next = option.takes and not has_value
        if takes_next and at + 1 >= len(line.words):
            raise Refused("FB612", f"`{name}` has no value")
        if option.why:
            line.remarks.append(("FB613", f"`{name}` goes: {option.why}"))
        if not option.new:
            line.drop(at)
            if takes_next:
                line.drop(at + 1)
        elif has_value:
            new = option.values.get(given, given)
            line.write(at, f"{option.new}={new}")
        else:
            line.write(at, option.new)
            if takes_next and line.words[at + 1].value in option.values:
                line.write(at + 1, option.values[line.words[at + 1].value or ""])
        at += 2 if takes_next else 1
    return at


def _by_table(line: Line, at: int, program: str, project: Project) -> None:
    """A command whose row says everything."""
    nouns = [line.words[index].value or "" for index in range(at, min(at + 2, len(line.words)))]
    if program == "flytectl":
        nouns = [noun.removesuffix("s") if noun.removesuffix("s") in PLURALS else noun for noun in nouns]
        nouns = ["demo" if noun == "sandbox" else noun for noun in nouns]
    key = next((key for size in (2, 1) if (key := (program, *nouns[:size])) in ROWS), None)
    called = " ".join((program, *nouns))
    if key is None:
        raise Refused("FB610", f"`{called}` has no counterpart")
    row = ROWS[key]
    if not row.new:
        raise Refused("FB610", f"`{' '.join(key)}` has no counterpart: {row.why}")
    size = len(key) - 1
    for index, word in enumerate(row.new[:size]):
        line.write(at + index, word if index < size - 1 else " ".join(row.new[index:]))
    for index in range(len(row.new), size):
        line.drop(at + index)
    after = at + size
    operands = 0
    while True:
        after = _options(line, after, row.options, called)
        if after >= len(line.words):
            return
        operands += 1
        if operands > row.most:
            raise Refused("FB612", f"`{line.words[after].raw}` is not understood after `{called}`")
        if row.names == "task":
            line.write(after, _renamed(_value(line, after), project))
        after += 1


def _renamed(name: str, project: Project) -> str:
    new = project.names.entities.get(name)
    if new is None:
        raise Refused("FB612", f"`{name}` is no entity of this project, so its Flyte 2 name is not known")
    return new


def _run(line: Line, at: int, project: Project) -> None:
    """`pyflyte run`."""
    file = _options(line, at + 1, RUN, "pyflyte run")
    before = {word.raw.partition("=")[0] for word in line.words[at + 1 : file]}
    remote = bool(before & {"-r", "--remote"})
    target = _value(line, file) if file < len(line.words) else ""
    if target in {"remote-task", "remote-workflow"}:
        _deployed(line, file, project)
        remote = True
    elif target == "remote-launchplan":
        raise Refused(
            "FB610", "a launch plan is a trigger, which no command starts: flyte.run(flyte.remote.Trigger.get(...))"
        )
    elif target:
        facts = project.module(target)
        if facts is None:
            raise Refused("FB612", f"`{target}` is no file of this conversion, so it is not known what it runs")
        if file + 1 < len(line.words):
            _entity(line, file + 1, facts, project)
    if not remote:
        line.add(at, "--local")
    else:
        _with_place(line, at, before)


def _with_place(line: Line, at: int, before: set[str]) -> None:
    """Says the project and domain that pyflyte took where nothing was said."""
    missing = [f"{option} {value}" for option, short, value in DEFAULT_PLACE if not before & {option, short}]
    if missing:
        line.add(at, " ".join(missing))


def _deployed(line: Line, at: int, project: Project) -> None:
    """`remote-task NAME[:VERSION]`."""
    line.write(at, "deployed-task")
    if at + 1 >= len(line.words):
        return
    name, _, version = _value(line, at + 1).partition(":")
    if version:
        raise Refused(
            "FB611", f"`{version}` is a version of Flyte 1: name one of `flyte get task`, or none for the latest"
        )
    line.write(at + 1, _renamed(name, project))
    rest = line.words[at + 2 :]
    if any((word.value or "").startswith("--no") for word in rest):
        raise Refused("FB612", "an input that is a flag")


def _entity(line: Line, at: int, facts: Facts, project: Project) -> None:
    """The task or workflow of a file, and its inputs."""
    name = _value(line, at)
    entity = facts.entities.get(f"{facts.module}.{name}")
    if entity is None:
        raise Refused("FB612", f"`{name}` is no task or workflow of that file by this name")
    if entity.kind in {Kind.LAUNCH_PLAN, Kind.REFERENCE, Kind.INSTANCE}:
        raise Refused("FB610", f"`{name}` is a {entity.kind.value}, which `flyte run` does not start")
    parameters = {each.name: each for each in entity.parameters}
    at += 1
    while at < len(line.words):
        raw = line.words[at].raw
        option, has_value, _ = raw.partition("=")
        if raw == "--help":
            at += 1
            continue
        if not re.fullmatch(r"--[A-Za-z_][\w-]*", option):
            raise Refused("FB612", f"`{raw}` is no input of `{name}` for certain")
        flag = re.fullmatch(r"--no[-_]([\w-]+)", option)
        own = option[2:] if option[2:] in parameters else flag[1].replace("-", "_") if flag else option[2:]
        parameter = parameters.get(own)
        if parameter is None:
            raise Refused("FB612", f"`{option}` is no input of `{name}`")
        if own != own.lower():
            raise Refused("FB611", f"`{own}` is an input with capitals, which `flyte run` does not take")
        kind = parameter.annotation or ""
        if kind.rpartition(".")[2] in project.enums:
            raise Refused("FB611", f"`{option}` is an enum: Flyte 1 takes a value, Flyte 2 the name of a member")
        if "bool" in kind and kind != "bool":
            raise Refused("FB612", f"`{option}` may be a flag, or take a value")
        if kind == "bool":
            if option != f"--{own}":
                _negated(line, at, parameter.default == "True", own)
            at += 1
        else:
            at += 1 if has_value else 2
    if at > len(line.words):
        raise Refused("FB612", f"`{line.words[-1].raw}` has no value")


def _negated(line: Line, at: int, is_true: bool, name: str) -> None:
    """`--no-flag` of an input that is a bool; it is false by itself where nothing else is its default."""
    if is_true:
        line.write(at, f"--no-{name}")
    else:
        line.drop(at)


def _register(line: Line, at: int, project: Project) -> None:
    """`pyflyte register`."""
    path = _options(line, at + 1, REGISTER, "pyflyte register")
    before = {word.raw.partition("=")[0] for word in line.words[at + 1 : path]}
    line.write(at, "deploy")
    if path >= len(line.words):
        raise Refused("FB612", "it names no file or directory")
    target = _value(line, path)
    if path + 1 < len(line.words):
        after = _options(line, path + 1, REGISTER, "pyflyte register")
        if after < len(line.words):
            raise Refused("FB611", "`flyte deploy` takes one path: one command for each")
        raise Refused("FB611", "options of `flyte deploy` stand before the path")
    if project.module(target) is not None:
        line.add(at, "--all")
    elif project.has_directory(target):
        line.add(at, "--all --recursive")
    else:
        raise Refused("FB612", f"`{target}` is no file or directory of this conversion")
    if "--non-fast" in before and not before & {"-v", "--version"}:
        raise Refused("FB611", "`--copy-style none` wants a --version")
    if before & {"--skip-error", "--skip-errors"}:
        line.remarks.append(("FB613", "files that do not load are passed over; what does not deploy is an error"))
    _with_place(line, at, before)


def _build(line: Line, at: int, project: Project) -> None:
    """`pyflyte build`: the images of a file."""
    file = _options(line, at + 1, {}, "pyflyte build")
    if file >= len(line.words) or project.module(_value(line, file)) is None:
        raise Refused("FB612", "it is not known which file is built")
    line.add(at, "--all")
    for index in range(file + 1, len(line.words)):
        line.drop(index)


def _execution(line: Line, at: int, project: Project) -> None:
    """`pyflyte execution -p P -d D --execution-id ID recover` (or relaunch)."""
    del project
    known = {**rows.PLACE, "--execution-id": Option("")}
    verb = _options(Line(line.words), at + 1, known, "pyflyte execution")
    what = _value(line, verb) if verb < len(line.words) else ""
    words = line.words[at + 1 : verb]
    values = [word.raw for word in words]
    if what not in {"recover", "relaunch"} or verb + 1 != len(line.words) or "--execution-id" not in values:
        raise Refused("FB612", "it is not certain what is done to which execution")
    index = at + 1 + values.index("--execution-id")
    line.write(at, "rerun")
    if what == "recover":
        line.write(index, "--recover")
    else:
        line.drop(index)
    line.drop(verb)
    line.remarks.append(("FB613", "the run is one of Flyte 2"))


def _launchplan(line: Line, at: int, project: Project) -> None:
    """`pyflyte launchplan --activate NAME`."""
    known = {**rows.PLACE, **{name: Option(name, takes=False) for name in ("--activate", "--deactivate")}}
    name = _options(line, at + 1, known, "pyflyte launchplan")
    line.write(at, "update trigger")
    _trigger(line, name, project)
    if name + 1 < len(line.words):
        raise Refused("FB611", "a trigger has one version, the one that was deployed last")


def _trigger(line: Line, at: int, project: Project) -> None:
    plan = project.names.launch_plans.get(_value(line, at))
    if plan is None:
        raise Refused("FB612", f"`{_value(line, at)}` is no launch plan of this project, so its trigger is not known")
    line.write(at, f"{plan.trigger} {plan.task}")


def _update(line: Line, at: int, project: Project) -> None:
    """`flytectl update launchplan NAME --version V --activate`, `flytectl update project -p ID --archive`."""
    what = (_value(line, at + 1) if at + 1 < len(line.words) else "").removesuffix("s")
    flags = {name: Option(name, takes=False) for name in ("--activate", "--deactivate")}
    why = "a trigger has one version, the one that was deployed last"
    if what == "launchplan":
        known = {**rows.CTL, **flags, "--version": Option("", why=why)}
        name = _options(line, at + 2, known, "flytectl update launchplan")
        line.write(at + 1, "trigger")
        _trigger(line, name, project)
        if _options(line, name + 1, known, "flytectl update launchplan") < len(line.words):
            raise Refused("FB612", "it is not certain which launch plan is meant")
        return
    if what == "project":
        known = {
            **_kept("-p --project --id --name --description"),
            **_flags("--archive --archiveProject", "--archive"),
            **_flags("--activate --activateProject", "--unarchive"),
        }
        line.write(at + 1, "project")
        if _options(line, at + 2, known, "flytectl update project") < len(line.words):
            raise Refused("FB612", "it is not certain which project is meant")
        for index, word in enumerate(line.words[:-1]):
            if word.raw in {"-p", "--project", "--id"}:
                line.drop(index)
                return
    raise Refused("FB610", f"`flytectl update {what}` has no counterpart")


def _kept(names: str) -> dict[str, Option]:
    return {name: Option(name) for name in names.split()}


def _flags(names: str, new: str) -> dict[str, Option]:
    return {name: Option(new, takes=False) for name in names.split()}


_WITH_MORE: Mapping[str, Callable[[Line, int, Project], None]] = {
    "build": _build,
    "execution": _execution,
    "launchplan": _launchplan,
    "register": _register,
    "run": _run,
}
"""Commands of pyflyte that a table does not say."""
