"""A conversion as commits on a branch of its own: one per module, and one for what lies around them.

Everything is made with git's plumbing on an index of its own, and the branch is set at the very end: the working tree, its index
and the branch one is on are never touched, so an interrupted run leaves nothing behind but unreachable objects. Nothing is pushed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess  # nosec B404 - git
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from flyte_bridge import __version__
from flyte_bridge.convert.files import FileResult
from flyte_bridge.convert.project import ProjectResult
from flyte_bridge.errors import UsageError
from flyte_bridge_translators.findings import Finding
from flyte_bridge_translators.source.engine.translator import Converted
from flyte_bridge_translators.source.vocabulary import VERSION


@dataclass(frozen=True)
class Commit:
    """One commit that was made.

    Attributes:
        sha: Its object name.
        subject: Its first line.
        paths: What it changes, below the repository's root.
    """

    sha: str
    subject: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """What the messages tell.

    Attributes:
        findings: Of each file, by the path of its result, what is reported.
        proofs: Of each workflow, by its Flyte 1 name, what verification came to, in one line.
        more: Other files that go with the last commit: path → content.
    """

    findings: Mapping[Path, Sequence[Finding]] = field(default_factory=dict)
    proofs: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[Path, bytes] = field(default_factory=dict)


class Repository:
    """The git repository that holds a project, with an index of our own."""

    def __init__(self, inside: Path, index: Path) -> None:
        """Finds it.

        Raises:
            UsageError: There is no git, or no repository.
        """
        self._folder = inside if inside.is_dir() else inside.parent
        self._index = index
        if shutil.which("git") is None:
            raise UsageError("--commit needs git, which is not on the PATH")
        self.root = Path(os.path.realpath(self.git("rev-parse", "--show-toplevel")))

    def git(self, *arguments: str, data: bytes | None = None, own_index: bool = False) -> str:
        """What git answers.

        Raises:
            UsageError: It refuses; its words are in the message.
        """
        environment = {**os.environ, **({"GIT_INDEX_FILE": str(self._index)} if own_index else {})}
        ran = subprocess.run(  # nosec B607 - the user's git
            ["git", *arguments], cwd=self._folder, input=data, capture_output=True, env=environment, check=False
        )
        if ran.returncode:
            said = ran.stderr.decode(errors="replace").strip() or f"exit code {ran.returncode}"
            raise UsageError(f"--commit: git {arguments[0]}: {said}")
        return ran.stdout.decode(errors="surrogateescape").rstrip("\n")

    def require_clean(self) -> None:
        """Refuses a tree with changes: what is converted must be what is committed.

        Raises:
            UsageError: Something is changed, staged or untracked.
        """
        changed = self.git("status", "--porcelain", "--untracked-files=normal").splitlines()
        if changed:
            shown = ", ".join(line[3:] for line in changed[:5]) + (", ..." if len(changed) > 5 else "")
            raise UsageError(f"--commit wants a clean tree, and these are changed: {shown}; commit or stash them first")

    def require_free(self, branch: str) -> None:
        """Refuses a branch that is there.

        Raises:
            UsageError: It is, or its name is none.
        """
        self.git("check-ref-format", "--branch", branch)
        if self.git("branch", "--list", branch):
            raise UsageError(f"the branch {branch} is there already; delete it, or name another with --branch")

    def place(self, path: Path) -> str:
        """A path below the root, as git has it; of a link, its target's.

        Raises:
            UsageError: It lies elsewhere.
        """
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(self.root):
            raise UsageError(f"{path} is not in the repository {self.root}; convert it apart")
        return real.relative_to(self.root).as_posix()

    def mode(self, place: str) -> str | None:
        """The mode of a tracked file; None when it is not tracked."""
        listed = self.git("ls-files", "-s", "--full-name", "--", f":(top,literal){place}")
        return listed.split(maxsplit=1)[0] if listed else None

    def stage(self, place: str, data: bytes, mode: str) -> None:
        """Put a content into our index, through the repository's filters."""
        blob = self.git("hash-object", "-w", "--stdin", "--path", place, data=data)
        self.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{place}", own_index=True)

    def commit(self, message: str, parent: str) -> str:
        """Commit our index."""
        tree = self.git("write-tree", own_index=True)
        return self.git("commit-tree", tree, "-p", parent, "-F", "-", data=message.encode())


def require(paths: Sequence[Path], branch: str) -> None:
    """Refuse what cannot be committed, before anything is converted.

    Raises:
        UsageError: There is no repository, its tree is not clean, or the branch is there already.
    """
    repository = Repository(paths[0], Path(os.devnull))
    repository.require_clean()
    repository.require_free(branch)


def commit(result: ProjectResult, story: Story, branch: str) -> list[Commit]:
    """Make the branch.

    Args:
        result: The conversion; nothing of it was written.
        story: What the messages tell.
        branch: Its name; it begins where HEAD is.

    Returns:
        The commits, in order; none when nothing changes, and then there is no branch either.

    Raises:
        UsageError: Git refuses.
    """
    with tempfile.TemporaryDirectory(prefix="flyte-bridge-") as folder:
        repository = Repository(result.files[0].file.path, Path(folder) / "index")
        head = parent = repository.git("rev-parse", "HEAD")
        repository.git("read-tree", head, own_index=True)
        made: list[Commit] = []
        groups = list(_groups(result, repository))
        for number, group in enumerate(groups):
            is_last = number == len(groups) - 1
            staged = [repository.place(each.file.path) for each in group]
            for each, place in zip(group, staged, strict=True):
                repository.stage(place, each.data or b"", repository.mode(place) or "100644")
            for path, data in story.more.items() if is_last else ():
                staged.append(repository.place(path))
                repository.stage(staged[-1], data, repository.mode(staged[-1]) or "100644")
            unchanged = [each for each in result.files if each.data is None] if is_last else []
            subject = _subject(group, staged)
            parent = repository.commit(f"{subject}\n\n{_body(group, unchanged, story, repository)}", parent)
            made.append(Commit(parent, subject, tuple(staged)))
        if made:
            repository.git("update-ref", f"refs/heads/{branch}", parent, "")
        return made


def _groups(result: ProjectResult, repository: Repository) -> Iterator[list[FileResult]]:
    """What each commit changes: a module after those it imports, and at last everything that is no module."""
    tracked = [
        each for each in result.files if each.data is not None and repository.mode(repository.place(each.file.path))
    ]
    modules = {each.file.name: each for each in tracked if each.file.is_module}
    done: set[str] = set()

    def with_imports(name: str) -> Iterator[FileResult]:
        if name in done:
            return
        done.add(name)
        facts = result.facts.get(name)
        for imported in sorted(facts.imports) if facts is not None else ():
            if imported in modules:
                yield from with_imports(imported)
        yield modules[name]

    for name in modules:
        for each in with_imports(name):
            yield [each]
    others = [each for each in tracked if not each.file.is_module or modules[each.file.name] is not each]
    if others:
        yield others


def _subject(group: Sequence[FileResult], places: Sequence[str]) -> str:
    if len(group) == 1 and group[0].file.is_module:
        return f"Convert {places[0]} to Flyte 2"
    return "Convert the files around the source to Flyte 2"


def _body(group: Sequence[FileResult], unchanged: Sequence[FileResult], story: Story, repository: Repository) -> str:
    """Names, findings and proofs of a commit's files, and of those that nobody else tells of."""

    def found(files: Sequence[FileResult]) -> list[str]:
        return [
            _finding(finding, repository.place(each.file.path))
            for each in files
            for finding in story.findings.get(each.file.path, ())
        ]

    parts = []
    renames = [
        f"- {old} is {new}"
        for each in group
        if isinstance(each.outcome, Converted)
        for old, new in sorted(each.outcome.renames.items())
    ]
    parts += ["Names:", *renames, ""] if renames else []
    findings, left = found(group), found(unchanged)
    parts += ["Findings:", *findings, ""] if findings else []
    parts += ["In files that did not change:", *left, ""] if left else []
    proofs = [
        f"- {workflow}: {line}"
        for each in group
        if each.file.is_module
        for workflow, line in story.proofs.items()
        if workflow == each.file.name or workflow.rpartition(".")[0] == each.file.name
    ]
    parts += ["Verified:", *proofs, ""] if proofs else []
    if proofs:
        for each in group:
            before = hashlib.sha256(each.before.encode()).hexdigest()
            parts += [
                f"SHA-256 of the source {before}",
                f"and of its conversion {hashlib.sha256(each.data or b'').hexdigest()}",
                "",
            ]
    parts.append(f"By flyte-bridge {__version__}, for flyte {VERSION}.")
    return "\n".join(parts) + "\n"


def _finding(finding: Finding, place: str) -> str:
    return f"- {replace(finding, where=replace(finding.where, path=place))} ({finding.advice})"
