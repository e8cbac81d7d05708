"""What Python thinks of a user's code is not said by a conversion."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '''
from flytekit import task


@task
def digits(text: str) -> bool:
    """Are there \\d in it?"""
    return text is 3 or bool("\\d" in text)
'''


def test_only_the_conversion_is_told(tmp_path: Path) -> None:
    """A bad escape and a comparison by identity are converted without a word on standard error but the summary."""
    (tmp_path / "m.py").write_text(SOURCE)
    command = [sys.executable, "-W", "default", "-m", "flyte_bridge_cli.main", "convert", "m.py", "--diff"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "@env.task" in done.stdout
    assert "Warning" not in done.stderr
