"""What Flyte 2's secrets do not have: no key, versions, other mounts."""

from flytekit import Secret, current_context, task


@task(
    secret_requests=[
        Secret(group="whole-group"),
        Secret(group="db", key="password", group_version="v2"),
        Secret(group="tls", key="cert.pem", mount_requirement=Secret.MountType.FILE),
    ]
)
def connect() -> str:
    with open(current_context().secrets.get_secrets_file("tls", "cert.pem")) as lines:
        return lines.read()
