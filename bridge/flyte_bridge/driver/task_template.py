"""Tasks whose command asks for their own template: flytekit's SQL tasks and whatever else runs in a container made for it.

Such a task (`PythonCustomizedContainerTask`) is started with `{{.taskTemplatePath}}`, where propeller puts the URI of the
template that it has stored. Flyte 2 puts a constant there that leads nowhere (`pluginmachinery/core/template/template.go`), so
the driver does it as propeller does. A task that is launched by itself has no driver and needs a backend that fills it in,
as the embedded one does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flyteidl2.core import tasks_pb2

from flyte_bridge.driver import child_actions
from flyte_bridge_translators.wire import process

if TYPE_CHECKING:
    from flyte_bridge.driver.execution import Execution

_VARIABLE = re.compile(r"\{\{\s*\.taskTemplatePath\s*\}\}", re.IGNORECASE)


async def provide(execution: Execution, uid: str, name: str, template: tasks_pb2.TaskTemplate) -> None:
    """Store a template where its command asks for it; changes the command in place.

    Args:
        execution: What it belongs to.
        uid: Unique id of the node.
        name: The node's action, under whose place it is stored.
        template: The task; what is stored is as it was before.

    Raises:
        NodeError: The storage fails.
    """
    words = process.arguments(template)
    if not any(_VARIABLE.search(word) for word in words):
        return
    uri = f"{execution.place(name)}/task.pb"
    await child_actions.write(execution, uri, template, uid)
    process.set_arguments(template, [_VARIABLE.sub(lambda _: uri, word) for word in words])
