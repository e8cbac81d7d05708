"""Work that goes on where it stopped."""

from flytekit import current_context, task, workflow


@task(retries=3)
def steps(n: int) -> int:
    checkpoint = current_context().checkpoint
    saved = checkpoint.read()
    start = int(saved.decode()) if saved else 0
    for step in range(start, n):
        checkpoint.write(f"{step + 1}".encode())
    return n - start


@task
def inline() -> bool:
    ctx = current_context()
    cp = ctx.checkpoint
    if not cp.prev_exists():
        return False
    return bool(cp.read())


@task
async def waiting(n: int) -> int:
    cp = current_context().checkpoint
    cp.write(str(n).encode())
    cp.restore("/tmp/flyte_bridge_case_checkpoint")
    return n


@workflow
def wf(n: int = 3) -> int:
    return steps(n=n)


if __name__ == "__main__":
    print(wf(n=2), inline())
