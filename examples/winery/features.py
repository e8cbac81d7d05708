"""From a clean table to a training set and a holdout."""

from typing import Dict, NamedTuple, Tuple

import pandas as pd
from flytekit import StructuredDataset, kwtypes, task, workflow
from typing_extensions import Annotated

from winery.data import clean, load_measurements
from winery.settings import SEED, laboratory, small

Chemistry = kwtypes(alcohol=float, flavanoids=float, color_intensity=float, proline=float, target=int)

Sets = NamedTuple("Sets", train=pd.DataFrame, holdout=pd.DataFrame)


@task(container_image=laboratory, requests=small)
def select(measurements: Annotated[StructuredDataset, Chemistry]) -> pd.DataFrame:
    """Only the columns the laboratory trusts."""
    return measurements.open(pd.DataFrame).all()


@task(container_image=laboratory, requests=small, cache=True, cache_version="2")
def scale(features: pd.DataFrame) -> pd.DataFrame:
    chemistry = features.drop(columns="target")
    scaled = (chemistry - chemistry.mean()) / chemistry.std(ddof=0)
    return scaled.assign(target=features["target"])


@task(container_image=laboratory, requests=small)
def split(features: pd.DataFrame, holdout: float = 0.25, seed: int = SEED) -> Tuple[pd.DataFrame, pd.DataFrame]:
    """The same share of each cultivar is held out."""
    rest = features.groupby("target").sample(frac=holdout, random_state=seed)
    return features.drop(index=rest.index), rest


@task(container_image=laboratory)
def describe(features: pd.DataFrame) -> StructuredDataset:
    return StructuredDataset(dataframe=features.groupby("target").mean().reset_index())


@task(container_image=laboratory)
def balance(features: pd.DataFrame) -> Dict[str, int]:
    counts = features["target"].value_counts()
    return {f"cultivar {cultivar}": int(wines) for cultivar, wines in counts.items()}


@workflow
def prepare(holdout: float = 0.25) -> Sets:
    """Select, scale and split: the sub-workflow of everything that trains."""
    measurements = clean(measurements=load_measurements())
    features = scale(features=select(measurements=measurements))
    train, rest = split(features=features, holdout=holdout)
    return Sets(train=train, holdout=rest)


@workflow
def profile() -> Tuple[StructuredDataset, Dict[str, int]]:
    """What an average wine of each cultivar looks like, and how many there are."""
    features = select(measurements=load_measurements())
    return describe(features=features), balance(features=features)


if __name__ == "__main__":
    print(profile())
