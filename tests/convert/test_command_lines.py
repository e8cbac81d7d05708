"""Each row of the table of command lines, as it stands in a shell script; the options are those of the two installed programs."""

import shlex
import warnings
from functools import cache
from importlib.util import find_spec

import click
import pytest

from flyte_bridge_translators.project import rows
from flyte_bridge_translators.project.command_lines import Project
from flyte_bridge_translators.project.draft import Draft
from flyte_bridge_translators.project.scripts import Region, convert
from flyte_bridge_translators.source.engine.entities import Entity, Facts, Kind, Parameter
from flyte_bridge_translators.source.engine.naming import LaunchPlanName, RenameTable

INPUTS = (
    Parameter("n", "int"),
    Parameter("on", "bool", "True"),
    Parameter("off", "bool"),
    Parameter("color", "Color"),
    Parameter("N", "int"),
)
FACTS = Facts(
    "flows.a",
    {
        "flows.a.wf": Entity(Kind.WORKFLOW, "wf", "flows.a", INPUTS),
        "flows.a.lp": Entity(Kind.LAUNCH_PLAN, "lp", "flows.a"),
    },
    enums=frozenset({"flows.a.Color"}),
)
NAMES = RenameTable({"flows.a.wf": "flows-a.wf"}, {"nightly": LaunchPlanName("flows-a.wf", "nightly")})
PROJECT = Project({"home/flows/a.py": FACTS, "home/x/b.py": FACTS, "home/y/b.py": FACTS}, NAMES)

REWRITTEN = {
    "pyflyte run flows/a.py wf --n 3": "flyte run --local flows/a.py wf --n 3",
    "pyflyte run ./flows/a.py wf --n=3": "flyte run --local ./flows/a.py wf --n=3",
    "pyflyte run -p p -d d -r a.py wf --n $N": "flyte run -p p -d d a.py wf --n $N",
    "pyflyte run --remote a.py wf": "flyte run --project flytesnacks --domain development a.py wf",
    "pyflyte run a.py wf --on --no-off --n 1": "flyte run --local a.py wf --on --n 1",
    "pyflyte run a.py wf --no_on": "flyte run --local a.py wf --no-on",
    "pyflyte run a.py": "flyte run --local a.py",
    "pyflyte run a.py wf --help": "flyte run --local a.py wf --help",
    "pyflyte -c c.yaml run a.py wf": "flyte -c c.yaml run --local a.py wf",
    "pyflyte run -r -p p -d d --copy auto a.py wf": "flyte run -p p -d d --copy-style loaded_modules a.py wf",
    "pyflyte run -r -p p -d d --copy=all a.py wf": "flyte run -p p -d d --copy-style=all a.py wf",
    "pyflyte run -r -p p -d d --copy-all a.py wf": "flyte run -p p -d d --copy-style all a.py wf",
    "pyflyte run -r -p p -d d --wait a.py wf": "flyte run -p p -d d --follow a.py wf",
    "pyflyte run -r -p p -d d --envvars A=b --labels c=d a.py wf": "flyte run -p p -d d --env A=b --label c=d a.py wf",
    "pyflyte run -r -p p -d d -i x=y a.py wf": "flyte run -p p -d d --image x=y a.py wf",
    "pyflyte run -r -p p -d d --max-parallelism 2 a.py wf": "flyte run -p p -d d --max-action-concurrency 2 a.py wf",
    "pyflyte run -r -p p -d d --ecl q a.py wf": "flyte run -p p -d d --queue q a.py wf",
    "pyflyte run -r -p p -d d --raw-output-data-prefix s3://b a.py wf": "flyte run -p p -d d --raw-data-path s3://b a.py wf",
    "pyflyte run -p p -d d --remote remote-task flows.a.wf --n 3": "flyte run -p p -d d deployed-task flows-a.wf --n 3",
    "pyflyte run -p p -d d remote-workflow flows.a.wf": "flyte run -p p -d d deployed-task flows-a.wf",
    "pyflyte register -p p -d d -v $SHA flows": "flyte deploy --all --recursive -p p -d d --version $SHA flows",
    "pyflyte register -p p -d d --version=1 --non-fast .": (
        "flyte deploy --all --recursive -p p -d d --version=1 --copy-style none ."
    ),
    "pyflyte register a.py": "flyte deploy --all --project flytesnacks --domain development a.py",
    "pyflyte build a.py wf": "flyte build --all a.py",
    "pyflyte execution -p p -d d --execution-id $ID recover": "flyte rerun -p p -d d --recover $ID",
    'pyflyte execution -p p -d d --execution-id "$ID" relaunch': 'flyte rerun -p p -d d "$ID"',
    "pyflyte launchplan -p p -d d --activate nightly": "flyte update trigger -p p -d d --activate nightly flows-a.wf",
    "pyflyte local-cache clear": "flyte delete local-cache",
    "pyflyte get launchplan -p p -d d": "flyte get trigger -p p -d d",
    "pyflyte info": "flyte get config",
    "pyflyte --help": "flyte --help",
    "/usr/bin/pyflyte info": "flyte get config",
    "flytectl get projects": "flyte get project",
    "flytectl get execution -p p -d d f12": "flyte get run -p p -d d f12",
    "flytectl get workflows -p p -d d flows.a.wf": "flyte get task -p p -d d flows-a.wf",
    "flytectl get tasks -p p -d d": "flyte get task -p p -d d",
    "flytectl get launchplans -p p -d d": "flyte get trigger -p p -d d",
    "flytectl delete execution f12 -p p -d d": "flyte abort run f12 -p p -d d",
    "flytectl update launchplan -p p -d d nightly --version v1 --activate": (
        "flyte update trigger -p p -d d nightly flows-a.wf --activate"
    ),
    "flytectl update project -p p --archive": "flyte update project p --archive",
    "flytectl create project --id a --name b": "flyte create project --id a --name b",
    "flytectl config init --host localhost:1 --insecure": "flyte create config --endpoint localhost:1 --insecure",
    "flytectl demo start": "flyte start devbox",
    "flytectl sandbox teardown": "flyte delete devbox",
    "flytectl version": "flyte --version",
    "pip install flytekit numpy": "pip install flyte numpy",
    "pip install flytekit==1.13.0": "pip install flyte==2.12.1",
    "python -m pip install -U 'flytekit>=1.10,<2'": "python -m pip install -U 'flyte>=2.12.1,<3'",
    "uv pip install flytekitplugins-spark flytekitplugins.kfpytorch": "uv pip install flyteplugins-spark flyteplugins-pytorch",
}

LEFT = {
    "pyflyte run a.py wf $ARGS": "FB612",
    "pyflyte run $FILE wf": "FB612",
    "pyflyte run elsewhere.py wf": "FB612",
    "pyflyte run b.py wf": "FB612",
    "pyflyte run a.py gone": "FB612",
    "pyflyte run a.py wf --m 3": "FB612",
    "pyflyte run a.py wf --n": "FB612",
    "pyflyte run --unheard a.py wf": "FB612",
    "pyflyte run a.py lp": "FB610",
    "pyflyte run a.py wf --color red": "FB611",
    "pyflyte run a.py wf --N 3": "FB611",
    "pyflyte run -r --overwrite-cache a.py wf": "FB611",
    "pyflyte run -r --tag x a.py wf": "FB611",
    "pyflyte run remote-launchplan nightly": "FB610",
    "pyflyte run remote-workflow flows.a.wf:v1": "FB611",
    "pyflyte run remote-workflow other.wf": "FB612",
    "pyflyte register a.py flows": "FB611",
    "pyflyte register --non-fast flows": "FB611",
    "pyflyte register --activate-launchplans flows": "FB611",
    "pyflyte register elsewhere": "FB612",
    "pyflyte launchplan --activate other": "FB612",
    "pyflyte launchplan --activate nightly v1": "FB611",
    "pyflyte package --image x": "FB610",
    "pyflyte serialize workflows -f x": "FB610",
    "pyflyte backfill --from-date x nightly": "FB610",
    "pyflyte fetch flyte://v1/p/d/f/n0/o": "FB610",
    "pyflyte metrics dump f": "FB610",
    "pyflyte init x": "FB610",
    "pyflyte serve connector": "FB610",
    "flytectl get launchplan -o json": "FB611",
    "flytectl demo exec ls": "FB610",
    "flytectl create execution --execFile x": "FB610",
    "flytectl register files x.tgz": "FB610",
    "flytectl get task-resource-attribute -p p": "FB610",
    "flytectl get task other.t": "FB612",
    "docker run image pyflyte run a.py wf": "FB612",
    'echo "pyflyte run"': "FB612",
    "pip install flytekit==$V": "FB612",
    "pip install flytekitplugins-whylogs": "FB620",
    "conda install flytekit": "FB622",
}


def converted(text: str) -> tuple[str, list[str]]:
    """A shell text after conversion, and the codes of what is said of it."""
    draft = Draft("x.sh", text)
    convert(draft, Region(0, len(text)), PROJECT)
    return draft.result, [finding.code for finding in draft.outcome.findings]


@pytest.mark.parametrize("line", REWRITTEN)
def test_rewritten(line: str) -> None:
    """What is proved is rewritten, with quotes and variables kept, and a second time there is nothing to do."""
    text, codes = converted(f"{line}\n")
    assert text == f"{REWRITTEN[line]}\n"
    assert set(codes) <= {"FB613", "FB621"}
    assert converted(text) == (text, [])


@pytest.mark.parametrize("line", LEFT)
def test_left(line: str) -> None:
    """What is not is left as it is, with a finding and a TODO above it; a second time nothing is added."""
    text, codes = converted(f"{line}\n")
    assert codes == [LEFT[line]]
    todo, left = text.splitlines()
    assert todo.startswith(f"# TODO(flyte-bridge {LEFT[line]}): ")
    assert left == line
    assert converted(text) == (text, codes)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("cd flows && pyflyte run a.py wf\n", "cd flows && flyte run --local a.py wf\n"),
        ("if ! pyflyte info; then\n  exit 1\nfi\n", "if ! flyte get config; then\n  exit 1\nfi\n"),
        ("ID=$(pyflyte info 2>&1 | tail -1)\n", "ID=$(flyte get config 2>&1 | tail -1)\n"),
        ("ID=`pyflyte info`\n", "ID=`flyte get config`\n"),
        ('X="a $(pyflyte info) b"\n', 'X="a $(flyte get config) b"\n'),
        ("A=b C=d pyflyte info > out.txt\n", "A=b C=d flyte get config > out.txt\n"),
        ("uv run pyflyte info # of pyflyte\n", "uv run flyte get config # of pyflyte\n"),
        (
            "pyflyte run \\\n    --remote \\\n    -p p -d d \\\n    a.py wf\n",
            "flyte run \\\n    -p p -d d \\\n    a.py wf\n",
        ),
        ("# pyflyte run x\necho ok\n", "# pyflyte run x\necho ok\n"),
        ("my-pyflyte run x\n", "my-pyflyte run x\n"),
        ("pyflyte info\r\n", "flyte get config\r\n"),
        ("(pyflyte info) & pyflyte info\n", "(flyte get config) & flyte get config\n"),
        ("pyflyte run a.py wf --n ${{ inputs.n }}\n", "flyte run --local a.py wf --n ${{ inputs.n }}\n"),
        ("pyflyte run a.py wf --n $((1 + 2))\n", "flyte run --local a.py wf --n $((1 + 2))\n"),
    ],
)
def test_around_a_command(text: str, result: str) -> None:
    """What stands around a command stays: other commands, redirections, assignments, continuations, comments."""
    assert converted(text) == (result, [])


@pytest.mark.parametrize(
    "text",
    [
        "cat <<EOF\npyflyte run a.py wf\nEOF\n",
        "for x in 1 2; do\n  docker run i pyflyte \\\n    info\ndone\n",
        "x='pyflyte info'\n",
    ],
)
def test_a_todo_stands_above_the_whole_line(text: str) -> None:
    """A TODO is never put into a here-document, a text, or between the lines of one command."""
    result, codes = converted(text)
    assert codes == ["FB612"]
    assert [line for line in result.splitlines() if not line.lstrip().startswith("# TODO")] == text.splitlines()
    assert "\\\n    # TODO" not in result
    assert not result.startswith("cat") or "EOF\n# TODO" not in result


@cache
def _flyte() -> tuple[click.Group, click.Context]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rich_click uses what click 8.4 deprecates
        from flyte.cli.main import main

        return main, main.make_context("flyte", [], resilient_parsing=True)


@pytest.mark.parametrize("line", sorted({line for line in REWRITTEN.values() if line.startswith("flyte ")}))
def test_what_is_written_is_a_command_of_flyte(line: str) -> None:
    """The installed `flyte` has each command and option that is written, and takes as many words as there are."""
    words = shlex.split(line.replace("$", ""))[1:]
    flyte, context = _flyte()
    known: list[click.Command] = [flyte]
    while words:
        word = words.pop(0)
        option = word.partition("=")[0]
        if word.startswith("-"):
            meant = [each for each in known[-1].params if option in (*each.opts, *each.secondary_opts)]
            assert meant or word in {"--help", "--version"}, word
            if meant and not getattr(meant[0], "is_flag", False) and "=" not in word:
                words.pop(0)
        elif isinstance(known[-1], click.Group) and not word.endswith((".py", "flows", ".")):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                inner = known[-1].get_command(context, word)
            assert inner is not None, word
            known.append(inner)
            if word == "deployed-task":
                return
        elif isinstance(known[-1], click.Group):  # a file, and what is in it
            return
        else:
            assert any(isinstance(each, click.Argument) for each in known[-1].params), word


@pytest.mark.skipif(find_spec("flytekit") is None, reason="flytekit stops at Python 3.12")
@pytest.mark.parametrize(("name", "table"), [("run", rows.RUN), ("register", rows.REGISTER)])
def test_every_option_of_pyflyte_is_in_the_table(name: str, table: dict[str, rows.Option]) -> None:
    """The installed `pyflyte` has no option that the table has not, and a flag is a flag in both."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from flytekit.clis.sdk_in_container.pyflyte import main as pyflyte

        command = pyflyte.get_command(click.Context(pyflyte), name)
    assert command is not None
    for option in command.params:
        if isinstance(option, click.Option):
            for spelled in option.opts:
                assert spelled in table or spelled == "--help", spelled
                if spelled in table:
                    assert table[spelled].takes is not option.is_flag, spelled
