"""A file that writes unions with bars keeps writing them so."""

from flytekit import task, workflow


@task
def length(words: list[str] | None = None, extra: int = None) -> int:
    return len(words or []) + (extra or 0)


@workflow
def wf(extra: int = None) -> int:
    return length(extra=extra)


if __name__ == "__main__":
    print(wf(extra=3))
