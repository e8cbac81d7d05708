"""`up`, `status` and `down`, run as commands."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from flyte_bridge.embedded_client import access, instance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory; what runs on it is stopped afterwards."""
    where = tmp_path / "data"
    yield where
    instance.stop(where, timeout=5)


def bridge(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "flyte_bridge_cli.main", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def but_for_the_login(text: str) -> str:
    """What `up` and `status` print, without the URL that each prints anew."""
    return re.sub(r"token=\S+", "token=…", text)


def status(data_dir: Path) -> dict[str, Any]:
    told = json.loads(bridge("status", "--json", "--data-dir", str(data_dir)).stdout)
    assert isinstance(told, dict)
    return told


def test_up_says_how_to_reach_it_and_down_ends_it(data_dir: Path) -> None:
    """`up` prints the endpoint and both snippets; `status` agrees; `down` ends it."""
    up = bridge("up", "--data-dir", str(data_dir))
    assert up.returncode == 0, up.stderr
    told = status(data_dir)
    assert told["running"] is True
    assert f"Embedded Flyte 2 backend at {told['url']} " in up.stdout
    assert f"export FLYTE_PLATFORM_URL={told['endpoint']}" in up.stdout
    assert f"export FLYTECTL_CONFIG={data_dir}/flyte.yaml" in up.stdout
    secret = access.read(data_dir).segment
    snippet = up.stdout.partition("below\n")[2].partition("\n\n")[0]
    assert yaml.safe_load(snippet)["admin"] == {"endpoint": f"{told['endpoint']}/{secret}", "insecure": True}
    assert yaml.safe_load((data_dir / "flyte.yaml").read_text()) == yaml.safe_load(snippet)
    assert but_for_the_login(bridge("status", "--data-dir", str(data_dir)).stdout) == but_for_the_login(up.stdout)
    down = bridge("down", "--data-dir", str(data_dir))
    assert down.stdout == f"Stopped the embedded Flyte 2 backend at {told['url']} (process {told['pid']}).\n"
    assert bridge("down", "--data-dir", str(data_dir)).stdout == f"No embedded Flyte 2 backend runs on {data_dir}.\n"


def test_status_without_a_backend_exits_with_8(data_dir: Path) -> None:
    """Scripts can ask; the text says how to start one."""
    done = bridge("status", "--data-dir", str(data_dir))
    assert done.returncode == 8
    assert f"flyte-bridge up --data-dir {data_dir}" in done.stdout
    assert status(data_dir) == {"running": False, "data_dir": str(data_dir)}


def test_up_twice_shows_the_one_that_runs(data_dir: Path) -> None:
    """A second `up` is no error and starts nothing; with another port it is one."""
    first = bridge("up", "--data-dir", str(data_dir))
    again = bridge("up", "--data-dir", str(data_dir))
    assert but_for_the_login(again.stdout) == but_for_the_login(first.stdout)
    other = 1 + int(status(data_dir)["port"])
    refused = bridge("up", "--data-dir", str(data_dir), "--port", str(other))
    assert refused.returncode == 1
    assert "an embedded backend runs there already" in refused.stderr


def test_the_data_directory_comes_from_the_environment_too(data_dir: Path) -> None:
    """`FLYTE_BRIDGE_DATA_DIR` stands for `--data-dir`."""
    up = bridge("up", FLYTE_BRIDGE_DATA_DIR=str(data_dir))
    assert up.returncode == 0, up.stderr
    assert status(data_dir)["running"] is True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_stays_until_it_is_told_to_stop(data_dir: Path, number: signal.Signals) -> None:
    """`--foreground` prints the same when it is ready, and ends cleanly on Ctrl-C and SIGTERM."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "flyte_bridge_cli.main", "up", "--foreground", "--data-dir", str(data_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Embedded Flyte 2 backend at http://127.0.0.1:")
    assert status(data_dir)["pid"] == process.pid
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
    assert instance.find(data_dir) is None


def test_a_contradiction_in_the_environment_is_one_line(data_dir: Path) -> None:
    """A bad configuration ends with exit code 1 and one line that names the variable."""
    done = bridge("up", "--data-dir", str(data_dir), FLYTE_BRIDGE_TOKEN="t")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "FLYTE_BRIDGE_TOKEN" in done.stderr
