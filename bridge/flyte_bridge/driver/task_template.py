"""Tasks whose command asks for their own template: flytekit's SQL tasks and whatever else runs in a container made for it.

Such a task (`PythonCustomizedContainerTask`) is started with `{{.taskTemplatePath}}`, where propeller puts the URI of the
template that it has stored. Flyte 2 puts a constant there that leads nowhere (`pluginmachinery/core/template/template.go`), so
the driver does it as propeller does. A task that is launched by itself has no driver and needs a backend that fills it in,
as the embedded one does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flyte_bridge_translators.wire import process

if TYPE_CHECKING:
    from flyteidl2.core import tasks_pb2

_VARIABLE = re.compile(r"\{\{\s*\.taskTemplatePath\s*\}\}", re.IGNORECASE)


def is_asked_for(template: tasks_pb2.TaskTemplate) -> bool:
    """Whether a task's command asks for its template."""
    return any(_VARIABLE.search(word) for word in process.arguments(template))


def name(template: tasks_pb2.TaskTemplate, uri: str) -> None:
    """Tell a task's command where its template is stored, as it was before; changes the command in place."""
    process.set_arguments(template, [_VARIABLE.sub(lambda _: uri, word) for word in process.arguments(template)])
