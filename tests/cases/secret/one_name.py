"""A secret asked for by its key alone, and read by one name."""

import os

from union import Secret, current_context, task, workflow

os.environ.setdefault("SLACK_TOKEN", "psst")
TOKEN = "slack_token"


@task(secret_requests=[Secret(key=TOKEN)])
def post(text: str) -> int:
    return len(current_context().secrets.get(TOKEN)) + len(text)


@workflow
def wf(text: str = "hi") -> int:
    return post(text=text)
