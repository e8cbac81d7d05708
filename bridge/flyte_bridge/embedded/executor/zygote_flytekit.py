"""The forkserver that has flytekit imported. Only ever imported by `zygote`, in a process that never sees `flyte`."""

from __future__ import annotations

import functools
import importlib
import mimetypes
import os
import sys
from contextlib import suppress

MODULES = (
    "flytekit.bin.entrypoint",
    "flytekit.core.array_node_map_task",
    "flytekit.core.python_auto_container",
    "flytekit.deck",
    "flytekit.extras.accelerators",
    "aiobotocore.session",
    "fsspec.implementations.local",
    "mashumaro.codecs.msgpack",
    "mashumaro.jsonschema",
    "mashumaro.mixins.json",
    "s3fs",
)
"""What a task imports before it reaches its own code; a module that a release no longer has is passed over."""

COMMANDS = {
    "pyflyte-execute": "execute_task_cmd",
    "pyflyte-fast-execute": "fast_execute_task_cmd",
    "pyflyte-map-execute": "map_execute_task_cmd",
}
"""Console script → the command of `flytekit.bin.entrypoint` behind it."""


def prepare() -> None:
    """Import, and read what every task would read again."""
    # flytekit chooses between rich and JSON logs when imported, by whether it is in an execution.
    os.environ.setdefault("FLYTE_INTERNAL_EXECUTION_ID", "zygote")
    for name in MODULES:
        with suppress(ImportError):
            importlib.import_module(name)
    with suppress(Exception):  # of no use with another release, and no harm
        _warm_s3()
    with suppress(Exception):
        importlib.import_module("docstring_parser").parse("Fill the cache of compiled expressions.")
    mimetypes.init()  # reads the machine's tables, which s3fs asks with each file it writes


def _warm_s3() -> None:
    """Have botocore keep what it reads for a client: 2 MB of JSON, almost half of a small task's CPU time.

    It keeps it per session (`botocore.loaders`, 1.43), and s3fs makes one for each file system; one loader for all of a
    process's sessions reads the same files once, and the forked tasks find them read. Nothing is connected, and no thread
    is started.
    """
    import botocore.session
    from aiobotocore.session import AioSession
    from botocore.loaders import create_loader

    botocore.session.create_loader = functools.lru_cache(create_loader)
    botocore.session.get_session().create_client(
        "s3", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
    )
    AioSession()  # compiles expressions of its own


def run(argv: list[str]) -> None:
    """Do as the console script does, in a freshly forked process."""
    from flytekit.bin import entrypoint

    # `pyflyte-fast-execute` unpacks the code and starts a second Python, because the first may have imported older
    # code. This one has imported no user code, so it goes on by itself: half the time of an attempt, the same steps.
    entrypoint._run_subprocess = _go_on
    _own_randomness()
    _own_sandbox()
    _call(argv)


def _own_randomness() -> None:
    """Draw other numbers than the siblings: Python seeds its own generator anew after a fork, and no other.

    flytekit's names what it stores raw; numpy's is its users'.
    """
    from flytekit.interfaces.random import random

    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


def _own_sandbox() -> None:
    """Give this process local directories of its own; flytekit makes them when imported (`core/data_persistence.py`)."""
    import tempfile

    from flytekit.configuration import DataConfig
    from flytekit.core.context_manager import FlyteContextManager
    from flytekit.core.data_persistence import FileAccessProvider

    root = tempfile.mkdtemp(prefix="flyte-")
    access = FileAccessProvider(f"{root}/sandbox", f"{root}/raw", data_config=DataConfig.auto())
    context = FlyteContextManager.current_context()
    FlyteContextManager.push_context(context.with_file_access(access).build())


def _call(argv: list[str]) -> None:
    from flytekit.bin import entrypoint

    command = getattr(entrypoint, COMMANDS[os.path.basename(argv[0])])  # noqa: PTH119 - pathlib is not needed for this
    command.main(args=argv[1:], prog_name=argv[0])


def _go_on(command: list[str], env: dict[str, str] | None = None) -> int:
    """Stand in for flytekit's `_run_subprocess(cmd, env)`: the same command, in this process."""
    if os.path.basename(command[0]) not in COMMANDS:  # noqa: PTH119
        import subprocess

        return subprocess.run(command, env=env, check=False).returncode
    if env is not None:
        before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        os.environ.clear()
        os.environ.update(env)
        added = [entry for entry in env.get("PYTHONPATH", "").split(os.pathsep) if entry and entry not in before]
        sys.path[1:1] = added  # behind the script's directory, where Python puts PYTHONPATH
    sys.argv = list(command)
    try:
        _call(command)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    return 0
