from datetime import datetime

from flytekit import CronSchedule, LaunchPlan, task, workflow


@task
def stamp(when: datetime, tag: str, days: int) -> str:
    return f"{when:%Y-%m-%d} {tag} {days}"


@workflow
def report(when: datetime, tag: str, days: int = 1) -> str:
    return stamp(when=when, tag=tag, days=days)


# The time comes from the schedule, the tag is fixed.
daily = LaunchPlan.get_or_create(
    report,
    "report_daily",
    schedule=CronSchedule(schedule="0 6 * * *", kickoff_time_input_arg="when"),
    fixed_inputs={"tag": "daily"},
)

weekly = LaunchPlan.get_or_create(
    report,
    "report_weekly",
    schedule=CronSchedule(schedule="0 6 * * 1", kickoff_time_input_arg="when"),
    default_inputs={"tag": "weekly", "days": 7},
)


@workflow
def plain(when: datetime) -> str:
    return stamp(when=when, tag="plain", days=1)


# Nothing but the time: a trigger of the workflow itself.
hourly = LaunchPlan.get_or_create(
    plain, "plain_hourly", schedule=CronSchedule(schedule="0 * * * *", kickoff_time_input_arg="when")
)
