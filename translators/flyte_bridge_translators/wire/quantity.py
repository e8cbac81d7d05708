"""Kubernetes' quantities: `500m`, `2`, `1.5Gi`, `1e3` (`k8s.io/apimachinery/pkg/api/resource/quantity.go`)."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?[0-9]+))?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


class BadQuantity(ValueError):
    """Raised when a text is no quantity of Kubernetes'."""


def quantity(written: str) -> Decimal:
    """The value of a quantity, such as `500m` or `2Gi`.

    Raises:
        BadQuantity: It is none.
    """
    found = _QUANTITY.fullmatch(written)
    if found is None:
        raise BadQuantity("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    number, suffix, exponent = found.groups()
    value = Decimal(number)
    if suffix in _BINARY:
        return value * Decimal(1024) ** _BINARY[suffix]
    return value.scaleb(_DECIMAL[suffix] if suffix else min(max(int(exponent or 0), -1000), 1000))


def is_quantity(written: str) -> bool:
    """Whether this is a quantity."""
    return _QUANTITY.fullmatch(written) is not None
