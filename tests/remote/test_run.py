"""`flyte-bridge run`: a Flyte 1 workflow on Flyte 2, and its nodes as a tree."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flyteidl.admin import execution_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import admin_pb2_grpc
from rich.console import Console

from flyte_bridge.remote import tree
from flyte_bridge.remote.channel import Channel

if TYPE_CHECKING:
    from flyte_bridge.remote.in_process import Home

    from .conftest import User


@pytest.fixture
def flow(user: User) -> Path:
    """The project, in the user's directory."""
    return Path(shutil.copy(Path(__file__).with_name("flow.py"), user.where))


def test_run_and_watch(user: User, flow: Path, real_home: Home) -> None:
    """Every node of every kind is told of with its phase, then the outputs; `--wait` may stand behind the inputs."""
    said = user.bridge("run", "--name", "watched", flow, "wf", "--x", "4", "--wait")
    assert said.rstrip().endswith("o0: 19")
    for line in (
        "✔ watched n0 sub succeeded",
        "✔ watched n0-0-n1 inc succeeded",
        "✔ watched n2 dyn succeeded",
        "✔ watched n2-0-dn3 total succeeded",
        "✔ watched n3 c succeeded",
        "✔ watched n3-0-n3-n0 inc succeeded",
        "✔ watched succeeded",
    ):
        assert line in said, said
    stub = admin_pb2_grpc.AdminServiceStub(Channel(real_home))
    identity = identifier_pb2.WorkflowExecutionIdentifier(project="flytesnacks", domain="development", name="watched")
    execution = stub.GetExecution(execution_pb2.WorkflowExecutionGetRequest(id=identity))
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(tree.tree(stub, execution))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "│   └── ✔ n1 inc succeeded" in shown or "    └── ✔ n1 inc succeeded" in shown
    assert "start-node" not in shown


def test_a_run_that_fails(user: User, flow: Path) -> None:
    """A workflow that fails ends with 1, the failed node and the error; without `--wait` it is only started."""
    done = user.try_bridge("run", "--wait", flow, "bad", "--x", "1")
    assert done.returncode == 1
    assert "n1 fail failed" in done.stdout
    assert "ValueError: no 2" in done.stdout
    started = user.bridge("run", flow, "bad", "--x", "1")
    assert "/runs/" in started
    assert "failed" not in started


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing.py", "wf"), "'nothing.py' does not exist"),
        (("flow.py", "nothing"), "'nothing' not found in module 'flow'"),
        (("flow.py", "wf", "--y", "1"), "No such option '--y'"),
        (("flow.py", "wf", "--x", "word"), "'word' is not a valid integer"),
        (
            ("flow.py", "shaped", "--shape", '{"z": 3}'),
            "'--shape': '{\"z\": 3}' cannot be read as Shape: KeyError: 'n'",
        ),
    ],
)
def test_what_cannot_be_run(user: User, flow: Path, words: tuple[str, ...], message: str) -> None:
    """A file, a workflow, an option or a value that cannot be is a usage error in a few words, without a traceback."""
    done = user.try_bridge("run", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "pyflyte" not in done.stderr


def test_a_workflow_that_is_mistyped_is_guessed(user: User, flow: Path) -> None:
    """The file's own names are looked through."""
    done = user.try_bridge("run", "flow.py", "shapd")
    assert done.returncode == 2
    assert "Did you mean 'shaped'?" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run", "flow.py", "wf", "--x", "1"),
        ("register", "flow.py"),
        ("exec", "flow.py"),
        ("exec", "-m", "flow"),
        ("pyflyte", "get", "launchplan", "--project", "flytesnacks"),
        ("pyflyte", "run", "--remote", "flow.py", "wf", "--x", "1"),
    ],
)
def test_a_dead_endpoint_is_one_line(user: User, flow: Path, words: tuple[str, ...]) -> None:
    """Who does not answer is named, before flytekit tries for minutes."""
    done = user.try_bridge(*words, timeout=60, FLYTE_BRIDGE_ENDPOINT="127.0.0.1:9", FLYTE_BRIDGE_INSECURE="true")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("flyte-bridge: Flyte 2 at 127.0.0.1:9 cannot be reached")


def test_a_boolean_input_warns_of_nothing(user: User) -> None:
    """flytekit's command line declares its flag twice, and click says so."""
    user.write(
        "flag.py",
        """
        from flytekit import task


        @task
        def negate(flag: bool = False) -> bool:
            return not flag
        """,
    )
    assert "Warning" not in user.try_bridge("run", "flag.py", "negate").stderr


def test_a_missing_input(user: User, flow: Path) -> None:
    """It is refused by name, as flyteadmin does, and nothing runs."""
    done = user.try_bridge("run", flow, "bad")
    assert done.returncode == 1
    assert "expected_inputs x missing" in done.stdout + done.stderr
