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


@driver.task
async def wf(region: str = "eu") -> str:
    return await work.aio(region=region)


try:
    from flytekit import LaunchPlan

    for name in ("eu", "us"):
        # TODO(flyte-bridge FB343): the launch plan LaunchPlan.get_or_create(wf, f"work-{name}", fixed_inputs… cannot be read here; write a `flyte.Trigger` for it
        LaunchPlan.get_or_create(wf, f"work-{name}", fixed_inputs={"region": name})
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    name = None
