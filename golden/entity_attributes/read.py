import flyte

env = flyte.TaskEnvironment(name="read")
driver = flyte.TaskEnvironment(
    name="read-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def t(x: int, y: str = "a") -> int:
    return x


@driver.task
async def wf(x: int = 1) -> int:
    return await t.aio(x=x)


def types() -> list[str]:
    return [f"{name}: {kind.__name__}" for name, kind in {name: kind for name, (kind, _) in t.native_interface.inputs.items()}.items()]


def called() -> int:
    return t.func(3)


def described() -> list[str]:
    # TODO(flyte-bridge FB256): wf.nodes: a workflow is a function, and has no nodes before it runs
    # TODO(flyte-bridge FB256): t.interface: `interface` is another type in Flyte 2: read `native_interface`
    # TODO(flyte-bridge FB256): t.metadata: `retries`, `timeout`, `cache` and `interruptible` are attributes of the task
    return [t.name, str(wf.nodes), str(t.interface), str(t.metadata.retries), str(list(wf.native_interface.outputs))]


class Other:
    name = "not an entity"


other = Other().name
