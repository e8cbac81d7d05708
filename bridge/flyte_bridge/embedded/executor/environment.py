"""What a task's process finds in its environment.

Built from a whitelist, never copied: an inherited `FLYTECTL_CONFIG`, `FLYTE_API_KEY` or proxy would send the task to
another
backend (`flyte/_initialize.py`, `init_in_cluster`). Later layers win:

| layer | holds |
|---|---|
| the machine | `INHERITED`, and what the user names |
| the backend | where it is, where its storage is; for Flyte 1's tasks also where Flyte 1's control plane is: here |
| the template | the container's `env` |
| the run | `RunSpec.envs` |
| the attempt | who it is: what the Kubernetes executor sets |
| secrets | as the secret store injects them |

Sources: `executor/pkg/plugin/task_exec_metadata.go`, `flyteplugins/…/flytek8s/k8s_resource_adds.go`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from flyte_bridge.backend.credentials import TOKEN_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from flyteidl2.core.identifier_pb2 import Identifier

    from flyte_bridge.embedded.executor.attempt_files import AttemptFiles
    from flyte_bridge.embedded.executor.interpreters import Interpreter
    from flyte_bridge.embedded.executor.job import AttemptJob
    from flyte_bridge.embedded_client.access import Access

INHERITED = (
    "CURL_CA_BUNDLE",
    "DYLD_LIBRARY_PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "REQUESTS_CA_BUNDLE",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
    "USER",
)
"""What a process needs of the machine. PATH and PYTHONPATH are made, TMPDIR is the attempt's own."""

ALWAYS = {
    "AWS_EC2_METADATA_DISABLED": "true",  # no second lost looking for a cloud's credentials
    "DO_NOT_TRACK": "1",  # the SDK reports to Sentry otherwise (`flyte/_sentry.py`)
    "FLYTE_DISABLE_TELEMETRY": "1",
    "PYTHONUNBUFFERED": "1",  # logs are followed while they are written
}

WAITS = {"AWS_MAX_ATTEMPTS": "60", "AWS_RETRY_MODE": "standard"}
"""What botocore reads, and so s3fs, which flytekit reads and writes by: a store that does not answer is waited for, nine
minutes on average (10 s between tries from the sixth on). By its own default it is given up after 17 s, with what the body has
come to. A task that wants otherwise sets them itself."""

_READ_BY_IMPORTS = re.compile(
    r"""(
        AIOBOTO | ARROW_ | AWS_DATA_PATH | BOTO | DYLD_ | FLYTE_IO_ | FLYTE_SDK_ | FSSPEC_ | GRPC_ | LD_ | LOG_
      | MALLOC_ | MKL_ | NUMEXPR_ | OBSTORE_ | OMP_ | OPENBLAS_ | PANDAS_ | PYDANTIC_ | PYTHON(?!PATH$|UNBUFFERED$)
      | RUST_ | TOKIO_ | _F_P_ | _F_TE_
    )""",
    re.VERBOSE,
)
"""Names that an interpreter, or a module our forkservers have imported, reads once. LOG_ is only read once by flytekit;
`zygote_flyte` has its logger read it again."""


def backend(endpoint: str, access: Access | None, token_file: Path, *, tells_driver: bool = True) -> dict[str, str]:
    """What every task is told about the backend; for `Executor.start`.

    Args:
        endpoint: `host:port`; plain HTTP.
        access: What opens it; without, nothing has to, but S3 clients do not go without keys.
        token_file: Where its token lies.
        tells_driver: Whether Flyte 1's driver learns whose it is: a real backend wants other things of dynamic tasks.
    """
    told = {} if access is None else {
        TOKEN_FILE: str(token_file),
        "FLYTE_CREDENTIALS_PROXY_COMMAND": f"cat,{token_file}",  # read by flytekit
    }  # fmt: skip
    return told | {
        **WAITS,
        "AWS_REGION": "us-east-1",  # any; S3 clients demand one
        **({"FLYTE_BRIDGE_EMBEDDED": "1"} if tells_driver else {}),
        "FLYTE_AWS_ACCESS_KEY_ID": "any" if access is None else access.s3_key,
        "FLYTE_AWS_ENDPOINT": f"http://{endpoint}",
        "FLYTE_AWS_SECRET_ACCESS_KEY": "any" if access is None else access.s3_secret,
        "_U_EP_OVERRIDE": endpoint if access is None else f"{endpoint}/{access.segment}",
        "_U_INSECURE": "true",
        "_U_USE_ACTIONS": "1",  # else the SDK falls back to the services ActionsService replaced
    }


def machine(extra: Iterable[str] = ()) -> dict[str, str]:
    """The machine's layer: `INHERITED` and the names in `extra`, as far as they are set here."""
    return {name: os.environ[name] for name in (*INHERITED, *extra) if name in os.environ}


def path_of_machine() -> str:
    """The machine's PATH."""
    return os.environ.get("PATH") or os.defpath


def build(
    job: AttemptJob,
    task: Identifier,
    files: AttemptFiles,
    interpreter: Interpreter,
    *,
    base: Mapping[str, str],
    template: Mapping[str, str],
    flytekit: bool = False,
) -> dict[str, str]:
    """Build the environment of one attempt; see the module for the layers.

    Args:
        job: The attempt.
        task: Its task.
        files: Its directories.
        interpreter: What runs it.
        base: The machine's and the backend's layers.
        template: The container's own.
        flytekit: Whether it is one of Flyte 1's tasks, whose `FlyteRemote` shall find the façade.
    """
    env = {**ALWAYS, **base, **_flyte_1(base, flytekit=flytekit), **template, **job.env, **_identity(job, task)}
    env |= job.secrets
    env["TMPDIR"] = str(files.tmp)
    env["PATH"] = os.pathsep.join([str(interpreter.bin), env.get("PATH") or path_of_machine()])
    path = [*(env.get("PYTHONPATH", "").split(os.pathsep)), *interpreter.path]
    env["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(entry for entry in path if entry))
    if not env["PYTHONPATH"]:
        del env["PYTHONPATH"]
    return env


def needs_own_interpreter(changes: Mapping[str, str], base: Mapping[str, str], *, logs: bool) -> bool:
    """Tell whether a task sets something that a forkserver's imports have already read, to another value.

    Args:
        changes: What the template, the run and the secrets set.
        base: What the forkserver was started with.
        logs: Whether the LOG_ variables count.
    """
    return any(
        _READ_BY_IMPORTS.match(name) and (logs or not name.startswith("LOG_")) and base.get(name) != value
        for name, value in changes.items()
    )


def _flyte_1(base: Mapping[str, str], *, flytekit: bool) -> dict[str, str]:
    """Where Flyte 1's control plane is, as propeller does not say but eager tasks want to know: here."""
    if not flytekit or "_U_EP_OVERRIDE" not in base:
        return {}
    return {
        "FLYTE_PLATFORM_URL": base["_U_EP_OVERRIDE"].partition("/")[0],
        "FLYTE_PLATFORM_INSECURE": base["_U_INSECURE"],
        # flytekit looks for a token in the keyring, whose search for backends imports the Flyte 2 SDK where both are
        # installed (flyte 2.12.1 is one), and with it another S3 for fsspec, on which flytekit's frames fail
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


def _identity(job: AttemptJob, task: Identifier) -> dict[str, str]:
    key = job.key
    env = {
        "ACTION_NAME": key.name,
        "FLYTE_ATTEMPT_NUMBER": str(job.attempt - 1),
        "FLYTE_INTERNAL_EXECUTION_DOMAIN": key.domain,
        "FLYTE_INTERNAL_EXECUTION_ID": key.run,
        "FLYTE_INTERNAL_EXECUTION_PROJECT": key.project,
        "RUN_NAME": key.run,
        "_F_PN": f"{key.project}-{key.domain}",
        "_U_ORG_NAME": job.org,
        "_U_RUN_BASE": job.run_output_base,
    }
    for prefix in ("FLYTE_INTERNAL_TASK_", "FLYTE_INTERNAL_"):
        env[prefix + "PROJECT"] = task.project or key.project
        env[prefix + "DOMAIN"] = task.domain or key.domain
        env[prefix + "NAME"] = task.name
        env[prefix + "VERSION"] = task.version
    return env
