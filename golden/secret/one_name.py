"""A secret asked for by its key alone, and read by one name."""

import os

import flyte

os.environ.setdefault("SLACK_TOKEN", "psst")
TOKEN = "slack_token"
env = flyte.TaskEnvironment(
    name="one_name", secrets=[flyte.Secret(key=TOKEN, as_env_var="SLACK_TOKEN")]
)
driver = flyte.TaskEnvironment(
    name="one_name-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def post(text: str) -> int:
    return len(os.environ["SLACK_TOKEN"]) + len(text)


@driver.task
async def wf(text: str = "hi") -> int:
    return await post.aio(text=text)
