"""Which names may be: the rules the real backend enforces by its CRD schema, checked before anything is written.

The real one answers CreateRun with success and leaves the run QUEUED for ever when such a rule is broken; here the
caller is told.
"""

from __future__ import annotations

import re
import secrets
import string
from typing import TYPE_CHECKING

from flyte_bridge.embedded.faults import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_DNS_1123 = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")

MAX_RUN = 30
MAX_ACTION = 30
MAX_LABEL = 63
LIMITS = {"group": 256, "task type": 63, "short name": 63, "cache key": 256, "environment": 63, "condition name": 255}
"""Longest texts (characters), by what they are."""


def run(name: str) -> str:
    """A run's name, if it may be one.

    Raises:
        InvalidRequest: It may not.
    """
    return _check("run", name, _DNS_1035, MAX_RUN, "begin with a letter")


def action(name: str) -> str:
    """An action's name, if it may be one.

    Raises:
        InvalidRequest: It may not.
    """
    return _check("action", name, _DNS_1123, MAX_ACTION, "begin with a letter or digit")


def domain(name: str) -> str:
    """A domain's name, if it may be one.

    Raises:
        InvalidRequest: It may not.
    """
    return _check("domain", name, _DNS_1123, MAX_LABEL, "begin with a letter or digit")


def _check(what: str, name: str, pattern: re.Pattern[str], longest: int, beginning: str) -> str:
    if not pattern.fullmatch(name) or len(name) > longest:
        raise InvalidRequest(
            f"{what} name {name!r} must be 1 to {longest} lower-case letters, digits and dashes, "
            f"{beginning} and not end with a dash"
        )
    return name


def limit(what: str, text: str) -> str:
    """A text, if it is short enough.

    Raises:
        InvalidRequest: It is longer than `LIMITS[what]`.
    """
    if len(text) > LIMITS[what]:
        raise InvalidRequest(f"{what} {text[:40]!r}… has {len(text)} characters, more than {LIMITS[what]}")
    return text


def labels(values: Mapping[str, str]) -> None:
    """Checks a run's labels by Kubernetes' rules, so that what runs here runs on a cluster.

    Raises:
        InvalidRequest: A key or a value may not be.
    """
    for key, value in values.items():
        prefix, slash, name = key.rpartition("/")
        if slash and (not _LABEL_PREFIX.fullmatch(prefix) or len(prefix) > 253):
            raise InvalidRequest(f"label {key!r}: the prefix must be a DNS name")
        for what, text in (("name", name), ("value", value)):
            if what == "value" and not text:
                continue
            if not _LABEL_NAME.fullmatch(text) or len(text) > MAX_LABEL:
                raise InvalidRequest(
                    f"label {key!r}: the {what} {text!r} must be at most {MAX_LABEL} letters, digits, dashes, "
                    "underscores and dots, and begin and end with a letter or digit"
                )


def new_run() -> str:
    """A fresh run name, in the real backend's form: `r` and 19 random characters."""
    return "r" + "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(19))
