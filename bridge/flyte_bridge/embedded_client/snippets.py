"""What to tell `flyte` and flytekit so that they use an embedded backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from flyte_bridge.embedded_client.instance import Instance

PROJECT = "flytesnacks"
"""The project every data directory begins with; also the one that Flyte's own local set-ups begin with."""

DOMAIN = "development"

_ANY = "any"
"""Where nobody needs a token no signature is checked, but S3 clients refuse to work without a key pair."""


def flyte_yaml(running: Instance) -> str:
    """A `config.yaml` for `flyte`.

    `image.builder: remote` lets the backend answer what an image is called; nothing is built, tasks run in local
    processes. `task.org` is a name the SDK wants to have and the backend ignores. The endpoint's path is what lets
    the SDK in; see `access`.
    """
    access = running.access
    endpoint = running.endpoint if access is None else f"{running.endpoint}/{access.segment}"
    settings = {
        "admin": {"endpoint": endpoint, "insecure": True},
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
        **_storage(running),
        "AWS_REGION": "us-east-1",
    }


def flytekit_environment(running: Instance) -> dict[str, str]:
    """Environment variables for flytekit, `pyflyte` and `FlyteRemote`."""
    proof = {"FLYTE_CREDENTIALS_PROXY_COMMAND": f"cat,{running.token_file}"} if running.require_token else {}
    return {
        "FLYTE_PLATFORM_URL": running.endpoint,
        "FLYTE_PLATFORM_INSECURE": "true",
        **proof,
        **_storage(running),
    }


def s3_keys(running: Instance) -> tuple[str, str]:
    """The object store's access key id and secret access key."""
    access = running.access
    return (_ANY, _ANY) if access is None else (access.s3_key, access.s3_secret)


def _storage(running: Instance) -> dict[str, str]:
    key, secret = s3_keys(running)
    return {"FLYTE_AWS_ENDPOINT": running.url, "FLYTE_AWS_ACCESS_KEY_ID": key, "FLYTE_AWS_SECRET_ACCESS_KEY": secret}


def console_url(running: Instance) -> str:
    """Where a browser finds the console; each logs one in, once, if a login is needed."""
    access = running.access
    if access is None:
        return f"{running.url}/"
    from flyte_bridge.embedded_client.login_url import url

    return url(running.url, access)
