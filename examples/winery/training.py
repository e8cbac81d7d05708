"""One model, many models, and which one to keep."""

import os
import pickle
from functools import partial
from typing import List, NamedTuple, Tuple

import pandas as pd
from flytekit import Resources, conditional, current_context, map_task, task, workflow
from flytekit.types.file import FlyteFile

from winery.features import prepare
from winery.models import build
from winery.schema import Algorithm, Params, Scores
from winery.settings import laboratory, large, small

Best = NamedTuple("Best", strength=float, accuracy=float)


@task(container_image=laboratory, requests=small, limits=large, retries=1)
def fit(train: pd.DataFrame, params: Params) -> FlyteFile:
    model = build(params).fit(train.drop(columns="target"), train["target"])
    path = os.path.join(current_context().working_directory, "model.pickle")
    with open(path, "wb") as file:
        pickle.dump(model, file)
    return FlyteFile(path)


def f1(truth: pd.Series, guess: pd.Series) -> float:
    """The harmonic mean of precision and recall of one cultivar."""
    return float(2 * (truth & guess).sum() / (truth.sum() + guess.sum()))


@task(container_image=laboratory, requests=small)
def score(model: FlyteFile, holdout: pd.DataFrame) -> Scores:
    truth = holdout["target"]
    with open(model.download(), "rb") as file:
        guess = pickle.load(file).predict(holdout.drop(columns="target"))
    right = guess == truth
    return Scores(
        accuracy=float(right.mean()),
        f1=sum(f1(truth == cultivar, guess == cultivar) for cultivar in sorted(truth.unique())) / truth.nunique(),
        per_cultivar={str(cultivar): float(right[truth == cultivar].mean()) for cultivar in sorted(truth.unique())},
        mistakes=[int(row) for row in holdout.index[~right]],
    )


@task(container_image=laboratory)
def with_algorithm(algorithm: Algorithm, trees: int = 25) -> Params:
    return Params(algorithm=algorithm, trees=trees)


@workflow
def train(algorithm: Algorithm = Algorithm.LOGISTIC, holdout: float = 0.25) -> Tuple[Scores, float]:
    """Prepare the data, fit one model with extra memory, and score it on wines it has not seen."""
    sets = prepare(holdout=holdout)
    params = with_algorithm(algorithm=algorithm)
    model = fit(train=sets.train, params=params).with_overrides(requests=Resources(cpu="1", mem="1Gi"))
    scores = score(model=model, holdout=sets.holdout)
    return scores, scores.accuracy


@task(container_image=laboratory, requests=small)
def try_strength(train: pd.DataFrame, holdout: pd.DataFrame, strength: float) -> float:
    model = build(Params(strength=strength)).fit(train.drop(columns="target"), train["target"])
    return float((model.predict(holdout.drop(columns="target")) == holdout["target"]).mean())


@task(container_image=laboratory)
def pick(strengths: List[float], accuracies: List[float]) -> Best:
    winner = accuracies.index(max(accuracies))
    return Best(strength=strengths[winner], accuracy=accuracies[winner])


@task(container_image=laboratory)
def baseline(holdout: pd.DataFrame) -> float:
    """How often always guessing the commonest cultivar is right."""
    return float(holdout["target"].value_counts(normalize=True).max())


@task
def adopt(strength: float, accuracy: float) -> str:
    return f"adopt C={strength:g}: {accuracy:.1%} of the holdout is right"


@task
def discard(accuracy: float) -> str:
    return f"discard: {accuracy:.1%} of the holdout is no better than guessing"


@workflow
def tune(strengths: List[float] = [0.001, 0.01, 0.1, 1.0]) -> Tuple[str, List[float]]:
    """Try every strength side by side and keep the best one, if it beats guessing."""
    sets = prepare()
    guessing = baseline(holdout=sets.holdout)
    accuracies = map_task(partial(try_strength, train=sets.train, holdout=sets.holdout), concurrency=2)(
        strength=strengths
    )
    best = pick(strengths=strengths, accuracies=accuracies)
    verdict = (
        conditional("beats_guessing")
        .if_(best.accuracy > guessing)
        .then(adopt(strength=best.strength, accuracy=best.accuracy))
        .else_()
        .then(discard(accuracy=best.accuracy))
    )
    return verdict, accuracies


if __name__ == "__main__":
    print(train(algorithm=Algorithm.FOREST, holdout=0.3))
    print(tune(strengths=[0.001, 0.1, 10.0]))
