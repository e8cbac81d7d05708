"""How secrets reach a task: the rules of the real backend's embedded secret manager, as far as processes can have them.

| asked for | given |
|---|---|
| a variable, or in any way | `<env_var>`; without one `_FSEC_<KEY>` and `_FSEC_<GROUP>_<VERSION>_<KEY>`, for flytekit |
| a file, by a Flyte 1 task | `<dir>/<key>`, `<dir>/<group>/<version>/<key>`, `FLYTE_SECRETS_DEFAULT_DIR=<dir>` |
| a file with `env_var` | the same, and `<env_var>` holds its path |
| a file, by a Flyte 2 task | refused: its place is `/etc/flyte/secrets`, which is the machine's, not the task's |
| a secret that is not there | refused: the action fails and says which |

Looked up by key only: in the task's project and domain, then in its domain, then everybody's.
Source: flyteorg/flyte, `flyteplugins/go/tasks/pluginmachinery/secret/embedded_secret_manager.go`; flytekit's
`SecretsManager`.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from flyteidl2.core import security_pb2, tasks_pb2

from flyte_bridge.backend.keys import ActionKey
from flyte_bridge.embedded.faults import InvalidRequest, NotFound, NotSupported
from flyte_bridge.embedded.secret_store import write_private
from flyte_bridge.embedded.watch import ALL

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.secret_store import Secret, SecretStore
    from flyte_bridge.embedded.watch import Hub

ENV_PREFIX = "_FSEC_"
"""flytekit's default prefix; said again in the environment, as the real backend does."""


class SecretInjector:
    """Gives actions their secrets, and takes the files back.

    Args:
        store: The secrets.
        mounts: Where actions' secret files lie, a directory per action.
    """

    def __init__(self, store: SecretStore, mounts: Path) -> None:
        self._store = store
        self._mounts = mounts

    def environment(self, template: tasks_pb2.TaskTemplate, key: ActionKey) -> dict[str, str]:
        """Return the variables an attempt needs for its secrets, after writing the files it needs.

        Raises:
            NotFound: A secret is not there.
            NotSupported: A secret is asked for in a way only a container has.
            InvalidRequest: A secret cannot be an environment variable, or the request names none.
            StoreError: A file cannot be written.
        """
        environment: dict[str, str] = {}
        for asked in template.security_context.secrets:
            if not asked.key:
                raise InvalidRequest("a secret is asked for without a key")
            secret = self._store.find(key.project, key.domain, asked.key)
            if secret is None:
                raise NotFound(
                    f"secret {asked.key!r} is neither in {key.project}/{key.domain} nor everybody's; "
                    f"`flyte create secret {asked.key}` makes it"
                )
            if asked.mount_requirement == security_pb2.Secret.MountType.FILE:
                environment.update(_as_file(template, asked, secret, self._directory(key)))
            else:
                environment.update(_as_variable(asked, secret))
        return environment

    def release(self, key: ActionKey) -> None:
        """Remove the files of an action that has ended."""
        directory = self._directory(key)
        if directory.is_dir():
            shutil.rmtree(directory, ignore_errors=True)

    async def sweep(self, ledger: Ledger, hub: Hub) -> None:
        """Remove the files of every action that ends, and of those that ended unseen; for ever."""
        with hub.subscribe(ALL) as changes:
            for directory in self._mounts.glob("*/*/*/*"):
                key = ActionKey(*directory.relative_to(self._mounts).parts)
                record = ledger.find(key)
                if record is None or record.phase.terminal:
                    self.release(key)
            async for record in changes:
                if record.phase.terminal:
                    self.release(record.key)

    def _directory(self, key: ActionKey) -> Path:
        return self._mounts / key.project / key.domain / key.run / key.name


def _as_variable(asked: security_pb2.Secret, secret: Secret) -> dict[str, str]:
    try:
        value = secret.value.decode("utf-8")
    except UnicodeDecodeError:
        value = "\0"
    if "\0" in value:
        raise InvalidRequest(f"secret {asked.key!r} is no text, so no environment variable; ask for it as a file")
    if asked.env_var:
        return {asked.env_var: value}
    named = "_".join(part.upper() for part in (asked.group, asked.group_version, asked.key) if part)
    names = {ENV_PREFIX + asked.key.upper(), ENV_PREFIX + named}
    return {"FLYTE_SECRETS_ENV_PREFIX": ENV_PREFIX, **dict.fromkeys(sorted(names), value)}


def _as_file(
    template: tasks_pb2.TaskTemplate, asked: security_pb2.Secret, secret: Secret, directory: Path
) -> dict[str, str]:
    if not asked.env_var and not _is_flytekit(template):
        raise NotSupported(
            f"secret {asked.key!r} is asked for as a file in /etc/flyte/secrets, which only a container has to itself; "
            f"ask for it as a variable: flyte.Secret({asked.key!r}, as_env_var=…)"
        )
    parts = [part.lower() for part in (asked.group, asked.group_version, asked.key) if part]
    if any("/" in part or part in {".", ".."} or "\0" in part for part in parts):
        raise InvalidRequest(f"secret {asked.key!r}: group, version and key of a file cannot be paths")
    paths = {directory / parts[-1], directory.joinpath(*parts)}
    for path in paths:
        write_private(path, secret.value)
    environment = {"FLYTE_SECRETS_DEFAULT_DIR": str(directory), "FLYTE_SECRETS_FILE_PREFIX": ""}
    if asked.env_var:
        environment[asked.env_var] = str(directory / parts[-1])
    return environment


def _is_flytekit(template: tasks_pb2.TaskTemplate) -> bool:
    words = [*template.container.command, *template.container.args]
    return any(word.startswith("pyflyte") for word in words)
