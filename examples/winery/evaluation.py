"""How far to trust a model: cross-validation, and a report to look at."""

import os
from typing import List, Tuple

import pandas as pd
from flytekit import Deck, current_context, dynamic, task, workflow
from flytekit.types.directory import FlyteDirectory

from winery.data import load_measurements
from winery.features import scale, select
from winery.models import build
from winery.schema import Algorithm, Params
from winery.settings import SEED, laboratory, small


@task(container_image=laboratory, requests=small)
def fold_score(features: pd.DataFrame, fold: int, folds: int, params: Params) -> float:
    """Train on all folds but one, and score that one; each fold has its share of every cultivar."""
    shuffled = features.sample(frac=1, random_state=SEED)
    held_out = shuffled.groupby("target").cumcount() % folds == fold
    train, test = shuffled[~held_out], shuffled[held_out]
    model = build(params).fit(train.drop(columns="target"), train["target"])
    return float((model.predict(test.drop(columns="target")) == test["target"]).mean())


@task(container_image=laboratory)
def average(scores: List[float]) -> float:
    return sum(scores) / len(scores)


@dynamic(container_image=laboratory, requests=small)
def cross_validate(features: pd.DataFrame, folds: int, params: Params) -> float:
    scores = []
    for fold in range(folds):
        scores.append(fold_score(features=features, fold=fold, folds=folds, params=params))
    return average(scores=scores)


@task(container_image=laboratory, enable_deck=True)
def confusion(features: pd.DataFrame, algorithms: List[Algorithm]) -> FlyteDirectory:
    """One table per algorithm, in a directory and on a deck."""
    folder = os.path.join(current_context().working_directory, "confusion")
    os.makedirs(folder, exist_ok=True)
    chemistry, target = features.drop(columns="target"), features["target"]
    for algorithm in algorithms:
        model = build(Params(algorithm=algorithm, strength=0.01, trees=3)).fit(chemistry, target)
        table = pd.crosstab(target, model.predict(chemistry))
        table.to_csv(os.path.join(folder, f"{algorithm.value}.csv"))
        Deck(algorithm.value, table.to_html())
    return FlyteDirectory(folder)


@task(container_image=laboratory)
def tables(report: FlyteDirectory) -> List[str]:
    return sorted(os.listdir(report))


@workflow
def evaluate(folds: int = 4) -> Tuple[float, float, FlyteDirectory, List[str]]:
    """Cross-validate two algorithms side by side while the report is drawn."""
    features = scale(features=select(measurements=load_measurements()))
    logistic = cross_validate(features=features, folds=folds, params=Params(strength=0.1))
    forest = cross_validate(features=features, folds=folds, params=Params(algorithm=Algorithm.FOREST, trees=10))
    report = confusion(features=features, algorithms=[Algorithm.LOGISTIC, Algorithm.FOREST])
    return logistic, forest, report, tables(report=report)


if __name__ == "__main__":
    print(evaluate(folds=3))
