"""How long the console's pages take: the list of many runs, runs of many nodes of both Flytes, and one change of an open page.

`python benchmarks/console.py [--runs 100000] [--actions 10000] [--nodes 10000]` prints a table: the first request and the
median of the next, in milliseconds, over HTTP on the embedded backend's port. Runs are copied in the backend's own store: one
real run of each Flyte, as often as asked for.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from pathlib import Path

import opened
from executions import DOMAIN, PROJECT, Copies, prepare

from flyte_bridge.backend.keys import ROOT
from flyte_bridge.embedded_client import instance, snippets

TIMES = 5
PLACE = f"/v2/domain/{DOMAIN}/project/{PROJECT}"

FLYTE_2 = """
    import flyte

    env = flyte.TaskEnvironment(name="flat")


    @env.task
    async def n0(x: int) -> int:
        return x


    @env.task
    async def top() -> int:
        return await n0(1)
"""


def flyte_2_run(data_dir: Path) -> tuple[str, str]:
    """One real run of Flyte 2, and its one child."""
    running = instance.start(data_dir)
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "flat.py").write_text(textwrap.dedent(FLYTE_2))
        env = {**os.environ, **snippets.flyte_environment(running), "NO_COLOR": "1", "COLUMNS": "200"}
        command = [sys.executable, "-c", "from flyte.cli.main import main; main()", "run", "--follow", "flat.py", "top"]
        said = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False).stdout
    found = re.search(r"/runs/([a-z0-9-]+)", said)
    assert found, said
    page = ask(running, f"{PLACE}/runs/{found[1]}")
    instance.stop(data_dir)
    child = re.search(r"\?i=(?!a0)([a-z0-9-]+)", page)
    assert child, page
    return found[1], child[1]


def flat(copies: Copies, run: str, child: str, actions: int) -> None:
    """A run of Flyte 2 with so many actions, in groups of a thousand."""
    root, leaf = copies._read(run, ROOT), copies._read(run, child)
    with copies.store.transaction():
        copies.add("flat", root, ROOT)
        for number in range(actions):
            record = dataclasses.replace(leaf[0], group=f"g{number // 1000}", short_name=f"n{number % 500}")
            copies.add("flat", (record, leaf[1], leaf[2]), f"x{number}")


def ask(running: instance.Instance, path: str) -> str:
    """A page."""
    headers = {"authorization": f"Bearer {opened.access(running).token}"}
    with urllib.request.urlopen(urllib.request.Request(running.url + path, headers=headers), timeout=120) as answer:
        return str(answer.read().decode())


def told(running: instance.Instance, name: str, path: str) -> None:
    """Prints a line of the table."""
    taken = []
    for _ in range(TIMES + 1):
        begin = time.perf_counter()
        page = ask(running, path)
        taken.append((time.perf_counter() - begin) * 1000)
    print(f"{name:52} {taken[0]:9.0f} {statistics.median(taken[1:]):9.0f} {len(page) // 1024:8} KiB", flush=True)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--actions", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory) / "data"
        run, specs = prepare(data_dir, [given.nodes])
        other, child = flyte_2_run(data_dir)
        copies = Copies(data_dir, run)
        copies.runs(given.runs, 0)
        copies.wide("wide", given.nodes, specs[given.nodes])
        flat(copies, other, child, given.actions)
        copies.store.close()
        running = instance.start(data_dir)
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"{'ms':52} {'first':>9} {'median':>9} {'page':>12}")
        runs = f"of {given.runs:,} runs"
        told(running, f"list {runs}", "/v2")
        told(running, f"list {runs}, of a project", f"{PLACE}/runs")
        told(running, f"list {runs}, failed", f"{PLACE}/runs?phase=failed")
        told(running, f"list {runs}, by a part of the name", f"{PLACE}/runs?name=stored-77")
        told(running, f"list {runs}, page 1,000", f"{PLACE}/runs?page=999")
        told(running, f"run of Flyte 2 with {given.actions:,} actions", f"{PLACE}/runs/flat")
        told(running, f"execution of Flyte 1 with {given.nodes:,} nodes", f"{PLACE}/runs/wide")
        told(running, "its last page", f"{PLACE}/runs/wide?page={given.nodes // 500}")
        instance.stop(data_dir)


if __name__ == "__main__":
    main()
