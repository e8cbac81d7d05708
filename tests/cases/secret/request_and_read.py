import os

import flytekit
from flytekit import Secret, current_context, task, workflow

os.environ.setdefault("USER_INFO_API_KEY", "hush")
os.environ.setdefault("SLACK_TOKEN", "psst")

GROUP = "user-info"
KEY = "api_key"


@task(secret_requests=[Secret(group=GROUP, key=KEY)])
def by_chain() -> int:
    return len(current_context().secrets.get(GROUP, KEY))


@task(secret_requests=[Secret(group="slack", key="token")])
def by_name() -> int:
    context = flytekit.current_context()
    return len(context.secrets.get("slack", "token"))


@task(secret_requests=[Secret(group="app", key="my.dotted.key", env_var="DOTTED")])
def by_variable() -> bool:
    secrets = current_context().secrets
    return bool(secrets.get("slack", "token")) or bool(secrets.get("app", "my.dotted.key"))


@task
def not_requested(group: str) -> str:
    return current_context().secrets.get(group, "key")


@workflow
def wf() -> int:
    by_chain()
    return by_name()
