"""What must be known of an address is said before anybody can use it (issue 12, J)."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from .conftest import user_environment

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge.embedded_client import instance

ELSEWHERE = "192.0.2.1"
"""An address of RFC 5737, for documentation: no machine has it, so nothing is ever listened on."""


def test_the_warning_is_there_before_the_port(backend: instance.Instance, tmp_path: Path) -> None:
    """`serve` warns of an address that others reach, though it then cannot listen there."""
    command = [
        sys.executable,
        "-m",
        "flyte_bridge_cli.main",
        "serve",
        "--host",
        ELSEWHERE,
        "--data-dir",
        backend.data_dir,
    ]
    done = subprocess.run(
        command, env=user_environment(tmp_path), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    warning, error = done.stderr.splitlines()[0], done.stderr.splitlines()[-1]
    assert "--tls-cert" in warning
    assert "cannot be listened on" in error
