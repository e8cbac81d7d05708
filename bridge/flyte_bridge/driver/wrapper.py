"""Dynamic tasks on a real backend, which takes a missing `outputs.pb` for a failure of its own and tries again.

A dynamic task leaves `futures.pb` instead. Its command is changed so that an empty `outputs.pb` lies beside it: flytekit's
own entry point runs in the same process, on the image as it is, and the arguments stay as they were. The embedded backend
knows `futures.pb`, and keeps its fast start for the plain command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_bridge_translators.wire import process

if TYPE_CHECKING:
    from flyteidl2.core import tasks_pb2

COMMAND = "pyflyte-execute"
"""flytekit's entry point; what stands before it (`pyflyte-fast-execute … --`, `flytekit_venv`) stays before it."""

SCRIPT = """\
import sys, tempfile
from flytekit.bin.entrypoint import execute_task_cmd
from flytekit.core.context_manager import FlyteContextManager
execute_task_cmd.main(args=sys.argv[1:], prog_name="pyflyte-execute", standalone_mode=False)
prefix = sys.argv[sys.argv.index("--output-prefix") + 1].rstrip("/")
files = FlyteContextManager.current_context().file_access
if files.exists(prefix + "/futures.pb") and not files.exists(prefix + "/outputs.pb"):
    with tempfile.NamedTemporaryFile() as empty:
        files.put_data(empty.name, prefix + "/outputs.pb", is_multipart=False)
"""
"""An empty file is a `LiteralMap` without literals. `exists` and `put_data` are in flytekit since 1.0."""


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
