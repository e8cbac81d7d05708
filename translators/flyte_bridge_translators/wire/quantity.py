"""Kubernetes' quantities: `500m`, `2`, `1.5Gi`, `1e3` (`k8s.io/apimachinery/pkg/api/resource`)."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?")


def is_valid(text: str) -> bool:
    """Whether this is a quantity."""
    return _QUANTITY.fullmatch(text) is not None


def is_zero(text: str) -> bool:
    """Whether this is a quantity of nothing, in any unit."""
    found = _QUANTITY.fullmatch(text)
    return found is not None and Decimal(found["number"]) == 0
