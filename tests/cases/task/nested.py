from flytekit import task


def make(n: int):
    @task
    def add(x: int) -> int:
        return x + n

    return add
