"""Names in Flyte 2: the same whatever is converted together, and kept by the table of names."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from flyte_bridge.convert import rename_table
from flyte_bridge.convert.project import convert_files, find
from flyte_bridge.errors import SourceError, UsageError
from flyte_bridge_cli.convert import command
from flyte_bridge_translators.findings import Finding
from flyte_bridge_translators.source.engine.naming import LaunchPlanName, RenameTable
from flyte_bridge_translators.source.engine.translator import Options

ROOT = Path(__file__).parents[2]

FLOW = """\
from datetime import timedelta

from flytekit import FixedRate, LaunchPlan, Resources, Workflow, task, workflow


@task
def load(n: int) -> int:
    return n


@task
def save(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return save(n=load(n=n))


nightly = LaunchPlan.get_or_create(wf, "every night", fixed_inputs={"n": 2})
DAILY = FixedRate(duration=timedelta(days=1), kickoff_time_input_arg="n")
lists = LaunchPlan.get_or_create(wf, "a table of inputs", default_inputs={"n": 3}, schedule=DAILY)

built = Workflow(name="house.built")
built.add_workflow_input("n", int)
node = built.add_entity(load, n=built.inputs["n"])
built.add_workflow_output("o", node.outputs["o0"])
"""


def names(*paths: Path) -> RenameTable:
    return convert_files(find(paths)).names


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Files of one name in directories that are packages, and in such that are none, below a project's root."""
    for place in ("pk/a/flow.py", "pk/b/flow.py", "loose/a/flow.py", "loose/b/flow.py", "src/lib/flow.py", "flow.py"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FLOW)
    for package in ("pk", "pk/a", "pk/b"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def environments(path: Path) -> set[str]:
    return {name.rpartition(".")[0] for name in names(path).entities.values()}


def test_alone_and_together(project: Path) -> None:
    """A file has the same environments given alone, with its directory and with the whole project; no two have one name."""
    whole = [each.outcome for each in convert_files(find([project])).files]
    assert not [finding for outcome in whole for finding in outcome.findings if finding.code == "FB319"]
    seen: set[str] = set()
    for path in sorted(project.rglob("flow.py")):
        alone = environments(path)
        assert alone <= environments(project)
        assert alone == environments(path.parent) or path.parent == project
        assert not seen & alone
        seen |= alone
    assert environments(project / "pk" / "a") == {"pk-a-flow-tasks", "pk-a-flow"}
    assert environments(project / "loose" / "b" / "flow.py") == {"loose-b-flow-tasks", "loose-b-flow"}
    assert environments(project / "src") == {"lib-flow-tasks", "lib-flow"}


def test_below_the_directory_one_works_in(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a project's root, files that belong to no package are called after their path below the working directory."""
    (project / "pyproject.toml").unlink()
    monkeypatch.chdir(project)
    for path in (Path("loose/a/flow.py"), Path("loose/a"), project / "loose" / "a", Path("loose"), Path()):
        assert "loose-a-flow" in environments(path)


PROJECTS = (
    ROOT / "examples" / "winery",
    *sorted(path for path in (ROOT / "tests/cases/project").iterdir() if path.is_dir()),
)


@pytest.mark.parametrize("folder", PROJECTS, ids=[path.name for path in PROJECTS])
def test_the_names_of_our_projects(folder: Path) -> None:
    """In our own projects each file given alone has the names that it has in the whole."""
    files = find([folder])
    assert files
    whole = convert_files(files).names
    for file in files:
        alone = names(file.path)
        environment = {name.rpartition(".")[0] for name in alone.entities.values()}
        assert environment <= {name.rpartition(".")[0] for name in whole.entities.values()}
        if (file.path.parent / "__init__.py").exists():
            assert alone.entities.items() <= whole.entities.items()
            assert alone.launch_plans.items() <= whole.launch_plans.items()


def convert(*arguments: object) -> int:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False).exit_code


@pytest.mark.parametrize("table", ["names.md", "names.json"])
def test_the_table_keeps_names(tmp_path: Path, table: str) -> None:
    """What the first conversion called tasks, workflows, imperative ones among them, launch plans and triggers, the next one
    calls the same, though another prefix is asked for and other tasks share their environment."""
    flow, file = tmp_path / "jobs.py", tmp_path / table
    flow.write_text(FLOW)
    convert(flow, "--renames", file, "--name-prefix", "old")
    first = rename_table.read(file)
    assert first.entities["jobs.load"] == "old-jobs.load"
    assert first.entities["house.built"] == "old-jobs-workflows.built"
    assert first.launch_plans == {
        "every night": LaunchPlanName("old-jobs-workflows.wf", "every night"),
        "a table of inputs": LaunchPlanName("old-jobs-workflows.lists", "a table of inputs"),
    }
    flow.write_text(
        FLOW.replace("@task\ndef load", '@task(requests=Resources(mem="2Gi"))\ndef load').replace("save", "store")
    )
    convert(flow, "--renames", file, "--name-prefix", "new")
    second = rename_table.read(file)
    assert first.entities.items() <= second.entities.items()
    assert second.launch_plans == first.launch_plans
    assert second.entities["jobs.store"] == "new-jobs.store"


def test_names_chosen_in_the_table(tmp_path: Path) -> None:
    """Who writes other names into the table gets these: two for tasks of the same settings, one for a trigger."""
    flow, file = tmp_path / "jobs.py", tmp_path / "names.json"
    flow.write_text(FLOW)
    wanted = RenameTable(
        {"jobs.load": "loading.load", "jobs.save": "saving.save", "jobs.wf": "flows.wf"},
        {"every night": LaunchPlanName("flows.wf", "nights")},
    )
    rename_table.write(file, wanted)
    convert(flow, "--renames", file, "-o", tmp_path / "out")
    text = (tmp_path / "out" / "jobs.py").read_text()
    assert text.count("flyte.TaskEnvironment(") == 3
    for name in ('name="loading"', 'name="saving"', 'name="flows"', 'flyte.Trigger("nights"'):
        assert name in text
    assert wanted.entities.items() <= rename_table.read(file).entities.items()


def test_a_name_that_cannot_stay_is_told(tmp_path: Path) -> None:
    """Two tasks that shared an environment and differ now cannot both keep its name."""
    flow, file = tmp_path / "jobs.py", tmp_path / "names.md"
    flow.write_text(FLOW)
    convert(flow, "--renames", file)
    flow.write_text(FLOW.replace("@task\ndef save", '@task(requests=Resources(mem="2Gi"))\ndef save'))
    codes = [each.code for each in findings(flow, file)]
    assert codes.count("FB318") == 1


def findings(flow: Path, file: Path) -> Sequence[Finding]:
    (result,) = convert_files(find([flow]), Options(table=rename_table.read(file))).files
    return result.outcome.findings


def test_the_project_says_where_its_table_is(tmp_path: Path) -> None:
    """`renames` and `name-prefix` of `[tool.flyte-bridge]` are used without an option; `--check` and `--diff` write no table."""
    flow = tmp_path / "jobs.py"
    flow.write_text(FLOW)
    (tmp_path / "pyproject.toml").write_text('[tool.flyte-bridge]\nrenames = "names.md"\nname-prefix = "house"\n')
    convert(flow, "--check")
    convert(flow, "--diff")
    assert not (tmp_path / "names.md").exists()
    convert(flow, "-o", tmp_path / "out")
    assert rename_table.read(tmp_path / "names.md").entities["jobs.wf"] == "house-jobs-workflows.wf"
    with pytest.raises(UsageError, match="cannot begin a name"):
        convert(flow, "--name-prefix", "No Name")


def test_a_table_as_markdown_and_as_json(tmp_path: Path) -> None:
    """Both forms hold the same; what Flyte 2 would not take, and what is no table, is refused."""
    table = RenameTable({"a|b.c": "x-y.c"}, {"every | night": LaunchPlanName("x-y.c", "every | night")})
    for name in ("names.md", "names.json"):
        rename_table.write(tmp_path / name, table)
        assert rename_table.read(tmp_path / name) == table
    (tmp_path / "names.md").write_text("# Names\n")
    (tmp_path / "names.json").write_text(json.dumps({"renames": {"a.b": "Not Valid.b"}}))
    for name in ("names.md", "names.json"):
        with pytest.raises(SourceError):
            rename_table.read(tmp_path / name)


def test_references_are_looked_up_in_the_table(tmp_path: Path) -> None:
    """What the table of names knows, as a task or a launch plan, is referred to by its name in Flyte 2."""
    flow, file = tmp_path / "callers.py", tmp_path / "names.md"
    flow.write_text(
        "from flytekit import reference_launch_plan, reference_task, workflow\n\n\n"
        '@reference_task(project="p", domain="d", name="jobs.load", version="1")\n'
        "def load(n: int) -> int: ...\n\n\n"
        '@reference_launch_plan(project="p", domain="d", name="nightly", version="1")\n'
        "def nightly(n: int) -> int: ...\n\n\n"
        "@workflow\ndef wf(n: int = 1) -> int:\n    return nightly(n=load(n=n))\n"
    )
    rename_table.write(
        file, RenameTable({"jobs.load": "x-jobs.load"}, {"nightly": LaunchPlanName("flows.wf", "nightly")})
    )
    convert(flow, "--renames", file, "-o", tmp_path / "out")
    text = (tmp_path / "out" / "callers.py").read_text()
    assert 'flyte.remote.Task.get("x-jobs.load", project="p", domain="d", version="1")' in text
    assert 'flyte.remote.Task.get("flows.wf"' in text
    assert "await nightly(n=await load(n=n))" in text
