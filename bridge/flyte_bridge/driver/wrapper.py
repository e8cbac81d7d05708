"""Dynamic tasks on a real backend, which takes a missing `outputs.pb` for a failure of its own and tries again.

A dynamic task leaves `futures.pb` instead. Its command is changed so that an `outputs.pb` lies beside it. That holds one literal,
`MARKER`: beside an empty one the Go backend leaves an `error.pb` (`ioutils/remote_file_output_reader.go`). flytekit's own entry
point runs in the same process, on the image as it is, and the arguments stay as they were. The embedded backend
knows `futures.pb`, and keeps its fast start for the plain command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2

from flyte_bridge_translators.wire import process

if TYPE_CHECKING:
    from flyteidl2.core import tasks_pb2

COMMAND = "pyflyte-execute"
"""flytekit's entry point; what stands before it (`pyflyte-fast-execute … --`, `flytekit_venv`) stays before it."""

MARKER = "flyte1.bridge/futures"
"""The output of a dynamic task that says: what it gives is what `futures.pb` gives."""

_OUTPUTS = literals_pb2.LiteralMap(
    literals={MARKER: literals_pb2.Literal(scalar=literals_pb2.Scalar(none_type=literals_pb2.Void()))}
).SerializeToString()

SCRIPT = f"""\
import sys, tempfile
from flytekit.bin.entrypoint import execute_task_cmd
from flytekit.core.context_manager import FlyteContextManager
execute_task_cmd.main(args=sys.argv[1:], prog_name="pyflyte-execute", standalone_mode=False)
prefix = sys.argv[sys.argv.index("--output-prefix") + 1].rstrip("/")
files = FlyteContextManager.current_context().file_access
if files.exists(prefix + "/futures.pb") and not files.exists(prefix + "/outputs.pb"):
    with tempfile.NamedTemporaryFile() as marker:
        marker.write(bytes.fromhex("{_OUTPUTS.hex()}"))
        marker.flush()
        files.put_data(marker.name, prefix + "/outputs.pb", is_multipart=False)
"""
"""`exists` and `put_data` are in flytekit since 1.0."""


def is_marker(outputs: literals_pb2.LiteralMap) -> bool:
    """Whether a task's outputs only say that there is a `futures.pb`; empty ones did until this version."""
    return not outputs.literals or MARKER in outputs.literals


def wrap(template: tasks_pb2.TaskTemplate) -> bool:
    """Let a dynamic task leave an `outputs.pb` too.

    Args:
        template: Changed in place.

    Returns:
        Whether it was: another command than flytekit's is left as it is.
    """
    words = process.arguments(template)
    if COMMAND not in words:
        return False
    at = words.index(COMMAND)
    process.set_arguments(template, [*words[:at], "python", "-c", SCRIPT, *words[at + 1 :]])
    return True
