import flyte

env = flyte.TaskEnvironment(name="settings")
driver = flyte.TaskEnvironment(
    name="settings-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def work(n: int) -> int:
    return n


tagged = flyte.Trigger(
    "tagged",
    labels={"team": "wine"},
    annotations={"owner": "cellar"},
    max_action_concurrency=2,
    auto_activate=False,
)


@driver.task(triggers=tagged)
async def wf(n: int = 1) -> int:
    return await work.aio(n=n)
