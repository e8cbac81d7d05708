"""What travels between the tasks."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Dict, List

from dataclasses_json import DataClassJsonMixin


class Algorithm(Enum):
    LOGISTIC = "logistic"
    FOREST = "forest"


class Grade(Enum):
    TABLE = "table"
    RESERVE = "reserve"


@dataclass
class Params(DataClassJsonMixin):
    algorithm: Algorithm = Algorithm.LOGISTIC
    strength: float = 1.0
    trees: int = 25


@dataclass
class Scores:
    accuracy: float
    f1: float
    per_cultivar: Dict[str, float] = field(default_factory=dict)
    mistakes: List[int] = field(default_factory=list)
