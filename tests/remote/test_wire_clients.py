"""pyflyte, unmodified, over a real port: what it runs. (What it says of entities is in `tests/admin`.)"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from flyte_bridge.embedded_client import snippets

if TYPE_CHECKING:
    from flyte_bridge.embedded_client import instance

    from .conftest import User

PYFLYTE = """\
    import re
    import time

    from click.testing import CliRunner
    from flytekit.clis.sdk_in_container.pyflyte import main
    from flytekit.configuration import Config
    from flytekit.models.core.execution import WorkflowExecutionPhase as Phase
    from flytekit.remote import FlyteRemote

    PLACE = ("-p", "flytesnacks", "-d", "development")
    RUN = ("run", "--remote", *PLACE)
    DATES = ("--from-date", "2023-01-01", "--to-date", "2023-01-03")
    OTHERS = ("--from-date", "2023-02-01", "--to-date", "2023-02-03")  # of the same dates it would be the same version
    remote = FlyteRemote(Config.auto(), default_project="flytesnacks", default_domain="development")
    assert type(remote).__module__ == "flytekit.remote.remote"


    def pyflyte(*words):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output


    def started(*words):
        said = pyflyte(*words)
        return (re.search(r"executions/([a-z0-9-]+)", said) or re.search(r"ex:flytesnacks:development:(\\S+)", said))[1]


    def ended(*names):
        executions = [remote.wait(remote.fetch_execution(name=name), poll_interval=1, timeout=240) for name in names]
        return [Phase.enum_to_string(execution.closure.phase) for execution in executions]


    said = pyflyte(*RUN, "--wait", "--poll-interval", "1", "--name", "wired", "flow.py", "wf", "--x", "5")
    assert "Execution wired has succeeded." in said, said
    pyflyte("register", *PLACE, "--version", "w1", "--activate-launchplans", "flow.py")
    names = [
        started("run", "remote-launchplan", "flow.sub:w1", "--x", "5"),
        started("run", "remote-task", "flow.inc:w1", "--x", "5"),
        started("run", "remote-workflow", "flow.sub:w1", "--x", "5"),
        started("execution", *PLACE, "--execution-id", "wired", "relaunch"),
        started("backfill", *PLACE, *DATES, "--parallel", "daily_lp"),
        started("backfill", *PLACE, *OTHERS, "--serial", "daily_lp"),
    ]
    pyflyte("backfill", *PLACE, *DATES, "--dry-run", "daily_lp")
    assert "TASK_RUNTIME" in pyflyte("metrics", *PLACE, "dump", "wired")
    assert "WORKFLOW_TEARDOWN" in pyflyte("metrics", *PLACE, "explain", "wired")
    fetched = pyflyte("fetch", "--recursive", "flyte://v1/flytesnacks/development/wired/n0/o", "fetched")
    assert re.search(r"o0\\W+7", fetched), fetched
    failing = started(*RUN, "flow.py", "bad", "--x", "1")
    assert ended(failing) == ["FAILED"]
    names.append(started("execution", *PLACE, "--execution-id", failing, "recover"))
    print("ENDED", *ended(*names))
"""


def test_pyflyte(user: User, backend: instance.Instance) -> None:
    """run --wait, register, run remote-*, execution relaunch and recover, backfill, metrics, fetch: each does over the wire
    what it does with flyteadmin, on a machine that knows the backend's address and nothing of the bridge."""
    shutil.copy(Path(__file__).with_name("flow.py"), user.where)
    env = {**user.env, **snippets.flytekit_environment(backend)}
    del env["FLYTE_BRIDGE_DATA_DIR"]
    done = subprocess.run(
        [sys.executable, user.write("script.py", PYFLYTE)],
        cwd=user.where,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found = re.search(r"ENDED (.*)", done.stdout)
    assert found, done.stdout
    assert found[1].split() == ["SUCCEEDED"] * 6 + ["FAILED"]
