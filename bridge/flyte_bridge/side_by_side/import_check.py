"""What was imported, read back and held against what Flyte 1 has: all but times, states and who."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import NotFound
from ..registry import difference, specs
from .import_state import Arrival, Imported
from .registrations import LAUNCH_PLAN, TASK, WORKFLOW, EntityKey, RegistrationReader, Registrations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.message import Message

    from .import_writer import ImportWriter


async def check(sent: Mapping[EntityKey, Any], writer: ImportWriter) -> None:
    """Reads back what has arrived: tasks and launch plans from lists, workflows one by one.

    Args:
        sent: What has arrived, as Flyte 1 has it.
        writer: Keeps in mind what is the same, and what differs.

    Raises:
        StatusError: Flyte 2 is out of reach.
    """
    reader = RegistrationReader(writer.target.caller)
    there = Registrations()
    for place in dict.fromkeys((key.project, key.domain) for key in sent):
        await reader.place(place, there)
    for key, entity in sent.items():
        listed: Any = there.tasks.get(key) or there.launch_plans.get(key)
        try:
            back = listed if listed is not None else await reader.entity(key)
        except NotFound:
            writer.note(Imported(key.what, str(key), Arrival.REFUSED, "read back, it is not there"))
            continue
        places = [
            difference.tell(one, other) for one, other in _compared(key, entity, back) if not specs.same(one, other)
        ]
        if places:
            told = "read back, it is another: " + " ".join(" ".join(places).split())[:2000]
            writer.note(Imported(key.what, str(key), Arrival.DIFFERENT, told))
        else:
            writer.note(Imported(key.what, str(key), Arrival.SAME))


def _compared(key: EntityKey, entity: Any, back: Any) -> Iterator[tuple[Message, Message]]:
    match key.kind:
        case kind if kind == TASK:
            yield entity.closure.compiled_task, back.closure.compiled_task
        case kind if kind == WORKFLOW:
            yield entity.closure.compiled_workflow, back.closure.compiled_workflow
        case kind if kind == LAUNCH_PLAN:
            yield entity.spec, back.spec
            yield entity.closure.expected_inputs, back.closure.expected_inputs
            yield entity.closure.expected_outputs, back.closure.expected_outputs
