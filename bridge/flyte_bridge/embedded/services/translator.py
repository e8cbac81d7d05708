"""TranslatorService: literals and task specs as launch forms, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.task import common_pb2
from flyteidl2.trigger import trigger_definition_pb2
from flyteidl2.workflow import translator_service_pb2 as pb
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from flyte_bridge.backend import forms
from flyte_bridge.backend.keys import TriggerKey
from flyte_bridge.embedded import messages
from flyte_bridge.embedded.faults import InvalidRequest, NotFound
from flyte_bridge.embedded.inputs import inputs_file
from flyte_bridge.embedded.model import ActionType

if TYPE_CHECKING:
    from flyte_bridge.embedded.inputs import Objects
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.triggers.repository import TriggerRepository


class TranslatorService:
    """Launch forms."""

    def __init__(self, ledger: Ledger, triggers: TriggerRepository, objects: Objects) -> None:
        self._ledger = ledger
        self._triggers = triggers
        self._objects = objects

    async def literals_to_launch_form_json(
        self, request: pb.LiteralsToLaunchFormJsonRequest, _ctx: Any
    ) -> pb.LiteralsToLaunchFormJsonResponse:
        """The form of literals: those sent, an action's, or a trigger's."""
        literals = list(request.literals)
        if request.HasField("trigger_id"):
            literals = self._of_trigger(request)
        elif request.literals_uri:
            literals = self._of_action(request)
        return pb.LiteralsToLaunchFormJsonResponse(json=_struct(forms.fill(literals, request.variables)))

    def _of_trigger(self, request: pb.LiteralsToLaunchFormJsonRequest) -> list[common_pb2.NamedLiteral]:
        name = request.trigger_id.name
        key = TriggerKey(name.project, name.domain, name.task_name, name.name)
        trigger = self._triggers.revision(key, request.trigger_id.revision)
        spec = trigger_definition_pb2.TriggerSpec.FromString(trigger.spec)
        if spec.WhichOneof("input_wrapper") == "inputs":
            return list(spec.inputs.literals)
        if not spec.offloaded_input_data.uri:
            raise InvalidRequest(f"trigger {key} has no inputs")
        return self._read(inputs_file(spec.offloaded_input_data.uri))

    def _of_action(self, request: pb.LiteralsToLaunchFormJsonRequest) -> list[common_pb2.NamedLiteral]:
        """Only what is the action's own is read: the URI must be that of its inputs or its outputs."""
        if not request.HasField("action_id"):
            raise InvalidRequest("literals_uri needs the action_id whose inputs or outputs it is")
        record = self._ledger.find(messages.action_key(request.action_id))
        if record is None:
            raise NotFound(f"action {messages.action_key(request.action_id)} does not exist")
        outputs = record.output_uri if record.type is ActionType.TRACE else f"{record.output_uri}/outputs.pb"
        if request.literals_uri not in {inputs_file(record.input_uri), outputs}:
            raise InvalidRequest(f"{request.literals_uri} is neither the inputs nor the outputs of action {record.key}")
        return self._read(request.literals_uri)

    def _read(self, uri: str) -> list[common_pb2.NamedLiteral]:
        # `Inputs` and `Outputs` have the same bytes as far as literals go
        return list(common_pb2.Inputs.FromString(self._objects.read(uri)).literals)

    async def launch_form_json_to_literals(
        self, request: pb.LaunchFormJsonToLiteralsRequest, _ctx: Any
    ) -> pb.LaunchFormJsonToLiteralsResponse:
        """The literals in a form."""
        return pb.LaunchFormJsonToLiteralsResponse(literals=forms.read(MessageToDict(request.json)))

    async def task_spec_to_launch_form_json(
        self, request: pb.TaskSpecToLaunchFormJsonRequest, _ctx: Any
    ) -> pb.TaskSpecToLaunchFormJsonResponse:
        """The form to launch a task with."""
        return pb.TaskSpecToLaunchFormJsonResponse(json=_struct(forms.from_task(request.task_spec)))

    async def json_values_to_literals(
        self, request: pb.JsonValuesToLiteralsRequest, _ctx: Any
    ) -> pb.JsonValuesToLiteralsResponse:
        """Literals from plain JSON values."""
        values = MessageToDict(request.values)
        return pb.JsonValuesToLiteralsResponse(literals=forms.from_values(request.variables, values))


def _struct(form: dict[str, Any]) -> Struct:
    message = Struct()
    ParseDict(form, message)
    return message
