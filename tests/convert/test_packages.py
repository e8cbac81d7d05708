"""Lists of packages name Flyte 2's, in each format, and everything else in them stays."""

from pathlib import Path

import pytest

from flyte_bridge.convert.project import convert_project, find_all
from flyte_bridge_translators.project import texts
from flyte_bridge_translators.project.command_lines import Project
from flyte_bridge_translators.project.requirement import replacement
from flyte_bridge_translators.source.engine.entities import Facts
from flyte_bridge_translators.source.engine.translator import Converted
from flyte_bridge_translators.source.vocabulary import PACKAGES, VERSION

NOTHING = Project()
PROJECT = Project({"home/a.py": Facts("a")}, imports=frozenset({"requests", "a.b", "os", "dataclasses_json"}))


def converted(name: str, text: str, project: Project = NOTHING) -> tuple[str, list[str]]:
    outcome = texts.convert(name, name, text, project)
    return outcome.text if isinstance(outcome, Converted) else text, [finding.code for finding in outcome.findings]


def test_the_version_is_the_installed_one() -> None:
    """What is pinned is the release of flyte that the converter is tested with."""
    from importlib.metadata import version

    assert version("flyte") == VERSION


@pytest.mark.parametrize(
    ("requirement", "text"),
    [
        ("flytekit", "flyte"),
        ("FlyteKit == 1.2.0", "flyte==2.12.1"),
        ("flytekit>=1.2,<1.14", "flyte>=2.12.1,<3"),
        ("flytekit[all]~=1.2", "flyte>=2.12.1,<3"),
        ("flytekitplugins_spark==1.2", "flyteplugins-spark==2.12.1"),
        ("flytekitplugins.kfpytorch", "flyteplugins-pytorch"),
        ("flytekitplugins-whylogs", ""),
        ("unionai", ""),
    ],
)
def test_a_requirement(requirement: str, text: str) -> None:
    """A package of Flyte 1 is one of Flyte 2, as strict as it was; or none."""
    new = replacement(requirement)
    assert new is not None
    assert new[0].text == text
    assert new[1] == len(requirement)


@pytest.mark.parametrize("requirement", ["flyte", "flyteidl2", "my-flytekit", "flytekit-tools", "numpy"])
def test_others_are_none(requirement: str) -> None:
    """A package that only looks like one of Flyte 1 is left alone."""
    assert replacement(requirement) is None


def test_every_plugin_has_a_package() -> None:
    """The table of requirements is the one of imports."""
    for old, new in PACKAGES.items():
        found = replacement(old.replace(".", "-"))
        assert found is not None
        assert found[0].name == new


def test_requirements() -> None:
    """Lines of pip requirements: markers, comments, options and order stay; what flytekit brought is added below it."""
    text = (
        "# of flytekit\n-r base.txt\nnumpy\nflytekit==1.13 ; python_version < '3.12'  # the SDK\n"
        "flytekitplugins-foo\nrequests>2\n"
    )
    result = (
        "# of flytekit\n-r base.txt\nnumpy\nflyte==2.12.1 ; python_version < '3.12'  # the SDK\ndataclasses-json\n"
        "# TODO(flyte-bridge FB620): flytekitplugins-foo: no package of Flyte 2 takes its place\nflytekitplugins-foo\nrequests>2\n"
    )
    for name in ("requirements.txt", "requirements-dev.in", "requirements/test.txt"):
        assert converted(name, text, PROJECT) == (result, ["FB601", "FB621", "FB623", "FB620"])
        assert converted(name, result, PROJECT) == (result, ["FB601", "FB620"])


def test_compiled_requirements_are_locked() -> None:
    """A file with hashes is made by a tool, which makes it again."""
    text = "flytekit==1.13 \\\n    --hash=sha256:00\n"
    assert converted("requirements.txt", text) == (text, ["FB603"])


def test_pyproject() -> None:
    """The standard's lists and groups, with their layout and comments; a word that is no requirement stays."""
    text = """\
[project]
name = "x"  # flytekit
keywords = ["flytekit"]
dependencies = [
    "flytekit>=1.10", # the SDK
    'numpy',
]

[project.optional-dependencies]
spark = ["flytekitplugins-spark"]

[dependency-groups]
dev = ["pytest", 'flytekit[dev]==1.2']

[tool.ruff.lint.isort]
known-third-party = ["flytekit"]
"""
    result = (
        text.replace('"flytekit>=1.10"', '"flyte>=2.12.1,<3",\n    "dataclasses-json",\n    "requests"')
        .replace('"flytekitplugins-spark"', '"flyteplugins-spark"')
        .replace("'flytekit[dev]==1.2'", "'flyte==2.12.1'")
    )
    assert converted("pyproject.toml", text, PROJECT) == (result, ["FB602", "FB621", "FB623", "FB623", "FB621"])
    assert converted("pyproject.toml", result, PROJECT) == (result, ["FB602"])


def test_poetry() -> None:
    """Poetry's tables have packages as keys; a table of its own is left to do by hand."""
    text = """\
[tool.poetry.dependencies]
python = "^3.11"
flytekit = "^1.10"  # the SDK
flytekitplugins-spark = { version = "^1.10", extras = ["x"] }

[tool.poetry.group.dev.dependencies]
flytekitplugins-polars = "*"
"""
    result = """\
[tool.poetry.dependencies]
python = "^3.11"
flyte = ">=2.12.1,<3"  # the SDK
dataclasses-json = "*"
requests = "*"
# TODO(flyte-bridge FB622): flytekitplugins-spark is flyteplugins-spark in Flyte 2: write its own version and extras
flytekitplugins-spark = { version = "^1.10", extras = ["x"] }

[tool.poetry.group.dev.dependencies]
flyteplugins-polars = "*"
"""
    assert converted("pyproject.toml", text, PROJECT)[0] == result
    assert converted("pyproject.toml", result, PROJECT)[0] == result


def test_conda() -> None:
    """What pip installs is rewritten; what conda installs is reported."""
    text = "name: flytekit\ndependencies:\n  - python=3.11\n  - flytekit=1.13\n  - pip:\n      - flytekit>=1.10\n      - numpy\n"
    result = text.replace("flytekit>=1.10", "flyte>=2.12.1,<3").replace(
        "  - flytekit=", "  # TODO(flyte-bridge FB622): flyte is on PyPI: move it below `pip:`, as flyte\n  - flytekit="
    )
    assert converted("environment.yml", text) == (result, ["FB602", "FB622", "FB621"])
    assert converted("environment.yml", result)[0] == result


def test_setup(tmp_path: Path) -> None:
    """setup.cfg is a list of lines; setup.py is code, so what to write is said."""
    text = "[metadata]\nname = x\n[options]\ninstall_requires =\n    flytekit>=1.1\n    numpy\n"
    assert converted("setup.cfg", text)[0] == text.replace("flytekit>=1.1", "flyte>=2.12.1,<3")
    (tmp_path / "setup.py").write_text(
        "from setuptools import setup\n\nsetup(install_requires=['flytekit>=1.1', 'numpy'])\n"
    )
    (result,) = convert_project(find_all([tmp_path])).files
    assert [(each.code, each.where.line) for each in result.outcome.findings] == [("FB622", 3)]
