"""Small programs in which a conversion was once silent: each converts, imports without flytekit, and gives what it gave."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from flyte_bridge.convert.project import ProjectResult, convert_files, find, write_to
from flyte_bridge.verify.verify import Outcome, Pair, verify
from flyte_bridge_translators.findings import Severity
from flyte_bridge_translators.source.engine.translator import Converted, Unchanged
from golden import CASES

PROJECTS = CASES / "project"
NAMES = sorted(path.name for path in PROJECTS.iterdir())

BY_HAND: Mapping[str, set[str]] = {"decorator_with_secret": {"FB105"}}
"""What is left to do by hand in a case, as codes; in all others nothing is."""

NOT_RUN = {"decorator_with_secret"}
"""Cases whose Flyte 1 side needs what is not installed here."""

IMPORTS = """
import importlib, json, sys
class NoFlytekit:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"flytekit", "flytekitplugins", "union"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, NoFlytekit())
sys.path.insert(0, sys.argv[1])
failed = {}
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = f"{type(error).__name__}: {error}"
print(json.dumps(failed))
"""


@pytest.fixture(scope="module")
def results() -> dict[str, ProjectResult]:
    """Each case, converted as the project it is."""
    return {name: convert_files(find([PROJECTS / name])) for name in NAMES}


@pytest.fixture(scope="module")
def trees(results: dict[str, ProjectResult], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """All cases in one directory, whose modules find each other as they do when a script is run: before and after."""
    root = tmp_path_factory.mktemp("soundness")
    for side in ("v1", "v2"):
        (root / side).mkdir()
    for name, result in results.items():
        write_to(result, root / "written" / name)
        for source, side in ((PROJECTS / name, "v1"), (root / "written" / name, "v2")):
            for path in source.rglob("*.py"):
                assert not (root / side / path.name).exists(), path
                shutil.copy(path, root / side / path.name)
    return root / "v1", root / "v2"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_unsaid(results: dict[str, ProjectResult], name: str) -> None:
    """A case converts whole, and what it leaves to do by hand is what is expected of it."""
    assert results[name].files
    codes = set()
    for each in results[name].files:
        assert isinstance(each.outcome, (Converted, Unchanged)), each.outcome.findings
        codes |= {found.code for found in each.outcome.findings if found.severity is Severity.HAND}
    assert codes == BY_HAND.get(name, set())


@pytest.mark.parametrize("name", NAMES)
def test_again(results: dict[str, ProjectResult], tmp_path: Path, name: str) -> None:
    """Converting a conversion changes nothing."""
    write_to(results[name], tmp_path / "once")
    again = convert_files(find([tmp_path / "once"]))
    assert [each.outcome for each in again.files if isinstance(each.outcome, Converted)] == []


def test_import_without_flytekit(trees: tuple[Path, Path]) -> None:
    """Every conversion imports where flytekit is not installed."""
    modules = sorted(path.stem for path in trees[1].glob("*.py"))
    assert modules
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, str(trees[1]), *modules], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {}


def test_the_same(trees: tuple[Path, Path]) -> None:
    """Every workflow of the cases gives in Flyte 2 what it gives in Flyte 1."""
    modules = tuple(sorted(path.stem for path in trees[0].glob("*.py") if path.stem not in NOT_RUN))
    verdicts = verify([Pair(trees[0], trees[1], modules)], timeout=60)
    assert len(verdicts) >= len(NAMES) - len(NOT_RUN)
    wrong = [
        f"{one.workflow}: {one.outcome.value}: {one.reason}\n{one.log[-800:]}"
        for one in verdicts
        if one.outcome is not Outcome.SAME
    ]
    assert not wrong, "\n".join(wrong)
