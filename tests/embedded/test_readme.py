"""The README's commands for the embedded backend, run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flyte_bridge.embedded import instance

README = Path(__file__).parents[2] / "README.md"
SECTION = "## A Flyte 2 on one machine"


def blocks() -> dict[str, str]:
    """The section's code blocks by language."""
    section = README.read_text().partition(SECTION)[2].partition("\n## ")[0]
    return dict(re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL))


@pytest.mark.skipif(sys.platform == "win32", reason="the block is for a POSIX shell")
def test_the_readme_works_as_it_stands(tmp_path: Path) -> None:
    """In an empty home: up, run with --follow, get run, down."""
    found = blocks()
    (tmp_path / "hello.py").write_text(found["python"])
    # The commands are those of this interpreter; `flyte-bridge` may be another checkout's, so it is spelled out.
    here = Path(sys.executable).parent
    shell = f'flyte-bridge() {{ "{sys.executable}" -m flyte_bridge_cli.main "$@"; }}\nset -e\n{found["bash"]}'
    shell = shell.replace("flyte-bridge", "flyte_bridge").replace(
        "/flyte_bridge/flyte.yaml", "/flyte-bridge/flyte.yaml"
    )
    env = {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    env |= {"PATH": f"{here}:{os.environ['PATH']}", "HOME": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "200"}
    env |= {"DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1"}
    try:
        done = subprocess.run(
            ["bash", "-c", shell], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240, check=False
        )
    finally:
        instance.stop(tmp_path / ".local" / "share" / "flyte-bridge")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Embedded Flyte 2 backend at http://127.0.0.1:" in done.stdout
    assert "Hello, you!" in done.stdout
    assert "hello.main" in done.stdout
    assert "Stopped the embedded Flyte 2 backend" in done.stdout
