import flyte

env = flyte.TaskEnvironment(name="over_constants")
driver = flyte.TaskEnvironment(
    name="over_constants-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def load(region: str, days: int) -> str:
    return f"{region}:{days}"


# One for each region.
# at its own hour
plan_eu = flyte.Trigger("daily_eu", flyte.Cron("0 6 * * *"), inputs={"region": "eu"}, auto_activate=False)
plan_us = flyte.Trigger("daily_us", flyte.Cron("0 12 * * *"), inputs={"region": "us"}, auto_activate=False)
by_day_1 = flyte.Trigger("days_1", inputs={"days": 1}, auto_activate=False)
by_day_2 = flyte.Trigger("days_2", inputs={"days": 2}, auto_activate=False)
pair_0 = flyte.Trigger("first", flyte.FixedRate(interval_minutes=60), auto_activate=False)
pair_1 = flyte.Trigger("second", flyte.FixedRate(interval_minutes=120), auto_activate=False)
asia_10 = flyte.Trigger("asia_10", inputs={"region": "asia", "days": 20}, auto_activate=False)
asia_20 = flyte.Trigger("asia_20", inputs={"region": "asia", "days": 40}, auto_activate=False)


@driver.task(triggers=(plan_eu, plan_us, by_day_1, by_day_2, pair_0, pair_1, asia_10, asia_20))
async def daily(region: str = "eu", days: int = 1) -> str:
    return await load.aio(region=region, days=days)


REGIONS = {"eu": 6, "us": 12}
plans = []

plans.append(plan_eu)
plans.append(plan_us)
plan = plan_us

by_days = {1: by_day_1, 2: by_day_2}

pair = [pair_0, pair_1]
