import flyte

env = flyte.TaskEnvironment(name="in_a_loop")
driver = flyte.TaskEnvironment(
    name="in_a_loop-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def work(region: str) -> str:
    return region


work_eu = flyte.Trigger("work-eu", inputs={"region": "eu"}, auto_activate=False)
work_us = flyte.Trigger("work-us", inputs={"region": "us"}, auto_activate=False)


@driver.task(triggers=(work_eu, work_us))
async def wf(region: str = "eu") -> str:
    return await work.aio(region=region)
