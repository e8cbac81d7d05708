"""Two ways to tell the cultivars apart, small enough to read."""

from typing import List, Tuple

import numpy as np
import pandas as pd

from winery.schema import Algorithm, Params
from winery.settings import SEED


class Logistic:
    """Softmax regression by gradient descent; the smaller the strength, the more it is held back."""

    def __init__(self, strength: float, steps: int = 300, rate: float = 0.5):
        self.strength, self.steps, self.rate = strength, steps, rate

    def fit(self, chemistry: pd.DataFrame, target: pd.Series) -> "Logistic":
        self.mean, self.spread = chemistry.mean().to_numpy(), chemistry.std(ddof=0).to_numpy()
        self.cultivars = np.unique(target)
        inputs = self._inputs(chemistry)
        truth = (target.to_numpy()[:, None] == self.cultivars).astype(float)
        self.weights = np.zeros((inputs.shape[1], len(self.cultivars)))
        for _ in range(self.steps):
            slope = inputs.T @ (self._chances(inputs) - truth) / len(inputs)
            self.weights -= self.rate * slope
            self.weights[1:] /= 1 + self.rate / (self.strength * len(inputs))
        return self

    def predict(self, chemistry: pd.DataFrame) -> np.ndarray:
        return self.cultivars[self._chances(self._inputs(chemistry)).argmax(axis=1)]

    def _inputs(self, chemistry: pd.DataFrame) -> np.ndarray:
        scaled = (chemistry.to_numpy() - self.mean) / self.spread
        return np.column_stack([np.ones(len(scaled)), scaled])

    def _chances(self, inputs: np.ndarray) -> np.ndarray:
        scores = inputs @ self.weights
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)


class Forest:
    """Trees of two questions, each grown on wines drawn with replacement, by majority."""

    def __init__(self, trees: int):
        self.trees = trees

    def fit(self, chemistry: pd.DataFrame, target: pd.Series) -> "Forest":
        draws = np.random.default_rng(SEED)
        values, truth = chemistry.to_numpy(), target.to_numpy()
        self.cultivars = np.unique(truth)
        self.grown = []
        for _ in range(self.trees):
            rows = draws.integers(len(values), size=len(values))
            self.grown.append(_grow(values[rows], truth[rows], depth=2))
        return self

    def predict(self, chemistry: pd.DataFrame) -> np.ndarray:
        votes = np.array([[_ask(tree, wine) for tree in self.grown] for wine in chemistry.to_numpy()])
        counts = (votes[:, :, None] == self.cultivars).sum(axis=1)
        return self.cultivars[counts.argmax(axis=1)]


def _grow(values: np.ndarray, truth: np.ndarray, depth: int):
    """A cultivar, or a question: (column, limit, the tree up to the limit, the tree above it)."""
    cultivars, counts = np.unique(truth, return_counts=True)
    if depth == 0 or len(cultivars) == 1:
        return cultivars[counts.argmax()]
    questions: List[Tuple[int, int, float]] = []
    for column in range(values.shape[1]):
        for limit in np.quantile(values[:, column], [0.2, 0.4, 0.6, 0.8]):
            below = values[:, column] <= limit
            if below.any() and not below.all():
                right = sum(np.unique(side, return_counts=True)[1].max() for side in (truth[below], truth[~below]))
                questions.append((-int(right), column, float(limit)))
    if not questions:
        return cultivars[counts.argmax()]
    _, column, limit = min(questions)
    below = values[:, column] <= limit
    return column, limit, _grow(values[below], truth[below], depth - 1), _grow(values[~below], truth[~below], depth - 1)


def _ask(tree, wine: np.ndarray):
    while isinstance(tree, tuple):
        column, limit, below, above = tree
        tree = below if wine[column] <= limit else above
    return tree


def build(params: Params):
    if params.algorithm is Algorithm.FOREST:
        return Forest(trees=params.trees)
    return Logistic(strength=params.strength)
