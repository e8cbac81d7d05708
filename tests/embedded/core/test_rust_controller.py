"""The SDK's other controller, written in Rust, which speaks gRPC over h2c."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from .client import DOMAIN, PROJECT
from .conftest import running

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Running

PROGRAM = textwrap.dedent(
    """
    import asyncio, os, pathlib, sys

    import flyte

    env = flyte.TaskEnvironment(name="rusty")

    @flyte.trace
    async def add(x: int, y: int) -> int:
        return x + y

    @env.task
    async def double(x: int) -> int:
        if x == 13:
            raise ValueError("unlucky")
        return 2 * x

    @env.task
    async def main(n: int) -> str:
        doubled = await asyncio.gather(*(double(x) for x in range(n)))
        try:
            await double(13)
        except flyte.errors.RuntimeUserError as error:
            failed = error.code
        assert os.environ["_F_USE_RUST_CONTROLLER"] == "1"
        return f"{await add(sum(doubled), 1)} {failed}"

    if __name__ == "__main__":
        endpoint, project, domain = sys.argv[1:]
        flyte.init(
            endpoint=endpoint, insecure=True, org="local", project=project, domain=domain,
            root_dir=pathlib.Path(__file__).parent.absolute(),
        )
        run = flyte.with_runcontext(env_vars={"_F_USE_RUST_CONTROLLER": "1"}).run(main, n=4)
        run.wait(quiet=True)
        print("RESULT", run.outputs()[0], flush=True)
    """
)


@pytest.mark.skipif(
    importlib.util.find_spec("flyte_controller_base") is None, reason="flyte-controller-base has no wheel here"
)
def test_the_rust_controller_runs_children_and_traces(tmp_path: Path) -> None:
    """Children, a failing child and a trace, through the Rust controller of an unmodified SDK.

    It keeps nothing of an endpoint but host and port, and sends no header, so it needs a backend without a token.
    """
    with running(tmp_path / "data", require_token=False) as server:
        _run(server, tmp_path)


def _run(server: Running, tmp_path: Path) -> None:
    program = tmp_path / "code" / "rusty.py"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, str(program), server.endpoint, PROJECT, DOMAIN]
    done = subprocess.run(
        command, env=environment, cwd=program.parent, capture_output=True, text=True, timeout=120, check=False
    )
    assert "RESULT 13 ValueError" in done.stdout, done.stdout + done.stderr
