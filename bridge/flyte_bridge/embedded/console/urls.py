"""Where the pages are: the paths that the SDK prints, and those next to them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from flyte_bridge.embedded.model import ActionKey, RunKey, TriggerKey


def project_url(project: str, domain: str) -> str:
    """The path of the page of a project's runs."""
    return f"/v2/domain/{quote(domain, safe='')}/project/{quote(project, safe='')}/runs"


def run_url(key: RunKey) -> str:
    """The path of a run's page; the SDK prints it."""
    return f"{project_url(key.project, key.domain)}/{quote(key.name, safe='')}"


def action_url(key: ActionKey) -> str:
    """The path of a run's page with one action open; the SDK's form."""
    return f"{run_url(key.run_key)}?i={quote(key.name, safe='')}"


def task_url(project: str, domain: str, name: str) -> str:
    """The path of a task's page."""
    return f"/v2/domain/{quote(domain, safe='')}/project/{quote(project, safe='')}/tasks/{quote(name, safe='')}"


def trigger_url(key: TriggerKey) -> str:
    """The path of a trigger's page."""
    where = f"/v2/domain/{quote(key.domain, safe='')}/project/{quote(key.project, safe='')}/triggers"
    return f"{where}/{quote(key.task_name, safe='')}/{quote(key.name, safe='')}"


def attempt_log_url(key: ActionKey, attempt: int) -> str:
    """The path of an attempt's whole log."""
    return f"{run_url(key.run_key)}/log/{quote(key.name, safe='')}/{attempt}"


def report_url(key: ActionKey) -> str:
    """The path of an action's report, in Flyte 1 its deck."""
    return f"{run_url(key.run_key)}/report/{quote(key.name, safe='')}"


def signal_url(key: ActionKey) -> str:
    """Where a condition is answered."""
    return f"{run_url(key.run_key)}/signal/{quote(key.name, safe='')}"
