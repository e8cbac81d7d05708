"""The table of Flyte 1's command lines (flytekit 1.16's `pyflyte`, flytectl 0.9) and what each is in Flyte 2's (`flyte` 2.12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Option:
    """An option of a Flyte 1 command.

    Attributes:
        new: What it is called in Flyte 2; "" when it goes, None when nothing takes its place.
        takes: Whether it takes a value.
        values: Its values that are called otherwise.
        why: What changes, or what to do instead.
    """

    new: str | None
    takes: bool = True
    values: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Row:
    """A command of Flyte 1.

    Attributes:
        new: The words of the command in Flyte 2; none when nothing takes its place.
        options: Its options, by each of their names.
        names: What its operands are: the name of a `task`, or anything.
        most: How many operands it may have.
        why: What to do instead, or what changes.
        extra: What is written after its words: options that keep its meaning.
    """

    new: tuple[str, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict)
    names: str = ""
    most: int = 1
    why: str = ""
    extra: tuple[str, ...] = ()


def _options(names: str, new: str | None, *, takes: bool = True, why: str = "") -> dict[str, Option]:
    return {name: Option(new, takes, why=why) for name in names.split()}


PLACE: Mapping[str, Option] = {name: Option(name) for name in ("-p", "--project", "-d", "--domain")}
"""Where: the same on both sides."""

_CONFIG = {"-c": Option("-c"), "--config": Option("--config")}
_COPY = {"auto": "loaded_modules"}
_IN_CODE = "set it in Python: flyte.with_runcontext(...)"

GLOBAL: Mapping[str, Mapping[str, Option]] = {
    "pyflyte": {**_CONFIG, **_options("-v --verbose", "-v", takes=False)},
    "flytectl": {
        **_CONFIG,
        "--admin.endpoint": Option("--endpoint"),
        "--admin.insecure": Option("--insecure", takes=False),
    },
}
"""Options before the command's name."""

RUN: Mapping[str, Option] = {
    **PLACE,
    **_options("-r --remote", "", takes=False),
    **_options("--wait --wait-execution", "--follow", takes=False),
    **_options("-i --image", "--image"),
    **_options("--env --envvars", "--env"),
    **_options("--label --labels", "--label"),
    **_options("--name", "--name"),
    **_options("--service-account", "--service-account"),
    **_options("--raw-output-data-prefix --raw-data-prefix", "--raw-data-path"),
    **_options("--max-parallelism", "--max-action-concurrency"),
    **_options("--cluster-pool --execution-cluster-label --ecl", "--queue"),
    **_options("--copy-all", "--copy-style all", takes=False),
    **_options("--poll-interval", "", why="`--follow` streams and does not poll"),
    **_options("--tag --tags", None, why="tags are labels in Flyte 2: --label key=value"),
    **_options("--destination-dir", None, why="--root-dir names the root of the source instead"),
    **_options("--limit", None),
    **_options("--dump-snippet", None, takes=False),
    **_options("--overwrite-cache --disable-notifications", None, takes=False, why=_IN_CODE),
    **_options("--annotation --annotations --interruptible", None, why=_IN_CODE),
    **_options("--resource-requests --resource-limits", None, why="set resources in the task's environment"),
    **_options("--inputs-file", None, why="give each input as an option"),
    "--copy": Option("--copy-style", values=_COPY),
}
"""Options of `pyflyte run` before the file."""

REGISTER: Mapping[str, Option] = {
    **PLACE,
    **_options("-v --version", "--version"),
    **_options("-i --image", "--image"),
    **_options("--dry-run", "--dry-run", takes=False),
    **_options("--non-fast", "--copy-style none", takes=False),
    **_options("--skip-error --skip-errors", "--ignore-load-errors", takes=False),
    **_options(
        "--activate-launchplan --activate-launchplans", None, takes=False, why="set auto_activate=True on the triggers"
    ),
    **_options("--service-account --env --envvars", None, why="set it in the task's environment"),
    **_options("--resource-requests --resource-limits", None, why="set resources in the task's environment"),
    **_options("--raw-data-prefix", None, why="it is given to each run: --raw-data-path"),
    **_options("-D --destination-dir", None, why="--root-dir names the root of the source instead"),
    **_options("-o --output", None),
    **_options("--deref-symlinks", None, takes=False),
    "--copy": Option("--copy-style", values=_COPY),
}
"""Options of `pyflyte register`."""

CTL: Mapping[str, Option] = {
    **PLACE,
    **_CONFIG,
    **_options("-o --output", None, why="Flyte 2's JSON has other fields: flyte -of json"),
}
"""What commands of flytectl have in common."""

_LISTS = {**CTL, **_options("--limit", "--limit"), **_options("--filter.limit", "--limit")}
_DEVBOX = _options("--imagePullPolicy --image --version --source --env --cpu --memory --disk", None)

ROWS: Mapping[tuple[str, ...], Row] = {
    ("pyflyte", "backfill"): Row(why="`flyte-bridge backfill` runs a schedule's past on either side"),
    ("pyflyte", "fetch"): Row(why="URIs `flyte://` have no counterpart: `flyte get io RUN [ACTION]`"),
    ("pyflyte", "get", "launchplan"): Row(("get", "trigger"), {**PLACE, **_options("-l --limit", "--limit")}, most=0),
    ("pyflyte", "info"): Row(("get", "config"), most=0),
    ("pyflyte", "init"): Row(why="there are no templates; `flyte run hello` is the first example"),
    ("pyflyte", "local-cache", "clear"): Row(("delete", "local-cache"), most=0),
    ("pyflyte", "metrics"): Row(why="times are on the run's page, and in `flyte get action RUN`"),
    ("pyflyte", "package"): Row(why="nothing is packaged: `flyte deploy` deploys from source"),
    ("pyflyte", "serialize"): Row(why="nothing is serialized: `flyte deploy` deploys from source"),
    ("pyflyte", "serve"): Row(why="connectors are served by `c0`, of flyte[connector]"),
    ("flytectl", "demo", "start"): Row(("start", "devbox"), {**_CONFIG, **_DEVBOX}, most=0),
    ("flytectl", "demo", "status"): Row(("get", "devbox"), _CONFIG, most=0),
    ("flytectl", "demo", "teardown"): Row(("delete", "devbox"), _CONFIG, most=0),
    ("flytectl", "config", "init"): Row(
        ("create", "config"),
        {
            **_options("--host", "--endpoint"),
            **_options("--insecure", "--insecure", takes=False),
            **_options("--force", "--force", takes=False),
        },
        most=0,
    ),
    ("flytectl", "version"): Row(("--version",), _CONFIG, most=0),
    ("flytectl", "get", "project"): Row(("get", "project"), CTL),
    ("flytectl", "get", "execution"): Row(("get", "run"), _LISTS),
    ("flytectl", "get", "launchplan"): Row(("get", "trigger"), _LISTS, most=0),
    ("flytectl", "get", "task"): Row(("get", "task"), _LISTS, names="task"),
    ("flytectl", "get", "workflow"): Row(("get", "task"), _LISTS, names="task"),
    ("flytectl", "delete", "execution"): Row(("abort", "run"), {**PLACE, **_CONFIG}),
    ("flytectl", "create", "project"): Row(
        ("create", "project"),
        {**_CONFIG, **{name: Option(name) for name in ("--id", "--name", "--description")}},
        most=0,
    ),
    ("flytectl", "create", "execution"): Row(why="`flyte run deployed-task ENV.TASK --input value` starts a run"),
    ("flytectl", "register"): Row(why="`flyte deploy` deploys from source; there are no serialized files"),
}
"""Program and command → what it is. Commands that need more than a table are in `command_lines`."""

PLURALS = frozenset({"project", "execution", "launchplan", "task", "workflow"})
"""Nouns of flytectl that may have an `s`."""
