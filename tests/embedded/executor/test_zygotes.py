"""What forkservers have done before the first task, so that no task does it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flyte_bridge.embedded import executor

LOADED = """
import asyncio, importlib.util, os, sys
spec = importlib.util.spec_from_file_location("zygote_under_test", sys.argv[1])
zygote = importlib.util.module_from_spec(spec)
spec.loader.exec_module(zygote)
zygote.prepare()
threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
"""


def _python(flavour: str, code: str, home: Path) -> str:
    script = Path(executor.__file__).with_name(f"zygote_{flavour}.py")
    env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    env |= {"HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path), "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-c", LOADED + code, str(script)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_a_forked_flytekit_task_reads_no_botocore_data(tmp_path: Path) -> None:
    """A client of S3 is made without reading one file of botocore's data, by each session of a process."""
    code = """
import botocore.loaders
from aiobotocore.session import AioSession

def refuse(*_):
    raise AssertionError("read again")

botocore.loaders.JSONFileLoader.load_file = refuse

async def main():
    for _ in range(2):
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        async with AioSession().create_client("s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:1", **keys) as s3:
            print(threads, type(s3).__name__)

asyncio.run(main())
"""
    assert _python("flytekit", code, tmp_path) == "1 S3"


def test_the_drivers_forkserver_knows_no_sdk_and_no_server(tmp_path: Path) -> None:
    """It has the driver, gRPC and storage imported, in one thread; neither SDK, nor what only the server needs."""
    code = """
wanted = ("flyte_bridge.driver.main", "grpc.aio", "obstore.store", "networkx")
unwanted = ("flyte", "flytekit", "libcst", "pydantic", "connectrpc", "hypercorn", "s3fs", "flyte_bridge.embedded")
print(threads, [one for one in wanted if one not in sys.modules], [one for one in unwanted if one in sys.modules])
"""
    assert _python("driver", code, tmp_path) == "1 [] []"
