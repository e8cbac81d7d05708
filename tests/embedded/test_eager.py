"""Eager tasks of Flyte 1: their executions go through the façade on the embedded backend's own port."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flyte_bridge.embedded_client import instance, snippets

if TYPE_CHECKING:
    import pytest

CODE = Path(__file__).with_name("code")


def test_an_eager_task_runs_tasks_and_workflows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registered and started by an unmodified FlyteRemote; told by nobody but its environment where Flyte 1 is.

    Nothing but flytekit gets into its process, although the Flyte 2 SDK is installed beside it.
    """
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(CODE), os.environ.get("PYTHONPATH", "")]))
    running = instance.start(tmp_path / "data")
    try:
        env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
        env |= snippets.flytekit_environment(running) | {"HOME": str(tmp_path), "DO_NOT_TRACK": "1"}
        done = subprocess.run(
            [sys.executable, str(CODE / "run_eager.py")],
            env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told = [line for line in done.stdout.splitlines() if line.startswith("TOLD ")]
        phase, error, outputs = json.loads(told[0].removeprefix("TOLD "))
        assert (phase, error) == (4, "None")
        assert outputs == [15, False]
    finally:
        instance.stop(tmp_path / "data")
