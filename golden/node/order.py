"""`>>` and `runs_before`: an order without data."""

import flyte

env = flyte.TaskEnvironment(name="order")
driver = flyte.TaskEnvironment(
    name="order-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def create(name: str) -> str:
    print("create", name)
    return name


@env.task
def fill(rows: int) -> int:
    print("fill", rows)
    return rows


@env.task
def drop(name: str) -> None:
    print("drop", name)


@driver.task
async def ordered(name: str = "t") -> int:
    await create.aio(name=name)
    # the table must be there before it is filled
    rows = await fill.aio(rows=3)
    await drop.aio(name=name)
    return rows


@driver.task
async def nodes(name: str = "t") -> int:
    made = await create.aio(name=name)
    filled = await fill.aio(rows=4)
    await drop.aio(name=made)
    return filled


@driver.task
async def direct(name: str = "t") -> None:
    await create.aio(name=name)
    await drop.aio(name=name)
