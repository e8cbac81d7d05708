"""When the laboratory's workflows run by themselves."""

from datetime import datetime, timedelta
from typing import List, Tuple

from flytekit import CronSchedule, Email, FixedRate, LaunchPlan, Slack, WorkflowExecutionPhase, task, workflow

from winery.evaluation import evaluate
from winery.monitoring import monitor
from winery.release import release
from winery.training import tune


@task
def headline(kickoff_time: datetime, verdict: str, alarmed: List[str]) -> str:
    watched = ", ".join(alarmed) or "nothing"
    return f"{kickoff_time:%Y-%m-%d}: {verdict}; drifting: {watched}"


@workflow
def nightly(kickoff_time: datetime, strengths: List[float] = [0.01, 1.0]) -> Tuple[str, float]:
    """Tune and monitor side by side, and put both into one line."""
    verdict, accuracies = tune(strengths=strengths)
    shift, alarmed, again = monitor(kickoff_time=kickoff_time)
    return headline(kickoff_time=kickoff_time, verdict=verdict, alarmed=alarmed), accuracies[0]


every_night = LaunchPlan.get_or_create(
    nightly,
    name="winery_every_night",
    schedule=CronSchedule(schedule="0 2 * * *", kickoff_time_input_arg="kickoff_time"),
    notifications=[
        Email(phases=[WorkflowExecutionPhase.FAILED], recipients_email=["cellar@example.com"]),
        Slack(phases=[WorkflowExecutionPhase.SUCCEEDED], recipients_email=["cellar@example.slack.com"]),
    ],
)

every_morning = LaunchPlan.get_or_create(
    evaluate,
    name="winery_every_morning",
    schedule=CronSchedule(schedule="@daily"),
    default_inputs={"folds": 5},
)

every_six_hours = LaunchPlan.get_or_create(
    monitor,
    name="winery_every_six_hours",
    schedule=FixedRate(duration=timedelta(hours=6)),
    fixed_inputs={"kickoff_time": datetime(2024, 1, 8), "threshold": 0.25},
)

by_hand = LaunchPlan.get_or_create(release, name="winery_release_by_hand")

if __name__ == "__main__":
    print(nightly(kickoff_time=datetime(2024, 3, 1, 2, 0)))
