"""`flyte-bridge demo`: the whole way with nothing configured, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.embedded_client import instance

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

COMMAND = [sys.executable, "-m", "flyte_bridge_cli.main", "demo"]


def test_the_whole_way(tmp_path: Path) -> None:
    """Each step does what it says, whatever else is configured; the report is one page, and no backend is left."""
    place = tmp_path / "demo"
    env = {**os.environ, "FLYTE_BRIDGE_ENDPOINT": "127.0.0.1:1", "FLYTE_BRIDGE_TOKEN": "nobody's"}
    done = subprocess.run(
        [*COMMAND, "--keep", str(place), "--json"], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    results = [step["result"] for step in told["steps"]]
    assert "4 converts" in results
    assert "corrected(total=40): 42" in results
    assert "same, 3 nodes" in results
    assert "2026-01-05 same, 2026-01-06 same, 2026-01-07 same" in results
    assert "2026-01-05 same" in results
    assert results[-1] == "Flyte 1 → Flyte 2 → Flyte 1"
    assert "<html" in (place / "report.html").read_text()
    assert "import flyte\n" in (place / "converted" / "sales.py").read_text()
    assert sorted(path.name for path in place.iterdir() if path.name in ("v1", "v2")) == []


def test_interrupted(tmp_path: Path) -> None:
    """Ctrl-C in the middle stops both backends and exits with 130."""
    with subprocess.Popen(
        [*COMMAND, "--keep", str(tmp_path)], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        backends = []
        for line in process.stderr:
            if line.startswith("register"):
                backends = [instance.find(tmp_path / name) for name in ("v1", "v2")]
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(60) == 130
    assert all(backends)
    for backend in backends:
        assert backend is not None
        host, port = backend.endpoint.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=5)
    assert not (tmp_path / "v1").exists()
