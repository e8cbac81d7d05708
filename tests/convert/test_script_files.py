"""Commands of Flyte 1 are found where each format has them, and a TODO is a comment of that format."""

from collections.abc import Sequence

import pytest
import yaml

from flyte_bridge_translators.project import texts
from flyte_bridge_translators.project.command_lines import Project
from flyte_bridge_translators.source.engine.entities import Entity, Facts, Kind
from flyte_bridge_translators.source.engine.translator import Converted

FACTS = Facts("a", {"a.wf": Entity(Kind.WORKFLOW, "wf", "a")})
PROJECT = Project({"home/a.py": FACTS})
TODO = "TODO(flyte-bridge FB610): `pyflyte package` has no counterpart: nothing is packaged: `flyte deploy` deploys from source"


def converted(name: str, text: str) -> tuple[str, list[str]]:
    outcome = texts.convert(name, name, text, PROJECT)
    return outcome.text if isinstance(outcome, Converted) else text, [finding.code for finding in outcome.findings]


def check(name: str, text: str, result: str, codes: Sequence[str]) -> None:
    """A file becomes another with these findings, and stays that way."""
    assert converted(name, text) == (result, list(codes))
    assert converted(name, result)[0] == result


def test_a_script_without_a_suffix() -> None:
    """A file whose first line names a shell is a shell script."""
    check("deploy", "#!/usr/bin/env bash\npyflyte info\n", "#!/usr/bin/env bash\nflyte get config\n", [])
    check("deploy", "pyflyte info\n", "pyflyte info\n", ["FB602"])


def test_a_makefile() -> None:
    """Recipes are rewritten line by line, with make's variables kept; a TODO stands outside the recipe's shell."""
    text = (
        "RUN = pyflyte run\n\nrun: a.py\n\t@pyflyte run --name $(NAME) a.py wf && \\\n\t\techo $$HOME\n\n"
        "pack:\n\techo 1\n\tpyflyte package \\\n\t\t-o x\n"
    )
    result = text.replace("@pyflyte run", "@flyte run --local").replace("\tpyflyte pack", f"# {TODO}\n\tpyflyte pack")
    check("Makefile", text, result, ["FB602", "FB610"])


def test_a_dockerfile() -> None:
    """Commands of RUN, CMD and ENTRYPOINT are rewritten; a list of words is reported, and an image is listed."""
    check(
        "app.Dockerfile",
        "FROM cr.flyte.org/flytekit:1.13\nRUN --mount=type=cache,target=/x pip install \\\n    flytekit==1.13 numpy\n"
        'CMD ["pyflyte", "info"]\nENTRYPOINT pyflyte info\n',
        "FROM cr.flyte.org/flytekit:1.13\nRUN --mount=type=cache,target=/x pip install \\\n    flyte==2.12.1 numpy\n"
        "# TODO(flyte-bridge FB612): `pyflyte` stands in a text, or behind a program that may run it elsewhere\n"
        'CMD ["pyflyte", "info"]\nENTRYPOINT flyte get config\n',
        ["FB602", "FB621", "FB612"],
    )


def test_github() -> None:
    """`run` of GitHub's workflows, as one line or a block; the rest of the YAML stays, comments too."""
    text = """\
on: push # of pyflyte
jobs:
  deploy:
    steps:
      - uses: actions/checkout@v4
      - name: pyflyte register
        run: pyflyte register -p p -d d --version ${{ github.sha }} .
      - run: |
          pip install flytekit   # one
          pyflyte package
      - run: "pyflyte info"
      - shell: python
        run: print("pyflyte")
"""
    result = (
        text.replace("run: pyflyte register", "run: flyte deploy --all --recursive")
        .replace("install flytekit", "install flyte")
        .replace("          pyflyte package", f"          # {TODO}\n          pyflyte package")
        .replace('"pyflyte info"', '"flyte get config"')
    )
    check(".github/workflows/ci.yml", text, result, ["FB602", "FB610"])
    assert yaml.safe_load(result)["jobs"]["deploy"]["steps"][2]["run"].startswith("pip install flyte   # one\n# TODO")


def test_gitlab() -> None:
    """`script` and its kin of GitLab's, with anchors and references."""
    text = (
        "a: &x\n  script:\n    - pyflyte info\n    - 'pyflyte package'\nb:\n  <<: *x\n"
        "  after_script: [pyflyte info]\n  c: !reference [a, b]\n"
    )
    result = text.replace("- pyflyte info", "- flyte get config").replace("    - 'py", f"    # {TODO}\n    - 'py")
    check(".gitlab-ci.yml", text, result, ["FB610", "FB602"])


@pytest.mark.parametrize(
    "text",
    [
        "run: pip install 'flytekit>=1'\n",
        'run: "pip install flytekit[x]>=1"\n',
        "run: >-\n  pyflyte\n  info\n",
        "run: 'it''s pyflyte'\n",
    ],
)
def test_yaml_stays_yaml(text: str) -> None:
    """A scalar that cannot be written anew in its place is not."""
    result, codes = converted("ci.yaml", text)
    assert codes
    assert list(yaml.safe_load(result)) == ["run"]


def test_markdown() -> None:
    """Shell blocks of Markdown are rewritten, behind their prompts; a TODO is a comment that no reader sees."""
    check(
        "README.md",
        "Uses `pyflyte`.\n\n```bash\npyflyte info\n```\n\n- a\n\n"
        "  ```console\n  $ pyflyte package\n  pyflyte: done\n  $ pyflyte info\n  ```\n"
        "\n```python\nimport flytekit\n```\n",
        "Uses `pyflyte`.\n\n```bash\nflyte get config\n```\n\n- a\n\n"
        f"  <!-- {TODO} -->\n  ```console\n  $ pyflyte package\n  pyflyte: done\n  $ flyte get config\n  ```\n"
        "\n```python\nimport flytekit\n```\n",
        ["FB601", "FB610"],
    )
