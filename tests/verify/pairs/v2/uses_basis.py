import flyte
from basis import env as basis_env
from basis import plus_one

env = flyte.TaskEnvironment(name="uses", depends_on=[basis_env])


@env.task
async def twice(n: int = 1) -> int:
    return await plus_one(n=await plus_one(n=n))
