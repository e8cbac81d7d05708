"""Older flytekits, unmodified, over the embedded backend's port.

Name their Pythons in `FLYTE_BRIDGE_TEST_FLYTEKITS`, with `:` between: virtual environments that have flytekit and nothing of
ours. Run with 1.14.6 and 1.15.4.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.embedded_client import snippets

if TYPE_CHECKING:
    from flyte_bridge.embedded_client import instance

    from .conftest import User

PYTHONS = [python for python in os.environ.get("FLYTE_BRIDGE_TEST_FLYTEKITS", "").split(":") if python]

SCRIPT = """\
    import pathlib
    import sys

    import flytekit
    from click.testing import CliRunner
    from flytekit.clis.sdk_in_container.pyflyte import main
    from flytekit.configuration import Config
    from flytekit.remote import FlyteRemote

    import flow

    assert not any(name.startswith("flyte_bridge") for name in sys.modules)
    remote = FlyteRemote(Config.auto(), default_project="flytesnacks", default_domain="development")
    version = "by-" + flytekit.__version__.replace(".", "-")
    here = str(pathlib.Path(flow.__file__).parent)
    for _ in range(2):  # the second time everything is there
        workflow = remote.register_script(flow.wf, source_path=here, module_name="flow", version=version)
    execution = remote.wait(remote.execute(workflow, inputs={"x": 4}), poll_interval=1)
    assert execution.outputs["o0"] == 19, execution.error
    assert {node.closure.phase for node in execution.node_executions.values()} == {3}, execution.node_executions
    fetched = remote.fetch_execution(name=execution.id.name)
    assert fetched.inputs["x"] == 4
    assert remote.fetch_workflow(name="flow.wf", version=version).id == workflow.id
    task = remote.execute(remote.fetch_task(name="flow.inc", version=version), inputs={"x": 1}, wait=False)
    assert remote.wait(task, poll_interval=1).outputs["o0"] == 2
    pathlib.Path("data.txt").write_text("hello")
    _, uri = remote.upload_file(pathlib.Path("data.txt"))
    assert remote.file_access.get_filesystem_for_path(uri).cat_file(uri) == b"hello"
    bad = remote.register_script(flow.bad, source_path=here, module_name="flow", version=version)
    failed = remote.wait(remote.execute(bad, inputs={"x": 1}), poll_interval=1)
    assert "no 2" in failed.error.message
    done = CliRunner().invoke(main, ["run", "--remote", "--wait", "flow.py", "sub", "--x", "1"])
    assert done.exit_code == 0, done.output
    names = {each.id.name for each in remote.recent_executions(limit=20)}
    assert {execution.id.name, task.id.name, failed.id.name} <= names
    print("ALL DONE WITH", flytekit.__version__)
"""


@pytest.mark.skipif(not PYTHONS, reason="FLYTE_BRIDGE_TEST_FLYTEKITS names no Pythons with older flytekits")
@pytest.mark.parametrize("python", PYTHONS or [""])
def test_an_older_flytekit(user: User, backend: instance.Instance, python: str) -> None:
    """Registers, runs, waits, fetches, uploads and uses pyflyte as it always did."""
    shutil.copy(Path(__file__).with_name("flow.py"), user.where)
    env = {**user.env, **snippets.flytekit_environment(backend), "PATH": f"{Path(python).parent}:{os.environ['PATH']}"}
    # pyflyte 1.14 reads no FLYTE_PLATFORM_URL unless there is a file
    file = user.write("config.yaml", f"admin:\n  endpoint: dns:///{backend.endpoint}\n  insecure: true\n")
    env["FLYTECTL_CONFIG"] = str(file)
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "FLYTE_BRIDGE_DATA_DIR"):
        env.pop(name, None)
    done = subprocess.run(
        [python, user.write("script.py", SCRIPT)],
        cwd=user.where,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "ALL DONE WITH" in done.stdout
