import asyncio
import os

import flyte

os.environ.setdefault("USER_INFO_API_KEY", "hush")
os.environ.setdefault("SLACK_TOKEN", "psst")

GROUP = "user-info"
KEY = "api_key"
env = flyte.TaskEnvironment(name="request_and_read")
by_chain_env = flyte.TaskEnvironment(
    name="request_and_read-by-chain", secrets=[flyte.Secret(key=KEY, group=GROUP, as_env_var="USER_INFO_API_KEY")]
)
by_name_env = flyte.TaskEnvironment(
    name="request_and_read-by-name", secrets=[flyte.Secret(key="token", group="slack", as_env_var="SLACK_TOKEN")]
)
by_variable_env = flyte.TaskEnvironment(
    name="request_and_read-by-variable", secrets=[flyte.Secret(key="my.dotted.key", group="app", as_env_var="DOTTED")]
)
driver = flyte.TaskEnvironment(
    name="request_and_read-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[by_chain_env, by_name_env],
)


@by_chain_env.task
def by_chain() -> int:
    return len(os.environ["USER_INFO_API_KEY"])


@by_name_env.task
def by_name() -> int:
    return len(os.environ["SLACK_TOKEN"])


@by_variable_env.task
def by_variable() -> bool:
    return bool(os.environ["SLACK_TOKEN"]) or bool(os.environ["DOTTED"])


@env.task
def not_requested(group: str) -> str:
    return os.environ[f"{group}_key".upper().replace("-", "_")]


@driver.task
async def wf() -> int:
    _, by_name_result = await asyncio.gather(by_chain.aio(), by_name.aio())
    return by_name_result
