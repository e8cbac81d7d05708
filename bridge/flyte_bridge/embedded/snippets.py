"""What to tell `flyte` and flytekit so that they use an embedded backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from flyte_bridge.embedded.instance import Instance

PROJECT = "flytesnacks"
"""The project every data directory begins with; also the one that Flyte's own local set-ups begin with."""

DOMAIN = "development"

ACCESS_KEY = "embedded"
SECRET_KEY = "embedded"
"""The object store checks no signature, but clients refuse to work without a key pair."""


def flyte_yaml(running: Instance) -> str:
    """A `config.yaml` for `flyte`.

    `image.builder: remote` lets the backend answer what an image is called; nothing is built, tasks run in local
    processes. `task.org` is a name the SDK wants to have and the backend ignores.
    """
    settings = {
        "admin": {"endpoint": running.endpoint, "insecure": True},
        "image": {"builder": "remote"},
        "task": {"org": "local", "project": PROJECT, "domain": DOMAIN},
    }
    return str(yaml.safe_dump(settings, sort_keys=False))


def flyte_environment(running: Instance) -> dict[str, str]:
    """Environment variables for `flyte`: where that file is, and what the SDK needs to download files from the backend.

    The SDK reads its `FLYTE_ADMIN_…` variables only when there is a configuration file (2.12.1), hence the file.
    """
    return {
        "FLYTECTL_CONFIG": running.client_config,
        "FLYTE_AWS_ENDPOINT": running.url,
        "FLYTE_AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "FLYTE_AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
    }


def flytekit_environment(running: Instance) -> dict[str, str]:
    """Environment variables for flytekit, `pyflyte` and `FlyteRemote`."""
    return {
        "FLYTE_PLATFORM_URL": running.endpoint,
        "FLYTE_PLATFORM_INSECURE": "true",
        "FLYTE_AWS_ENDPOINT": running.url,
        "FLYTE_AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "FLYTE_AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }
