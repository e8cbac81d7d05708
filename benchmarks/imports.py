"""How many requests an import takes for an entity, and how long that lasts.

`python benchmarks/imports.py [versions] [executions]` starts two embedded backends in a temporary directory, registers so many
versions of a workflow of ten tasks on one and runs it so often, then imports all of it into the other, executions too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from flyte_bridge import config
from flyte_bridge.embedded_client import instance

SOURCE = "from flytekit import LaunchPlan, task, workflow\n\n" + "\n".join(
    [
        *(f"@task\ndef step{number}(x: int) -> int:\n    return x + 1\n" for number in range(10)),
        "@workflow\ndef steps(x: int = 1) -> int:",
        *(f"    x = step{number}(x=x)" for number in range(10)),
        "    return x\n",
        'named = LaunchPlan.get_or_create(steps, "named", fixed_inputs={"x": 2})',
    ]
)


def prepared(data_dir: Path, versions: int, executions: int) -> None:
    """Registers and runs."""
    import steps  # type: ignore[import-not-found]
    from flytekit.configuration import Image, ImageConfig, SerializationSettings

    from flyte_bridge.remote.flyte_remote import FlyteRemote

    settings = config.load(data_dir=data_dir)
    remote = FlyteRemote(settings=settings, default_project=settings.project, default_domain=settings.domain)
    image = ImageConfig(Image("default", "local/flytekit", "1"))
    for number in range(versions):
        version = f"v{number}"
        told = SerializationSettings(image, project=settings.project, domain=settings.domain, version=version)
        workflow = remote.register_workflow(steps.steps, told, version=version)
        remote.register_launch_plan(steps.named, version, serialization_settings=told)
    running = [remote.execute(workflow, {}, execution_name=f"run{number}") for number in range(executions)]
    for execution in running:
        remote.wait(execution, poll_interval=timedelta(seconds=0.5))


def main(versions: int = 60, executions: int = 20) -> None:
    """Measures."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "steps.py").write_text(SOURCE)
        os.environ["PYTHONPATH"] = directory
        sys.path.insert(0, directory)
        try:
            source, _ = [instance.start(place / name) for name in ("v1", "v2")]
            assert source.access is not None
            prepared(place / "v1", versions, executions)
            env = {
                **os.environ,
                "FLYTE_BRIDGE_V1_INSECURE": "true",
                "FLYTE_BRIDGE_V1_TOKEN": source.access.token,
                "FLYTE_BRIDGE_DATA_DIR": str(place / "v2"),
            }
            words = ["import", "--from-admin", source.endpoint, "--history", "--json", "--rate", "100000"]
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "flyte_bridge_cli.main", *words],
                env=env,
                capture_output=True,
                text=True,
                check=False,
            )
            took = time.perf_counter() - began
        finally:
            for name in ("v1", "v2"):
                instance.stop(place / name)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    own, past = told["requests"], told["history"]
    print(
        f"import, {own['entities']} entities: {own['reads_per_entity']} reads and {own['writes_per_entity']} writes each, "
        f"{own['read_back'] - past['executions'] * 2} more to read them back"
    )
    entities = past["executions"] + past["nodes"] + past["task_executions"]
    print(
        f"import --history, {past['executions']} executions with {past['nodes']} nodes and {past['task_executions']} task "
        f"executions ({entities}): {past['reads_per_entity']} reads and {past['writes_per_entity']} writes each"
    )
    print(f"both in {took:.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
