"""The house itself: layout, start-up cost, public names."""

import subprocess
import sys


def test_help_imports_neither_sdk() -> None:
    """`flyte-bridge --help` imports neither flyte nor flytekit."""
    code = (
        "import sys; sys.argv = ['flyte-bridge', '--help']\n"
        "from flyte_bridge_cli.main import group\n"
        "group.main(prog_name='flyte-bridge', standalone_mode=False)\n"
        "loaded = {'flyte', 'flytekit', 'libcst', 'networkx', 'rich'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: flyte-bridge" in done.stdout
