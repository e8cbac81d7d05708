from flytekit import PodTemplate, task, workflow

quiet = PodTemplate(labels={"noise": "low"})


@task(labels={"team": "wine"}, annotations={"owner": "cellar"})
def labelled(n: int) -> int:
    return n


@task(pod_template=quiet, annotations={"owner": "cellar"})
def more(n: int) -> int:
    return n


@task(pod_template=PodTemplate(primary_container_name="main"), labels={"team": "wine"})
def inline(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return inline(n=more(n=labelled(n=n)))
