"""Flyte 2 tasks as users write them; run by the embedded executor without a control plane (leaf tasks need none)."""

import os
import time

import flyte

env = flyte.TaskEnvironment(name="v2")


@env.task
async def double(x: int) -> int:
    print("doubling", x)
    return x * 2


@env.task
def double_sync(x: int) -> int:
    return x * 2


@env.task
async def fails(message: str) -> int:
    raise ValueError(message)


@env.task
async def dies(code: int) -> int:
    os._exit(code)


@env.task
async def nothing() -> None:
    print("nothing to give")


@env.task(report=True)
async def reports(n: int) -> int:
    await flyte.report.replace.aio(f"<b>{n}</b>")
    return n


@env.task
async def checkpoint(n: int) -> int:
    point = flyte.ctx().checkpoint
    before = await point.load()
    seen = int(before.read_text()) if before else 0
    await point.save(str(seen + n).encode())
    return seen


@env.task
async def context() -> str:
    ctx = flyte.ctx()
    return f"{ctx.action.run_name} {ctx.action.name} {ctx.action.project} {os.environ['FLYTE_ATTEMPT_NUMBER']}"


@env.task
def sleeps(seconds: float) -> float:
    began = time.time()
    time.sleep(seconds)
    return time.time() - began


@env.task
async def modules() -> dict[str, str]:
    import random
    import sys
    import tempfile

    return {
        "flyte": str("flyte" in sys.modules),
        "flytekit": str("flytekit" in sys.modules),
        "ours": str(any(name.startswith("flyte_bridge") for name in sys.modules)),
        "main": str(sys.modules["__main__"].__file__),
        "argv0": sys.argv[0],
        "parent": str(os.getppid()),
        "random": str(random.random()),
        "tmp": tempfile.gettempdir(),
    }
