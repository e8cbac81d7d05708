"""What is left of Flyte 1 in a text: the names by which it is known, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

VARIABLES: Mapping[str, str] = {
    "FLYTE_PLATFORM_URL": "FLYTE_ADMIN_ENDPOINT",
    "FLYTE_PLATFORM_INSECURE": "FLYTE_ADMIN_INSECURE",
    "FLYTE_CREDENTIALS_AUTH_MODE": "FLYTE_AUTH_TYPE",
    "FLYTE_CREDENTIALS_CLIENT_ID": "FLYTE_API_KEY",
    "FLYTE_CREDENTIALS_CLIENT_SECRET": "FLYTE_API_KEY",
    "FLYTE_DEFAULT_PROJECT": "FLYTE_TASK_PROJECT",
    "FLYTE_DEFAULT_DOMAIN": "FLYTE_TASK_DOMAIN",
    "FLYTE_SDK_LOGGING_LEVEL": "LOG_LEVEL",
    "FLYTE_SDK_LOGGING_FORMAT": "LOG_FORMAT",
    "FLYTE_PUSH_IMAGE_SPEC": "FLYTE_IMAGE_BUILDER",
    "FLYTE_FORCE_PUSH_IMAGE_SPEC": "FLYTE_IMAGE_BUILDER",
}
"""Environment variable of flytekit → the one of flyte 2.12 that is nearest to it; the values are not all the same."""

NAMES = re.compile(
    r"(?<![\w-])(?:flytekit(?:plugins)?|pyflyte|flytectl|FlyteRemote|flyteidl|unionai"
    + "".join(f"|{name}" for name in VARIABLES)
    + r")(?![a-z0-9])",
)
"""A name of Flyte 1 in running text; `flyteidl2` and `my-pyflyte` are none."""

IN_BYTES = re.compile(NAMES.pattern.encode())
"""The same in bytes, to tell which files have to be read."""


@dataclass(frozen=True)
class Mention:
    """A name of Flyte 1 in a text: the name, and its offset."""

    name: str
    offset: int


def mentions(text: str) -> Iterator[Mention]:
    """The names of Flyte 1 in a text; our own TODOs are none."""
    offset = 0
    for line in text.splitlines(keepends=True):
        if "TODO(flyte-bridge FB" not in line:
            yield from (Mention(match[0], offset + match.start()) for match in NAMES.finditer(line))
        offset += len(line)
