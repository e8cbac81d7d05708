def make(n: int):
    from flytekit import task

    # TODO(flyte-bridge FB107): add is defined inside a function or class
    @task
    def add(x: int) -> int:
        return x + n

    return add
