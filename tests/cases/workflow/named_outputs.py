"""Fields of a NamedTuple result, unpacked where they are used."""

from typing import List, NamedTuple, Tuple

from flytekit import task, workflow


class Split(NamedTuple):
    train: List[int]
    test: List[int]
    rest: List[int]


Score = NamedTuple("Score", value=float)
Report = NamedTuple("Report", [("text", str), ("score", float)])


@task
def split(n: int) -> Split:
    rows = list(range(n))
    return Split(train=rows[: n // 2], test=rows[n // 2 :], rest=[])


@task
def mean(rows: List[int]) -> Score:
    return Score(value=sum(rows) / len(rows))


@task
def describe(score: float, size: int) -> Report:
    return Report(text=f"{size}: {score:.1f}", score=score)


@task
def size(rows: List[int]) -> int:
    return len(rows)


@workflow
def fields(n: int = 8) -> Tuple[str, float]:
    sets = split(n=n)
    score = mean(rows=sets.train)
    report = describe(score=score.value, size=size(rows=sets.test))
    return report.text, report.score


@workflow
def by_index(n: int = 8) -> Tuple[List[int], List[int]]:
    sets = split(n=n)
    return sets[1], sets[0]


@workflow
def built(n: int = 8) -> Report:
    train, test, _ = split(n=n)
    return Report(text="built", score=mean(rows=train).value)


@workflow
def passed_on(n: int = 6) -> Report:
    return describe(score=1.5, size=n)


@workflow
def one_field(n: int = 6) -> Score:
    rows, _, _ = split(n=n)
    return mean(rows=rows)


@workflow
def outer(n: int = 6) -> Tuple[float, str]:
    inner = one_field(n=n)
    report = passed_on(n=n)
    return inner.value, report.text
