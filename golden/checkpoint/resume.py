"""Work that goes on where it stopped."""

import flyte

env = flyte.TaskEnvironment(name="resume")
driver = flyte.TaskEnvironment(
    name="resume-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task(retries=3)
def steps(n: int) -> int:
    checkpoint = flyte.ctx().checkpoint
    saved = checkpoint.load_sync()
    saved = saved.read_bytes() if saved else None
    start = int(saved.decode()) if saved else 0
    for step in range(start, n):
        checkpoint.save_sync(f"{step + 1}".encode())
    return n - start


@env.task
def inline() -> bool:
    ctx = flyte.ctx()
    cp = ctx.checkpoint
    if not cp.prev_exists():
        return False
    return bool((saved.read_bytes() if (saved := cp.load_sync()) else None))


@env.task
async def waiting(n: int) -> int:
    cp = flyte.ctx().checkpoint
    await cp.save(str(n).encode())
    await cp.load()
    return n


@driver.task
async def wf(n: int = 3) -> int:
    return await steps.aio(n=n)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf, n=2).outputs()[0], flyte.run(inline).outputs()[0])
