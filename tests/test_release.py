"""What a release is made of: a wheel and an sdist that hold everything, and run without this repository beside them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parent.parent
ROOTS = ("bridge", "cli", "translators")
CAPABILITIES = ("Convert", "Run unchanged", "Callers", "Side by side", "Embedded backend", "Trust", "House")


def _files() -> set[str]:
    """What git knows below the source roots, by its path in a wheel: modules, templates, styles, markers of types."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOTS],
        cwd=HOUSE,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return {path.partition("/")[2] for path in listed if (HOUSE / path).exists()}


def _build(kind: str, source: Path, place: Path) -> Path:
    """Builds a `wheel` or an `sdist` of a tree with this environment's hatchling; the archive."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(place)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    (archive,) = place.iterdir()
    return archive


@dataclass(frozen=True)
class Release:
    """The archives of a release.

    Attributes:
        sdist: The source distribution, of this tree.
        wheel: The wheel, of what the source distribution holds and of nothing else.
    """

    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Built as an index would: the sdist of the tree, the wheel of the sdist."""
    place = tmp_path_factory.mktemp("release")
    sdist = _build("sdist", HOUSE, place / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(place / "unpacked", filter="data")
    (source,) = (place / "unpacked").iterdir()
    return Release(sdist, _build("wheel", source, place / "wheel"))


def test_the_changelog_dates_the_version() -> None:
    """Its newest section is pyproject's version with a day, and has a part for each capability."""
    newest = (HOUSE / "CHANGELOG.md").read_text().split("\n## ")[1]
    (version,) = re.findall(r'^version = "(.+)"$', (HOUSE / "pyproject.toml").read_text(), re.MULTILINE)
    day = re.fullmatch(rf"{re.escape(version)} \((.+)\)", newest.splitlines()[0])
    assert day is not None
    date.fromisoformat(day[1])
    parts = re.findall(r"^### (.+)$", newest, re.MULTILINE)
    assert [part for part in parts if part in CAPABILITIES] == list(CAPABILITIES)


def test_the_wheel_holds_every_file_of_the_packages(release: Release) -> None:
    """Every module, template, style and `py.typed` below the source roots, nothing else, and the license."""
    with zipfile.ZipFile(release.wheel) as wheel:
        names = set(wheel.namelist())
    information = {name for name in names if ".dist-info/" in name}
    assert names - information == _files()
    assert {f"{name}/py.typed" for name in ("flyte_bridge", "flyte_bridge_cli", "flyte_bridge_translators")} <= names
    assert "flyte_bridge/console/templates/base.html" in names
    assert any(name.endswith("/licenses/LICENSE") for name in information)


def test_the_sdist_holds_the_sources_alone(release: Release) -> None:
    """The packages, what builds them, README, changelog and license; no test, no example."""
    with tarfile.open(release.sdist) as sdist:
        tops = {name.split("/")[1] for name in sdist.getnames() if "/" in name}
    assert tops == {*ROOTS, "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}


def test_the_wheel_runs_where_the_repository_is_not(release: Release, tmp_path: Path) -> None:
    """In a fresh environment, whose requirements are lent by this one, the command tells its version and converts."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    with zipfile.ZipFile(release.wheel) as wheel:
        wheel.extractall(packages)
    # A directory that a .pth file names lends its packages, but not the editable installs that its own .pth files name.
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    program = "import sys; from flyte_bridge_cli.main import main; sys.exit(main())"
    command = [str(tmp_path / "venv" / "bin" / "python"), "-c", program]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words: str) -> str:
        done = subprocess.run(
            [*command, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [command[0], "-c", "import flyte_bridge; print(flyte_bridge.__file__)"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(where.strip()).is_relative_to(packages)
    assert "flyte-bridge" in run("--version")
    (tmp_path / "one.py").write_text("from flytekit import task\n\n\n@task\ndef one() -> int:\n    return 1\n")
    assert "@env.task" in run("convert", "one.py")
