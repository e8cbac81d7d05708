"""A span of time as Go prints it (`time.Duration.String`): flyteadmin and flytepropeller have it in their messages."""

from __future__ import annotations

_SECOND = 10**9
_SMALL = {"ms": 10**6, "µs": 10**3, "ns": 1}
"""The units of what is shorter than a second, in nanoseconds."""


def text(nanoseconds: int) -> str:
    """`1h30m0.5s`, `1.5ms`, `0s`.

    Args:
        nanoseconds: The span.
    """
    sign, rest = ("-" if nanoseconds < 0 else ""), abs(nanoseconds)
    if rest < _SECOND:
        for unit, size in _SMALL.items():
            if rest >= size:
                return f"{sign}{_shortest(rest, size)}{unit}"
        return "0s"
    hours, rest = divmod(rest, 3600 * _SECOND)
    minutes, rest = divmod(rest, 60 * _SECOND)
    seconds = f"{_shortest(rest, _SECOND)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def of_seconds(seconds: float) -> str:
    """The same, of seconds."""
    return text(round(seconds * _SECOND))


def _shortest(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else str(whole)
