# ruff: noqa
# Every snippet of Flyte 1's page "Executing Workflows and Tasks" (seed 004), as written, in its order; what a snippet says
# it assumes is made before it, between lines of dashes. What it prints and checks beyond the page is marked `CHECK`.
# Run by test_seed_004.py with `flyte-bridge exec`.
# ------------------------------------------------------------------------------------------------ Connecting to the Flyte Platform

from flytekit.remote.remote import FlyteRemote, Config

# Connect to a Flyte sandbox environment
remote = FlyteRemote.for_sandbox(
    default_project="flytesnacks",
    default_domain="development",
    data_upload_location="s3://my-s3-bucket/data",  # Override for non-sandbox
)

# Alternatively, connect to a specific endpoint
remote = FlyteRemote.for_endpoint(
    endpoint="your.domain:port",
    insecure=True,  # Set to True if SSL is not enabled
    default_project="my_project",
    default_domain="production",
)

# ------------------------------------------------------------------------------------------------ Standard Registration

from flytekit import task, workflow
from flytekit.remote.remote import FlyteRemote
from flytekit.configuration import ImageConfig, SerializationSettings

remote = FlyteRemote.for_sandbox(default_project="flytesnacks", default_domain="development")


@task
def my_task(x: int) -> int:
    return x + 1


@workflow
def my_workflow(x: int) -> int:
    return my_task(x=x)


# Register a task
registered_task = remote.register_task(my_task, version="v1.0.0")
print(f"Registered task: {registered_task.id}")

# Register a workflow (a default launch plan is also created by default)
registered_workflow = remote.register_workflow(my_workflow, version="v1.0.0")
print(f"Registered workflow: {registered_workflow.id}")

# Register a specific launch plan
from flytekit import LaunchPlan

my_lp = LaunchPlan.get_or_create(my_workflow, name="my_workflow_lp")
registered_lp = remote.register_launch_plan(my_lp, version="v1.0.0")
print(f"Registered launch plan: {registered_lp.id}")

# CHECK registering the same again is no error
assert remote.register_workflow(my_workflow, version="v1.0.0").id == registered_workflow.id

# ------------------------------------------------------------------------------------------------ Script Mode (Fast Registration)

import pathlib
import os
from flytekit import task, workflow
from flytekit.remote.remote import FlyteRemote
from flytekit.configuration import FastPackageOptions, CopyFileDetection

remote = FlyteRemote.for_sandbox(default_project="flytesnacks", default_domain="development")

# Assume my_module.py contains the task and workflow definitions
# For demonstration, let's create a dummy file
current_dir = pathlib.Path(__file__).parent.absolute()
module_file = current_dir / "my_module.py"
with open(module_file, "w") as f:
    f.write("""
from flytekit import task, workflow

@task
def script_task(a: int, b: int) -> int:
    return a + b

@workflow
def script_workflow(a: int, b: int) -> int:
    return script_task(a=a, b=b)
""")

# Import the entities from the dummy module
from my_module import script_task, script_workflow

# Register the workflow using script mode
# source_path should be the root directory of your project
# module_name should be the Python module path to your workflow/task
registered_script_wf = remote.register_script(
    entity=script_workflow,
    source_path=str(current_dir),
    module_name="my_module",
    version="script-v1",
    # Optional: Customize packaging behavior
    fast_package_options=FastPackageOptions(
        top_level_packages=["my_module"],  # Only package this module
        copy_style=CopyFileDetection.TOP_LEVEL_ONLY,  # Copy only top-level files
    ),
)
print(f"Registered script workflow: {registered_script_wf.id}")

# Clean up the dummy file
os.remove(module_file)

# CHECK the file is gone, and its copy in the package runs
script_execution = remote.execute(registered_script_wf, inputs={"a": 1, "b": 2}, wait=True)
assert script_execution.outputs["o0"] == 3, script_execution.error

# ------------------------------------------------------------------------------------------------ Executing Registered Entities
from flytekit.remote.remote import FlyteRemote
from flytekit.models.core.identifier import WorkflowExecutionIdentifier

remote = FlyteRemote.for_sandbox(default_project="flytesnacks", default_domain="development")

# Assuming 'my_workflow' and 'my_workflow_lp' (default launch plan) are registered as 'v1.0.0'
# Fetch the launch plan
fetched_lp = remote.fetch_launch_plan(name="my_workflow_lp", version="v1.0.0")

# Launch an execution using the fetched launch plan
execution_name = f"my_first_execution_{remote.default_project}_{remote.default_domain}"
execution = remote.execute(
    fetched_lp,
    inputs={"x": 10},
    execution_name=execution_name,
    wait=True,  # Wait for the execution to complete
)

print(f"Execution launched: {execution.id.name}")
print(f"Execution status: {execution.closure.phase}")

# CHECK
assert execution.outputs["o0"] == 11, execution.error
assert remote.fetch_execution(name=execution_name).id == execution.id

# ------------------------------------------------------------------------------------------------ Executing Local Entities

from flytekit import task, workflow
from flytekit.remote.remote import FlyteRemote

remote = FlyteRemote.for_sandbox(default_project="flytesnacks", default_domain="development")


@task
def local_task(y: str) -> str:
    return f"Hello, {y}!"


@workflow
def local_workflow(y: str) -> str:
    return local_task(y=y)


# Execute a local workflow directly. It will be registered if not already present.
# A version will be auto-generated if not provided.
execution = remote.execute(
    local_workflow,
    inputs={"y": "Flyte"},
    project="flytesnacks",
    domain="development",
    execution_name_prefix="local-wf-run",  # A unique name will be generated
    wait=True,
)

print(f"Local workflow execution status: {execution.closure.phase}")

# CHECK
assert execution.outputs["o0"] == "Hello, Flyte!", execution.error

# ------------------------------------------------------------------------------------------------ Providing Inputs

from flytekit import task, workflow, FlyteFile
from flytekit.remote.remote import FlyteRemote
import os

remote = FlyteRemote.for_sandbox(default_project="flytesnacks", default_domain="development")


@task
def process_file(input_file: FlyteFile) -> str:
    with open(input_file, "r") as f:
        content = f.read()
    return f"Processed: {content}"


@workflow
def file_workflow(input_file: FlyteFile) -> str:
    return process_file(input_file=input_file)


# Create a dummy local file
with open("my_data.txt", "w") as f:
    f.write("This is some test data.")

# Execute the workflow with a local file input
execution = remote.execute(
    file_workflow,
    inputs={"input_file": "my_data.txt"},  # The client handles uploading this file
    execution_name_prefix="file-wf-run",
    wait=True,
)

print(f"File workflow execution status: {execution.closure.phase}")
os.remove("my_data.txt")

# CHECK
assert execution.outputs["o0"] == "Processed: This is some test data.", execution.error
file_execution = execution

# ------------------------------------------------------------------------------------------------ Execution Options

from flytekit import task, workflow
from flytekit.remote.remote import FlyteRemote, Options
from flytekit.models.core.execution import WorkflowExecutionPhase

remote = FlyteRemote.for_sandbox(default_project="flytesnacks", default_domain="development")


@task
def simple_task(x: int) -> int:
    return x * 2


@workflow
def simple_workflow(x: int) -> int:
    return simple_task(x=x)


# Example with custom options
custom_options = Options(
    labels={"team": "data-science"},
    annotations={"priority": "high"},
    disable_notifications=True,
    max_parallelism=5,
)

execution = remote.execute(
    simple_workflow,
    inputs={"x": 5},
    execution_name="my-custom-execution",
    options=custom_options,
    overwrite_cache=True,
    interruptible=True,
    envs={"MY_ENV_VAR": "value"},
    tags=["test", "production"],
    wait=True,
)

print(
    f"Execution '{execution.id.name}' completed with phase: {WorkflowExecutionPhase.enum_to_string(execution.closure.phase)}"
)

# CHECK
assert execution.spec.labels.values == {"team": "data-science"}
assert execution.spec.annotations.values == {"priority": "high"}
assert execution.spec.tags == ["test", "production"]
assert execution.spec.max_parallelism == 5

# ------------------------------------------------------------------------------------------------ Retrieving Execution Details

from flytekit.remote.remote import FlyteRemote
from flytekit.models.core.execution import WorkflowExecutionPhase

remote = FlyteRemote.for_sandbox(default_project="flytesnacks", default_domain="development")

# Assuming an execution named 'my-custom-execution' exists
execution_name = "my-custom-execution"
fetched_execution = remote.fetch_execution(project="flytesnacks", domain="development", name=execution_name)

print(
    f"Fetched execution '{fetched_execution.id.name}' status: {WorkflowExecutionPhase.enum_to_string(fetched_execution.closure.phase)}"
)
print(f"Execution URL: {fetched_execution.execution_url}")

# CHECK the page is there for who may see it, and scripts find the execution's name in its URL
import os
import re
import requests

proof = {"authorization": f"Bearer {open(os.environ['FLYTE_CREDENTIALS_PROXY_COMMAND'].split(',', 1)[1]).read().strip()}"}
assert requests.get(fetched_execution.execution_url, timeout=60, headers=proof).status_code == 200
assert re.search(r"executions/([a-zA-Z0-9-]+)", fetched_execution.execution_url)[1] == "my-custom-execution"

# ------------------------------------------------------------------------------------------------ (the next one)

# Sync the execution to get the latest status
fetched_execution.sync()
print(f"Synced execution status: {WorkflowExecutionPhase.enum_to_string(fetched_execution.closure.phase)}")

# ------------------------------------------------------------------------------------------------ Accessing Inputs and Outputs
# an execution whose output is called `o`, as the page has it
from typing import NamedTuple


@task
def named_task(x: int) -> NamedTuple("Named", [("o", int)]):
    return (x + 1,)


@workflow
def named_workflow(x: int) -> NamedTuple("Named", [("o", int)]):
    return named_task(x=x).o


execution = remote.execute(named_workflow, inputs={"x": 1}, wait=True)
# ------------------------------------------------------------------------------------------------

# Assuming 'execution' is a completed FlyteWorkflowExecution object
if execution.is_successful:
    print(f"Execution inputs: {execution.inputs.to_dict()}")
    print(f"Execution outputs: {execution.outputs.to_dict()}")

    # Access specific outputs
    output_value = execution.outputs["o"]  # 'o' is the output variable name
    print(f"Specific output 'o': {output_value}")
else:
    print(f"Execution failed or is not complete. Error: {execution.error.message if execution.error else 'N/A'}")

# CHECK
assert (execution.inputs.to_dict(), execution.outputs.to_dict()) == ({"x": 1}, {"o": 2})


# ------------------------------------------------------------------------------------------------ (the next one)
# an execution with something to download
@task
def make_file() -> FlyteFile:
    with open("made.txt", "w") as f:
        f.write("made by a task")
    return "made.txt"


@workflow
def making_workflow() -> FlyteFile:
    return make_file()


execution = remote.execute(making_workflow, inputs={}, wait=True)
# ------------------------------------------------------------------------------------------------

import os

# Download all outputs to a local directory
download_path = "./execution_outputs"
os.makedirs(download_path, exist_ok=True)
remote.download(execution.outputs, download_path, recursive=True)
print(f"Outputs downloaded to: {download_path}")

# CHECK
downloaded = [path for path in pathlib.Path(download_path).rglob("*") if path.is_file()]
assert [path.read_text() for path in downloaded] == ["made by a task"], downloaded

# ------------------------------------------------------------------------------------------------ Inspecting Node and Task Executions

# Sync with node details
execution.sync(sync_nodes=True)

for node_id, node_exec in execution.node_executions.items():
    print(f"Node '{node_id}' status: {node_exec.closure.phase}")
    if node_exec.task_executions:
        for task_exec in node_exec.task_executions.values():
            print(f"  Task '{task_exec.id.task_id.name}' status: {task_exec.closure.phase}")
            if task_exec.is_successful:
                print(f"  Task outputs: {task_exec.outputs.to_dict()}")

# CHECK
assert set(execution.node_executions) == {"start-node", "n0", "end-node"}
(only,) = execution.node_executions["n0"].task_executions
assert only.is_successful and set(only.outputs.to_dict()) == {"o0"}

# ------------------------------------------------------------------------------------------------ Waiting for Completion
# an execution under way, and one that will fail
import time


@task
def slow_task(seconds: int) -> int:
    time.sleep(seconds)
    return seconds


@workflow
def slow_workflow(seconds: int) -> int:
    return slow_task(seconds=seconds)


execution = remote.execute(slow_workflow, inputs={"seconds": 1})
# ------------------------------------------------------------------------------------------------

from datetime import timedelta

# Wait for up to 5 minutes, polling every 10 seconds
execution.wait(timeout=timedelta(minutes=5), poll_interval=timedelta(seconds=10))

if execution.is_successful:
    print("Execution completed successfully!")
else:
    print(f"Execution failed with error: {execution.error.message}")

# CHECK
assert execution.is_successful

# ------------------------------------------------------------------------------------------------ Terminating and Relaunching
# the page's own lines are comments; what they call
execution = remote.execute(slow_workflow, inputs={"seconds": 600})
# ------------------------------------------------------------------------------------------------

# Terminate an execution
remote.terminate_execution(execution.id, "User requested termination")

# CHECK
execution = remote.wait(execution)
assert execution.closure.phase == WorkflowExecutionPhase.ABORTED, execution.closure.phase
assert execution.closure.abort_metadata.cause == "User requested termination"
execution = fetched_execution

# Relaunch a completed execution
relaunched_execution = remote.relaunch_execution(execution.id, name="my-relaunch-run")
print(f"Relaunched execution: {relaunched_execution.id.name}")

# CHECK
assert remote.wait(relaunched_execution).outputs["o0"] == 10


@task
def fails_once(path: str) -> int:
    if not os.path.exists(path):
        with open(path, "w") as f:
            f.write("next time")
        raise ValueError("the first time")
    return 1


@workflow
def failing_workflow(path: str) -> int:
    simple_task(x=1) >> fails_once(path=path)
    return fails_once(path=path)


failed_execution = remote.wait(remote.execute(failing_workflow, inputs={"path": os.path.abspath("mark")}))
assert "the first time" in failed_execution.error.message

# Recover a failed execution
recovered_execution = remote.recover_execution(failed_execution.id, name="my-recovery-run")
print(f"Recovered execution: {recovered_execution.id.name}")

# CHECK
assert remote.wait(recovered_execution).outputs["o0"] == 1

# ------------------------------------------------------------------------------------------------ Handling Signals
# a workflow with a signal node of each kind
import flytekit
from flytekit import approve, wait_for_input


@workflow
def signal_workflow() -> int:
    number = wait_for_input("number", timeout=timedelta(hours=1), expected_type=int)
    return simple_task(x=approve(number, "sure", timeout=timedelta(hours=1)))


execution = remote.execute(signal_workflow, inputs={}, execution_name="my-signal-workflow-run")


def settled(number):
    """Signals exist once their node is reached."""
    while True:
        signals = remote.list_signals(execution_name="my-signal-workflow-run")
        if len(signals) == number:
            return signals
        assert not remote.sync_execution(execution).is_done, execution.error
        time.sleep(0.3)


answered = set()
for number in (1, 2):
    settled(number)
    # --------------------------------------------------------------------------------------------

    # Assuming a workflow with a signal node is running
    signals = remote.list_signals(execution_name="my-signal-workflow-run")
    for signal in signals:
        print(f"Found signal: {signal.id.signal_id} with type {signal.type}")
        if signal.id.signal_id in answered:
            continue
        answered.add(signal.id.signal_id)
        if signal.type.simple == flytekit.models.core.types.SimpleType.BOOLEAN:
            remote.approve(signal.id.signal_id, "my-signal-workflow-run")
        elif signal.type.simple == flytekit.models.core.types.SimpleType.INTEGER:
            remote.set_input(signal.id.signal_id, "my-signal-workflow-run", 123, python_type=int)

# CHECK
assert remote.wait(execution).outputs["o0"] == 246

# ------------------------------------------------------------------------------------------------ Launching Backfills
# a launch plan of the name that has a schedule
import datetime as datetimes
from flytekit import CronSchedule


@task
def on_day(day: datetimes.datetime) -> str:
    return day.isoformat()


@workflow
def daily(day: datetimes.datetime) -> str:
    return on_day(day=day)


del LaunchPlan.CACHE["my_workflow_lp"]
scheduled = LaunchPlan.create(
    "my_workflow_lp", daily, schedule=CronSchedule(schedule="0 6 * * *", kickoff_time_input_arg="day")
)
remote.register_launch_plan(scheduled, version="v2.0.0")
# ------------------------------------------------------------------------------------------------

from datetime import datetime, timedelta
from flytekit.remote.remote import FlyteRemote

remote = FlyteRemote.for_sandbox(default_project="flytesnacks", default_domain="development")

# Assuming 'my_workflow_lp' is a registered launch plan
backfill_execution = remote.launch_backfill(
    project="flytesnacks",
    domain="development",
    launchplan="my_workflow_lp",
    from_date=datetime(2023, 1, 1),
    to_date=datetime(2023, 1, 3),
    parallel=True,  # Run daily executions in parallel
    execute=True,  # Register and execute the backfill workflow
    execution_name="daily-backfill-jan-2023",
    overwrite_cache=True,
    # dry_run=True # Set to True to inspect the generated workflow without executing
)

if backfill_execution:
    print(f"Backfill execution launched: {backfill_execution.id.name}")
    backfill_execution.wait()
    print(f"Backfill execution status: {backfill_execution.closure.phase}")

# CHECK two days, each an execution of its own
assert backfill_execution.is_successful, backfill_execution.error
days = [child for node in backfill_execution.node_executions.values() for child in node.workflow_executions]
assert sorted(day.outputs["o0"] for day in days) == ["2023-01-01T06:00:00+00:00", "2023-01-02T06:00:00+00:00"], [
    day.outputs for day in days
]

# ------------------------------------------------------------------------------------------------ Retrieving Execution Metrics

# Assuming 'execution' is a FlyteWorkflowExecution object
metrics_span = remote.get_execution_metrics(execution.id, depth=5)
print(f"Execution metrics root span: {metrics_span.name}")
# Further process metrics_span for detailed timing and resource usage

# CHECK
assert metrics_span.name == execution.id.name
metrics_span.explain()
metrics_span.dump()

print("the whole page has run")
