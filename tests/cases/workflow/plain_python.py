"""Plain Python between the calls: Flyte 1 ran it when the workflow was compiled."""

import os
from datetime import datetime, timedelta
from typing import List, Tuple

from flytekit import task, workflow

RATES = {"low": 0.1, "high": 0.5}


@task
def train(rows: int, rate: float, name: str) -> float:
    return rows * rate


@task
def best(scores: List[float]) -> float:
    return max(scores)


@task
def since(start: datetime, days: int) -> str:
    return (start + timedelta(days=days)).strftime("%Y")


@workflow
def constants(rows: int = 10) -> float:
    name = "model-" + "a"
    rate = RATES["low"] * 2
    score = train(rows=rows, rate=rate, name=name)
    print("compiled")
    return score


@workflow
def printed(rows: int = 10) -> float:
    """A promise in an f-string: the value now, its repr then."""
    score = train(rows=rows, rate=0.5, name=f"model-{'b'}")
    print(f"score: {score}")
    return score


@workflow
def loops(rows: int = 10) -> float:
    scores = []
    for name, rate in RATES.items():
        scores.append(train(rows=rows, rate=rate, name=name))
    return best(scores=scores)


@workflow
def comprehension(rows: int = 10) -> float:
    return best(scores=[train(rows=rows, rate=rate, name="x") for rate in (0.1, 0.2, 0.3)])


@workflow
def frozen() -> Tuple[str, str]:
    now = datetime.now()
    home = os.environ.get("PIPELINE_STAGE", "dev")
    year = since(start=now, days=0)
    return year, since(start=datetime(2020, 1, 1), days=len(home))
