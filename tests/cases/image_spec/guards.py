from flytekit import ImageSpec, task, workflow

image = ImageSpec(packages=["numpy"])

if image.is_container():
    import json
    from math import sqrt


@task(container_image=image)
def root(x: float) -> str:
    return json.dumps(sqrt(x))


@workflow
def wf(x: float = 9.0) -> str:
    return root(x=x)
