import flyte

env = flyte.TaskEnvironment(name="several")
driver = flyte.TaskEnvironment(
    name="several-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def work(n: int) -> int:
    return n + 1


often = flyte.Trigger("often", flyte.FixedRate(interval_minutes=10), auto_activate=False)
by_hand = flyte.Trigger("by_hand", inputs={"n": 7}, auto_activate=False)
nobody_keeps_it = flyte.Trigger("nobody keeps it", overwrite_cache=True, max_action_concurrency=6, auto_activate=False)


@driver.task(triggers=(often, by_hand, nobody_keeps_it))
async def wf(n: int = 1) -> int:
    return await work.aio(n=n)


default = wf
