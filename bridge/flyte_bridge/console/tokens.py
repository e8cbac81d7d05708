"""What proves that a form came from one of our pages: a signed number, good for half a day.

The number also names what the form starts, so that a form that is sent twice starts nothing twice.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import TYPE_CHECKING

from flyte_bridge.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable

LIFE = 12 * 3600
"""Seconds for which a form can be sent."""

FIELD = "form"
"""The name of the field that has the token."""


class FormTokens:
    """Makes the tokens of forms and checks them."""

    def __init__(self, key: str, now: Callable[[], float] = time.time) -> None:
        """Args:
        key: Derived from what browsers log in with, so that a token is worth nothing in another installation.
        now: The time in seconds.
        """
        self._key, self._now = key.encode(), now

    def make(self) -> str:
        """A token for one form."""
        told = f"{secrets.token_hex(12)}.{int(self._now()) + LIFE}"
        return f"{told}.{self._signature(told)}"

    def check(self, token: str) -> str:
        """What the form starts, if it starts something: the same for the same form, and fit for a run's name.

        Raises:
            InvalidRequest: The token is not ours, or too old.
        """
        told, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(told).encode()):
            raise InvalidRequest("This form is not one of this console's: open the page again. Nothing was done.")
        if int(told.rpartition(".")[2]) < self._now():
            raise InvalidRequest("This form has been open for too long: open the page again. Nothing was done.")
        return "c" + hashlib.sha256(told.encode()).hexdigest()[:19]

    def _signature(self, told: str) -> str:
        return hmac.new(self._key, told.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
