"""A full disk: uploads and secrets are refused with a message, and nothing half is left."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import flyte_bridge

SCRIPT = """
    import asyncio, resource, sys
    from pathlib import Path

    from connectrpc.errors import ConnectError
    from flyteidl2.common import identifier_pb2
    from flyteidl2.core import literals_pb2
    from flyteidl2.dataproxy import dataproxy_service_pb2 as pb
    from flyteidl2.dataproxy.dataproxy_service_connect import DataProxyServiceClient
    from flyteidl2.secret import definition_pb2, payload_pb2
    from flyteidl2.secret.secret_connect import SecretServiceClient
    from flyteidl2.task import common_pb2, task_definition_pb2
    from flyte_bridge.embedded.server import Backend, BackendOptions

    async def main():
        async with Backend(BackendOptions(Path(sys.argv[1]), warm=())) as backend:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, resource.RLIM_INFINITY))
            text = literals_pb2.Primitive(string_value="x" * (1 << 20))
            literal = literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=text))
            inputs = common_pb2.Inputs(literals=[common_pb2.NamedLiteral(name="x", value=literal)])
            project = identifier_pb2.ProjectIdentifier(name="flytesnacks", domain="development")
            request = pb.UploadInputsRequest(
                project_id=project, task_spec=task_definition_pb2.TaskSpec(), inputs=inputs
            )
            secret = payload_pb2.CreateSecretRequest(
                id=definition_pb2.SecretIdentifier(name="s"),
                secret_spec=definition_pb2.SecretSpec(binary_value=b"x" * 600_000),
            )
            for call in (
                DataProxyServiceClient(f"{backend.url}/{backend.access.segment}").upload_inputs(request),
                SecretServiceClient(f"{backend.url}/{backend.access.segment}").create_secret(secret),
            ):
                try:
                    await call
                except ConnectError as error:
                    print(error.code.value, error.message)

    asyncio.run(main())
"""


def test_a_full_disk_refuses(tmp_path: Path) -> None:
    """Inputs and secrets that do not fit are RESOURCE_EXHAUSTED, with what to do, and leave no file.

    The process's file size limit stands for the disk: the kernel refuses the write in its middle just so.
    """
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    environment = {**os.environ, "PYTHONPATH": str(Path(flyte_bridge.__file__).parents[1])}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 2, done.stdout
    for line in said:
        assert line.startswith("resource_exhausted")
        assert "disk is full" in line
    left = [*(tmp_path / "data" / "objects").rglob("*"), *(tmp_path / "data" / "secrets").rglob("*")]
    assert [path.name for path in left if path.is_file()] == [".signing-key"]
