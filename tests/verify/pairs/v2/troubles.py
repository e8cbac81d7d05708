import os

import flyte

env = flyte.TaskEnvironment(name="troubles")


@env.task
def ask(n: int) -> str:
    return os.environ["REGISTRY_TOKEN"] * n


@env.task
def here(n: int) -> str:
    assert os.listdir() == []
    assert "flyte-bridge-verify-" in os.environ["HOME"]
    return str(n)


@env.task
def triple(n: int) -> int:
    return n * 3


@env.task
async def asks(n: int = 2) -> str:
    return await ask.aio(n=n)


@env.task
async def stays_home(n: int = 2) -> str:
    return await here.aio(n=n)


@env.task
async def dies_on_flyte_2(n: int = 3) -> int:
    os._exit(3)


@env.task
async def last(n: int = 4) -> int:
    return await triple.aio(n=n)


@env.task(retries=3)
def retry(n: int) -> int:
    if not os.path.exists("tried"):
        open("tried", "w").close()
        raise RuntimeError("once more")
    return n


@env.task
async def retries(n: int = 3) -> int:
    return await retry.aio(n=n)
