"""The two ways in which tests run the embedded backend: its own, and as the Go one (`embedded/go_like`)."""

from __future__ import annotations

import os
from typing import Any

import pytest

FULL = bool(os.environ.get("FLYTE_BRIDGE_TEST_FULL"))
"""Whether all that can run both ways does; else the Go way has a sample, what is marked `go_like`."""

OWN, GO = "own", "go"


def both_ways() -> list[Any]:
    """The parameters of a fixture that is a backend."""
    return [pytest.param(OWN, id=OWN), pytest.param(GO, id=GO)]


def leave_out(items: list[Any]) -> list[Any]:
    """The tests of the Go way that do not run this time."""
    return [
        item
        for item in items
        if not FULL
        and any(isinstance(value, str) and value == GO for value in _parameters(item))
        and item.get_closest_marker("go_like") is None
    ]


def _parameters(item: Any) -> list[Any]:
    """What a test is parametrized with; of any type, arrays among them."""
    return list(item.callspec.params.values()) if hasattr(item, "callspec") else []
