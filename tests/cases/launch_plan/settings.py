from flytekit import Annotations, Labels, LaunchPlan, task, workflow
from flytekit.models.common import RawOutputDataConfig
from flytekit.models.security import Identity, SecurityContext


@task
def work(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return work(n=n)


tagged = LaunchPlan.get_or_create(
    wf,
    "tagged",
    labels=Labels({"team": "wine"}),
    annotations=Annotations({"owner": "cellar"}),
    raw_output_data_config=RawOutputDataConfig("s3://bucket/raw"),
    security_context=SecurityContext(run_as=Identity(k8s_service_account="cellar")),
    max_parallelism=1,
)
