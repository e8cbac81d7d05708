"""The house itself: layout, start-up cost, public names."""

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


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


def test_compiled_workflows_are_read_in_one_place() -> None:
    """What a node of a closure is, waits for and holds is told by flyte1; the compiler writes it."""
    walked = re.compile(r'\.branch_node\b|\.if_else\b|upstream_node_ids|"(start|end)-node"|BadSpecificationError')
    sources = [path for root in ("bridge", "translators", "cli") for path in REPOSITORY.joinpath(root).rglob("*.py")]
    allowed = ("translators/flyte_bridge_translators/flyte1/", "translators/flyte_bridge_translators/wire/compiler/")
    found = {str(path.relative_to(REPOSITORY)) for path in sources if walked.search(path.read_text())}
    assert {path for path in found if not path.startswith(allowed)} == set()
    assert found
