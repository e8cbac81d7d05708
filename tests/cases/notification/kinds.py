from flytekit import Email, LaunchPlan, PagerDuty, Slack, WorkflowExecutionPhase, task, workflow

ON_CALL = ["on-call@example.com"]


@task
def tick() -> int:
    return 1


@workflow
def wf() -> int:
    return tick()


watched = LaunchPlan.get_or_create(
    wf,
    "watched",
    notifications=[
        Email(
            phases=[WorkflowExecutionPhase.SUCCEEDED, WorkflowExecutionPhase.FAILED],
            recipients_email=["a@example.com", "b@example.com"],
        ),
        Slack([WorkflowExecutionPhase.ABORTED], ["channel@example.slack.com"]),
        PagerDuty(phases=[WorkflowExecutionPhase.TIMED_OUT], recipients_email=ON_CALL),
    ],
)
