"""What Flyte 2's secrets do not have: no key, versions, other mounts."""

import pathlib
import flyte

env = flyte.TaskEnvironment(
    name="by_hand",
    secrets=[
        flyte.Secret(key="whole-group", as_env_var="WHOLE_GROUP"),
        flyte.Secret(key="password", group="db", as_env_var="DB_PASSWORD"),
        flyte.Secret(
            key="cert.pem",
            group="tls",
            mount=pathlib.Path("/etc/flyte/secrets"),
            as_env_var="TLS_CERT_PEM",
        ),
    ],
)


# TODO(flyte-bridge FB333): the secret Secret(group="whole-group") has no key: name it by key
# TODO(flyte-bridge FB333): group_version="v2": Flyte 2 has no secret versions
# TODO(flyte-bridge FB333): the secret tls/cert.pem is mounted as a file: it is under /etc/flyte/secrets now, besides its variable
@env.task
def connect() -> str:
    from flytekit import current_context

    # TODO(flyte-bridge FB333): current_context().secrets.get_secrets_file("tls", "cert.pem"): request the secret with `mount=pathlib.Path('/etc/flyte/secrets')` and read it there
    with open(current_context().secrets.get_secrets_file("tls", "cert.pem")) as lines:
        return lines.read()
