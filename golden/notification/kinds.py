import flyte
import flyte.notify

env = flyte.TaskEnvironment(name="kinds")
driver = flyte.TaskEnvironment(
    name="kinds-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

ON_CALL = ["on-call@example.com"]


@env.task
def tick() -> int:
    return 1


watched = flyte.Trigger(
    "watched",
    notifications=(
        flyte.notify.Email(
            on_phase=(flyte.models.ActionPhase.SUCCEEDED, flyte.models.ActionPhase.FAILED),
            recipients=("a@example.com", "b@example.com"),
        ),
        flyte.notify.Email(on_phase=flyte.models.ActionPhase.ABORTED, recipients=("channel@example.slack.com",)),
        flyte.notify.Email(on_phase=flyte.models.ActionPhase.TIMED_OUT, recipients=tuple(ON_CALL)),
    ),
    auto_activate=False,
)


@driver.task(triggers=watched)
async def wf() -> int:
    return await tick.aio()
