"""`flyte-bridge exec`, `pyflyte` and `serve` as a user runs them, on programs that know nothing of the bridge."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from flyteidl.service import dataproxy_pb2, dataproxy_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flyte_bridge.embedded_client import access

from .certificates import self_signed

if TYPE_CHECKING:
    from .conftest import User

UPLOAD = """\
    import os
    import sys

    assert "flytekit" not in sys.modules, "the script is the first to import it"
    assert __name__ == "__main__"

    from flytekit.configuration import Config, PlatformConfig, AuthType
    from flytekit.remote.remote import FlyteRemote
    from flytekit.clients.friendly import SynchronousFlyteClient
    import pathlib

    config = Config(PlatformConfig(endpoint="flyte.mycorp.example:443", auth_mode=AuthType.CLIENTSECRET, client_id="a"))
    remote = FlyteRemote(config, default_project="flytesnacks", default_domain="development")
    pathlib.Path("data.txt").write_text("hello")
    _, uri = remote.upload_file(pathlib.Path("data.txt"))
    with remote.file_access.get_filesystem_for_path(uri).open(uri) as file:
        print("read", file.read())
    client = SynchronousFlyteClient(config.platform)
    print("signed", client.get_upload_signed_url("flytesnacks", "development", b"0" * 16, "x").native_url)
    print("arguments", sys.argv[1:], os.path.basename(sys.argv[0]))
    import helper
    print(helper.WORD)
    sys.exit(7)
"""


def test_exec(user: User) -> None:
    """A script with a hard-coded endpoint and a login talks to the embedded backend: uploads, reads, uses the bare
    client; it has its arguments, its neighbours, and its own exit code."""
    user.write("sub/helper.py", "WORD = 'neighbour'")
    done = user.try_bridge("exec", user.write("sub/script.py", UPLOAD), "--wait", "-x", "a b")
    assert done.returncode == 7, done.stderr
    assert "read b'hello'" in done.stdout
    assert "signed s3://" in done.stdout
    assert "arguments ['--wait', '-x', 'a b'] script.py" in done.stdout
    assert "neighbour" in done.stdout


def test_exec_a_module_and_a_program(user: User) -> None:
    """`-m` runs a module; a name is looked for on the PATH, where it must be a Python program."""
    user.write("module.py", "import sys; print(__name__, sys.argv[1:])")
    assert "__main__ ['-v']" in user.bridge("exec", "-m", "module", "-v")
    program = user.write("bin/tool", f"#!{sys.executable}\nimport sys; print('tool', sys.argv[1:])")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    assert "tool ['-h']" in user.bridge("exec", "tool", "-h", PATH=path)


@pytest.mark.parametrize(
    ("script", "word"), [("missing.py", "no such file"), (".", "is a directory"), ("ls", "no Python script")]
)
def test_exec_what_cannot_be(user: User, script: str, word: str) -> None:
    """What is no Python program is a usage error that says so."""
    done = user.try_bridge("exec", script)
    assert done.returncode == 2
    assert word in done.stderr


def test_a_traceback_is_the_scripts(user: User) -> None:
    """An exception in the script ends it as Python does, with its own lines in the traceback and no others."""
    done = user.try_bridge("exec", user.write("bad.py", "def f():\n    raise ValueError('mine')\nf()\n"))
    assert done.returncode == 1
    assert "bad.py" in done.stderr
    assert "ValueError: mine" in done.stderr
    assert "flyte_bridge" not in done.stderr
    assert "runpy" not in done.stderr


def test_bridges_own_remote_in_a_hosted_script(user: User) -> None:
    """A hosted script may import the bridge's FlyteRemote, before or after flytekit; without a configuration it fits."""
    user.write(
        "script.py",
        """
        from flyte_bridge import FlyteRemote
        import flytekit.remote

        remote = FlyteRemote()
        assert issubclass(flytekit.remote.FlyteRemote, FlyteRemote)
        print(remote.default_project, remote.default_domain, remote.config.platform.insecure)
        from flytekit import FlyteFile
        from flytekit.configuration import CopyFileDetection, FastPackageOptions
        """,
    )
    assert "flytesnacks development True" in user.bridge("exec", "script.py")


def test_children_are_hosted(user: User) -> None:
    """Python processes that a hosted script starts are hosted: spawned workers, forked ones, and other scripts; the
    environment's own sitecustomize still runs in them."""
    user.write("own/sitecustomize.py", "print('own sitecustomize')")
    user.write(
        "script.py",
        """
        import multiprocessing
        import subprocess
        import sys

        from flytekit.remote.remote import FlyteRemote


        def work(_):
            remote = FlyteRemote.for_sandbox(default_project="flytesnacks", default_domain="development")
            return [project.id for project in remote.list_projects()]


        if __name__ == "__main__":
            print("here", work(0))
            for way in ("fork", "spawn"):
                with multiprocessing.get_context(way).Pool(2) as pool:
                    print(way, pool.map(work, range(2)))
            if len(sys.argv) == 1:
                subprocess.run([sys.executable, __file__, "again"], check=True)
        """,
    )
    path = os.pathsep.join([str(user.where / "own"), user.env.get("PYTHONPATH", "")])
    said = user.bridge("exec", "script.py", PYTHONPATH=path, PYTHONUNBUFFERED="1")
    assert said.count("here ['flytesnacks']") == 2
    assert said.count("fork [['flytesnacks'], ['flytesnacks']]") == 2
    assert said.count("spawn [['flytesnacks'], ['flytesnacks']]") == 2
    assert said.count("own sitecustomize") >= 6


def test_installing_changes_nothing(user: User) -> None:
    """Importing the bridge, or its FlyteRemote, leaves flytekit's classes and functions as they are."""
    user.write(
        "script.py",
        """
        from flytekit.clients import raw
        from flytekit.remote import remote, FlyteRemote
        import flytekit.configuration
        before = (raw.get_channel, remote.FlyteRemote, dict(vars(FlyteRemote)), set(dir(flytekit.configuration)))
        import flyte_bridge
        bridged = flyte_bridge.FlyteRemote
        after = (raw.get_channel, remote.FlyteRemote, dict(vars(FlyteRemote)), set(dir(flytekit.configuration)))
        assert before == after
        assert bridged is not FlyteRemote
        """,
    )
    done = subprocess.run([sys.executable, "script.py"], cwd=user.where, env=user.env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_pyflyte_help(user: User) -> None:
    """`flyte-bridge pyflyte` is pyflyte, help and all."""
    said = user.bridge("pyflyte", "--help")
    assert "backfill" in said
    assert "--remote" in user.bridge("pyflyte", "run", "--help")


@pytest.mark.parametrize("tls", [False, True])
def test_serve(user: User, tmp_path: Path, tls: bool) -> None:
    """`serve` prints what clients need, answers them on a port of its own, and ends with SIGTERM."""
    words = ["serve", "--port", "0"]
    if tls:
        certificate, key = self_signed(tmp_path)
        words += ["--tls-cert", str(certificate), "--tls-key", str(key)]
    process = subprocess.Popen(
        [sys.executable, "-m", "flyte_bridge_cli.main", *words],
        cwd=user.where,
        env={**user.env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = ""
        for line in process.stdout:
            said += line
            if "FLYTE_PLATFORM_INSECURE" in line:
                break
        try:
            assert f"export FLYTE_PLATFORM_INSECURE={str(not tls).lower()}" in said, said + process.stderr.read()
            found = re.search(r"FLYTE_PLATFORM_URL=(\S+)", said)
            assert found
            endpoint = found[1]
            channel = grpc.insecure_channel(endpoint)
            if tls:
                channel = grpc.secure_channel(endpoint, grpc.ssl_channel_credentials(certificate.read_bytes()))
            with channel:
                health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
                assert health.status == health_pb2.HealthCheckResponse.SERVING
                request = dataproxy_pb2.CreateUploadLocationRequest(
                    project="flytesnacks", domain="development", filename_root="r"
                )
                token = access.read(Path(user.env["FLYTE_BRIDGE_DATA_DIR"])).token
                proof = (("proxy-authorization", f"Bearer {token}"),)
                place = dataproxy_pb2_grpc.DataProxyServiceStub(channel).CreateUploadLocation(request, metadata=proof)
                assert place.signed_url.startswith("http://127.0.0.1:")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.stderr.read()
