"""Where shell text stands in shell scripts, Makefiles, Dockerfiles, YAML of CI, and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from flyte_bridge_translators.project.command_lines import Project
from flyte_bridge_translators.project.draft import HTML, Draft
from flyte_bridge_translators.project.scripts import Region, convert

SHELL_KEYS = frozenset(
    {"after_script", "bash", "before_script", "cmd", "cmds", "command", "commands", "entry", "run", "script"}
)
"""Keys of GitHub's, GitLab's, CircleCI's, Azure's, pre-commit's and Task's YAML whose values are shell text."""

SHELL_FENCES = frozenset({"", "bash", "console", "sh", "shell", "shell-session", "terminal", "text", "zsh"})
"""What fenced blocks of Markdown call shell text."""

_FENCE = re.compile(r"^(?P<indent>[ \t>]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[\w+-]*)[^\n`]*$", re.MULTILINE)
_PROMPT = re.compile(r"^[ \t]*[$%][ \t]+", re.MULTILINE)
_RECIPE = re.compile(r"^\t(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE | re.DOTALL)
_INSTRUCTION = re.compile(
    r"^[ \t]*(?:HEALTHCHECK[ \t](?:[^\n\\]|\\\n)*?)?(?:RUN|CMD|ENTRYPOINT|SHELL)[ \t]+(?P<text>(?:[^\n\\]|\\.|\\\n)*)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_FLAGS = re.compile(r"(?:--\w+=\S+(?:[ \t]|\\\n)+)*")


def shell(draft: Draft, project: Project) -> None:
    """A shell script."""
    convert(draft, Region(0, len(draft.text)), project)


def makefile(draft: Draft, project: Project) -> None:
    """The recipes of a Makefile, line by line; a comment stands before the line, outside the recipe's shell."""
    for match in _RECIPE.finditer(draft.text):
        start = match.start() + len(match[0]) - len(match[0].lstrip("\t@-+ "))
        convert(draft, Region(start, match.end(), make=True, above=match.start(), indented=False), project)


def dockerfile(draft: Draft, project: Project) -> None:
    """The instructions of a Dockerfile that run commands; lists of words are only reported."""
    for match in _INSTRUCTION.finditer(draft.text):
        start = match.start("text") + len((_FLAGS.match(match["text"]) or [""])[0])
        convert(draft, Region(start, match.end(), above=match.start()), project)


def ci(draft: Draft, project: Project) -> None:
    """The shell text in YAML."""
    before = _scalars(draft.text)
    if before is None:
        return
    places = {node.start_mark.index: node for node, is_shell in before if is_shell}  # an alias is its anchor again
    for node in places.values():
        region = _region(draft.text, node)
        if region is not None:
            convert(draft, region, project)
    after = _scalars(draft.result)
    kept = [node.value for node, is_shell in before if not is_shell]
    if after is None or [node.value for node, is_shell in after if not is_shell] != kept or len(after) != len(before):
        draft.give_up("FB612", "its commands would not be the same YAML once they are rewritten")


Scalar = tuple[yaml.ScalarNode, bool]
"""A scalar of a YAML text, and whether it is shell text."""


def _scalars(text: str) -> list[Scalar] | None:
    try:
        return [
            each for document in yaml.compose_all(text, yaml.SafeLoader) for each in _of_node(document, is_shell=False)
        ]
    except yaml.YAMLError:
        return None


def _of_node(node: yaml.Node, *, is_shell: bool) -> Iterator[Scalar]:
    if isinstance(node, yaml.ScalarNode):
        yield node, is_shell
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _of_node(each, is_shell=is_shell and not node.flow_style and isinstance(each, yaml.ScalarNode))
    elif isinstance(node, yaml.MappingNode):
        language = next((value.value for key, value in node.value if key.value == "shell"), "bash")
        for key, value in node.value:
            yield key, False
            known = isinstance(key, yaml.ScalarNode) and key.value in SHELL_KEYS and language in {"bash", "sh"}
            yield from _of_node(value, is_shell=known)


def _region(text: str, node: yaml.ScalarNode) -> Region | None:
    """Where the shell text of a scalar stands; None when it is written so that its characters do not stand there."""
    start, end = node.start_mark.index, node.end_mark.index
    if node.style == "|":
        return Region(text.find("\n", start, end) + 1 or end, end)
    if node.style in {"'", '"'}:
        start, end = start + 1, end - 1
    if text[start:end] != node.value:
        return None
    return Region(start, end, above=start)


def markdown(draft: Draft, project: Project) -> None:
    """The shell text in fenced blocks; where it is a session, what stands behind the prompts."""
    for region in fenced(draft.text):
        convert(draft, region, project)


def fenced(text: str) -> Iterator[Region]:
    """The shell text of a Markdown text."""
    for fence, start, end in blocks(text):
        if fence["info"].lower() not in SHELL_FENCES:
            continue
        prompts = list(_PROMPT.finditer(text, start, end))
        if not prompts:
            yield Region(start, end, comment=HTML, above=fence.start())
        for prompt in prompts:
            yield Region(prompt.end(), _logical_end(text, prompt.end(), end), comment=HTML, above=fence.start())


def blocks(text: str) -> Iterator[tuple[re.Match[str], int, int]]:
    """The fenced blocks of a Markdown text: the fence that opens each, and where its text starts and has ended."""
    opening: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opening is None:
            opening = fence
        elif fence["fence"].startswith(opening["fence"]) and not fence["info"]:
            yield opening, opening.end() + 1, max(fence.start(), opening.end() + 1)
            opening = None


def _logical_end(text: str, start: int, end: int) -> int:
    while True:
        stop = text.find("\n", start, end)
        if stop < 0:
            return end
        if text[stop - 1] != "\\":
            return stop
        start = stop + 1


COMMENTS = ("#", "//", ";", "<!--", "*", "--")
"""How lines begin that are comments, whatever the format."""
