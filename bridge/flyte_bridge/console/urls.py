"""Where the pages are: the paths that the SDK prints, and those next to them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from flyte_bridge.backend.keys import ActionKey, RunKey, TriggerKey


def quoted(path: str) -> str:
    """A path or a name as URLs and headers have it."""
    return quote(path, safe="/")


def place_url(project: str, domain: str) -> str:
    """The path below which a project's pages are."""
    return f"/v2/domain/{_quoted(domain)}/project/{_quoted(project)}"


def project_url(project: str, domain: str) -> str:
    """The path of the page of a project's runs."""
    return f"{place_url(project, domain)}/runs"


def run_url(key: RunKey) -> str:
    """The path of a run's page; the SDK prints it."""
    return f"{project_url(key.project, key.domain)}/{_quoted(key.name)}"


def action_url(key: ActionKey) -> str:
    """The path of a run's page with one action open; the SDK's form."""
    return f"{run_url(key.run_key)}?i={_quoted(key.name)}"


def list_url(project: str, domain: str, kind: str, **query: object) -> str:
    """The path of a list: `tasks`, `workflows`, `launch-plans`, `triggers`."""
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{place_url(project, domain)}/{kind}{'?' if given else ''}{given}"


def task_url(project: str, domain: str, name: str) -> str:
    """The path of a task's page."""
    return f"{place_url(project, domain)}/tasks/{_quoted(name)}"


def trigger_url(key: TriggerKey) -> str:
    """The path of a trigger's page."""
    return f"{place_url(key.project, key.domain)}/triggers/{_quoted(key.task_name)}/{_quoted(key.name)}"


def attempt_log_url(key: ActionKey, attempt: int) -> str:
    """The path of an attempt's whole log."""
    return f"{run_url(key.run_key)}/log/{_quoted(key.name)}/{attempt}"


def report_url(key: ActionKey) -> str:
    """The path of an action's report, in Flyte 1 its deck."""
    return f"{run_url(key.run_key)}/report/{_quoted(key.name)}"


def value_url(key: ActionKey, side: str, name: str, way: str, **query: object) -> str:
    """The path of what a value points to.

    Args:
        key: The action whose value it is.
        side: `inputs` or `outputs`.
        name: The variable.
        way: `file` to save it, `picture` to look at it, `table` for its first rows.
        query: What else to say.
    """
    given = urlencode({name: value for name, value in query.items() if value != ""})
    path = f"{run_url(key.run_key)}/{way}/{_quoted(key.name)}/{side}/{_quoted(name)}"
    return f"{path}{'?' if given else ''}{given}"


def signal_url(key: ActionKey) -> str:
    """Where a condition is answered."""
    return f"{run_url(key.run_key)}/signal/{_quoted(key.name)}"


def _quoted(name: str) -> str:
    return quote(name, safe="")
