"""Flyte 1's REST: every route of flyteadmin's grpc-gateway, called over HTTP and held against the same RPC over gRPC."""

from __future__ import annotations

import base64
import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import grpc
import pytest

import admitted

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import (
    common_pb2,
    description_entity_pb2,
    execution_pb2,
    launch_plan_pb2,
    node_execution_pb2,
    project_pb2,
    task_execution_pb2,
    task_pb2,
    workflow_pb2,
)
from flyteidl.core import identifier_pb2
from flytekit.models.launch_plan import LaunchPlanState
from google.protobuf import json_format

from admin.control import DOMAIN, PROJECT, VERSION
from flyte_bridge.admin import rest
from flyte_bridge.admin.methods import METHODS, NEVER
from flyte_bridge.admin.rest.routes import ROUTES, Route

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from admin.control import Control
    from flyte_bridge import config

JSON = {"Accept": "application/json", "Content-Type": "application/json"}
PROTOBUF = {"Accept": "application/octet-stream", "Content-Type": "application/octet-stream"}


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Door:
    """The REST door of a backend, and the gRPC one beside it."""

    endpoint: str
    channel: grpc.Channel
    execution: identifier_pb2.WorkflowExecutionIdentifier
    headers: dict[str, str]

    def http(self, verb: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(self.endpoint, timeout=60)
        try:
            connection.request(verb, path, body, {**self.headers, **(headers or {})})
            reply = connection.getresponse()
            return Answer(reply.status, {key.lower(): value for key, value in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def send(self, verb: str, path: str, body: object) -> Answer:
        """With a JSON body, in the proto files' names."""
        return self.http(verb, path, json.dumps(body).encode(), JSON)

    def grpc(self, name: str, request: Message) -> Message:
        method = next(method for method in METHODS.values() if method.name == name)
        call = self.channel.unary_unary(
            method.path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=method.reply.FromString,
        )
        metadata = [(key.lower(), value) for key, value in self.headers.items()]
        reply: Message = call(request, timeout=60, metadata=metadata)
        return reply


@pytest.fixture(scope="module")
def door(control: Control, flows: Any, settings: config.Settings) -> Any:
    """A backend with a workflow, a launch plan and an execution that has ended."""
    plan = control.register(flows.PLAN)
    control.client.update_launch_plan(plan.id, LaunchPlanState.ACTIVE)
    ended = control.run(flows.child, {"a": 1, "b": 2})
    execution = identifier_pb2.WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=ended.id.name)
    assert control.running.access is not None
    with grpc.insecure_channel(control.endpoint) as channel:
        yield Door(control.endpoint, channel, execution, admitted.headers(control.running.access))


def entity(kind: str, name: str) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=identifier_pb2.ResourceType.Value(kind),
        project=PROJECT,
        domain=DOMAIN,
        name=name,
        version=VERSION,
    )


def named(name: str) -> common_pb2.NamedEntityIdentifier:
    return common_pb2.NamedEntityIdentifier(project=PROJECT, domain=DOMAIN, name=name)


def reads(execution: identifier_pb2.WorkflowExecutionIdentifier) -> dict[str, list[Message]]:
    """A request of every RPC that only reads, by its name."""
    plus, child, plan = (
        entity("TASK", "flows.plus"),
        entity("WORKFLOW", "flows.child"),
        entity("LAUNCH_PLAN", "flows.plan"),
    )
    node = identifier_pb2.NodeExecutionIdentifier(node_id="n0", execution_id=execution)
    attempt = identifier_pb2.TaskExecutionIdentifier(task_id=plus, node_execution_id=node, retry_attempt=0)
    whole = {"project": PROJECT, "domain": DOMAIN}
    newest = common_pb2.Sort(key="created_at", direction=common_pb2.Sort.DESCENDING)
    of_object = common_pb2.ObjectGetRequest
    of_names = common_pb2.NamedEntityIdentifierListRequest

    def of_list(name: str = "") -> Any:
        return common_pb2.ResourceListRequest(id=named(name), limit=2, sort_by=newest)

    return {
        "GetTask": [of_object(id=plus)],
        "ListTaskIds": [of_names(**whole, limit=3)],
        "ListTasks": [of_list("flows.plus"), of_list()],
        "GetWorkflow": [of_object(id=child)],
        "ListWorkflowIds": [of_names(**whole, limit=3)],
        "ListWorkflows": [of_list("flows.child"), of_list()],
        "GetLaunchPlan": [of_object(id=plan)],
        "GetActiveLaunchPlan": [launch_plan_pb2.ActiveLaunchPlanRequest(id=named("flows.plan"))],
        "ListActiveLaunchPlans": [launch_plan_pb2.ActiveLaunchPlanListRequest(**whole, limit=2)],
        "ListLaunchPlanIds": [of_names(**whole, limit=3)],
        "ListLaunchPlans": [of_list("flows.plan"), of_list()],
        "GetExecution": [execution_pb2.WorkflowExecutionGetRequest(id=execution)],
        "GetExecutionData": [execution_pb2.WorkflowExecutionGetDataRequest(id=execution)],
        "ListExecutions": [common_pb2.ResourceListRequest(id=named(""), limit=2, filters=f"eq(name,{execution.name})")],
        "GetNodeExecution": [node_execution_pb2.NodeExecutionGetRequest(id=node)],
        "ListNodeExecutions": [
            node_execution_pb2.NodeExecutionListRequest(workflow_execution_id=execution, limit=10, unique_parent_id="")
        ],
        "ListNodeExecutionsForTask": [
            node_execution_pb2.NodeExecutionForTaskListRequest(task_execution_id=attempt, limit=10)
        ],
        "GetNodeExecutionData": [node_execution_pb2.NodeExecutionGetDataRequest(id=node)],
        "GetTaskExecution": [task_execution_pb2.TaskExecutionGetRequest(id=attempt)],
        "ListTaskExecutions": [task_execution_pb2.TaskExecutionListRequest(node_execution_id=node, limit=10)],
        "GetTaskExecutionData": [task_execution_pb2.TaskExecutionGetDataRequest(id=attempt)],
        "GetProject": [project_pb2.ProjectGetRequest(id=PROJECT)],
        "ListProjects": [project_pb2.ProjectListRequest(limit=2)],
        "GetDomains": [project_pb2.GetDomainRequest()],
        "ListNamedEntities": [
            common_pb2.NamedEntityListRequest(resource_type=identifier_pb2.WORKFLOW, **whole, limit=2)
        ],
        "GetNamedEntity": [
            common_pb2.NamedEntityGetRequest(resource_type=identifier_pb2.WORKFLOW, id=named("flows.child"))
        ],
        "ListDescriptionEntities": [
            description_entity_pb2.DescriptionEntityListRequest(
                resource_type=identifier_pb2.WORKFLOW, id=named("flows.child"), limit=2
            ),
        ],
        "GetExecutionMetrics": [execution_pb2.WorkflowExecutionGetMetricsRequest(id=execution, depth=10)],
        "ListSignals": [METHODS["/flyteidl.service.SignalService/ListSignals"].request(workflow_execution_id=execution, limit=5)],
        "GetVersion": [METHODS["/flyteidl.service.AdminService/GetVersion"].request()],
        "GetOAuth2Metadata": [METHODS["/flyteidl.service.AuthMetadataService/GetOAuth2Metadata"].request()],
        "GetPublicClientConfig": [METHODS["/flyteidl.service.AuthMetadataService/GetPublicClientConfig"].request()],
        "UserInfo": [METHODS["/flyteidl.service.IdentityService/UserInfo"].request()],
        "GetData": [METHODS["/flyteidl.service.DataProxyService/GetData"].request(
            flyte_url=f"flyte://v1/{PROJECT}/{DOMAIN}/{execution.name}/n0/o"
        )],
    }  # fmt: skip


REFUSED_READS: dict[str, tuple[int, str]] = {
    "GetDynamicNodeWorkflow": (404, "NOT_FOUND"),
    "GetDescriptionEntity": (404, "NOT_FOUND"),
    "GetProjectDomainAttributes": (404, "NOT_FOUND"),
    "GetWorkflowAttributes": (404, "NOT_FOUND"),
}
"""Reads that find nothing here: the status is what is compared."""

WRITES = frozenset(
    {
        "CreateTask", "CreateWorkflow", "CreateLaunchPlan", "UpdateLaunchPlan", "CreateExecution", "RelaunchExecution",
        "RecoverExecution", "UpdateExecution", "TerminateExecution", "RegisterProject", "UpdateProject",
        "UpdateProjectDomainAttributes", "DeleteProjectDomainAttributes", "UpdateProjectAttributes", "GetProjectAttributes",
        "DeleteProjectAttributes", "UpdateWorkflowAttributes", "DeleteWorkflowAttributes", "ListMatchableAttributes",
        "UpdateNamedEntity", "CreateUploadLocation", "CreateDownloadLocation", "CreateDownloadLink", "SetSignal",
    }
)  # fmt: skip
"""Called by name in the tests below."""


def url_of(route: Route, request: Message) -> str:
    """The URL that means a request: variables in the path, what else is set in the query."""
    leaves = dict(_leaves(request))
    segments = [
        quote(str(leaves.pop(segment[1:-1], "")), safe="") if segment.startswith("{") else segment
        for segment in route.template
    ]
    query = urlencode([(name, value) for name, value in leaves.items() if name not in route.variables])
    return "/" + "/".join(segments) + (f"?{query}" if query else "")


def _leaves(message: Message, prefix: str = "") -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None:
            if message.HasField(field.name):
                leaves += _leaves(value, f"{prefix}{field.name}.")
        elif field.enum_type is not None:
            leaves.append((f"{prefix}{field.name}", field.enum_type.values_by_number[value].name))
        elif value or f"{prefix}{field.name}" in {
            "retry_attempt",
            "id.retry_attempt",
            "task_execution_id.retry_attempt",
        }:
            leaves.append((f"{prefix}{field.name}", value))
    return leaves


def routes_of(name: str) -> list[Route]:
    return [route for route in ROUTES if route.method.name == name]


def test_every_route_is_called() -> None:
    """Each of flyteidl's HTTP bindings is called by a test of this file, or is an RPC that nobody will ever answer."""
    nothing = identifier_pb2.WorkflowExecutionIdentifier()
    tried = set(reads(nothing)) | set(REFUSED_READS) | WRITES | set(NEVER)
    assert {route.method.name for route in ROUTES} <= tried
    assert len(ROUTES) == 69


def test_every_path_is_the_doors() -> None:
    """Whatever a binding's path, the door claims it, and no path of the objects or the console."""
    assert all(rest.claims(route.path) for route in ROUTES)
    assert not any(rest.claims(path) for path in ("/", "/bucket/key", "/v2/domain/d/project/p", "/apis", "/mean"))


@pytest.mark.parametrize("name", sorted(reads(identifier_pb2.WorkflowExecutionIdentifier())))
def test_what_is_read_is_what_grpc_tells(door: Door, name: str) -> None:
    """In all three forms, the answer is the message that gRPC gives."""
    routes, requests = routes_of(name), reads(door.execution)[name]
    for route, request in zip(routes, requests, strict=name != "ListDescriptionEntities"):  # its other one has no name
        expected = door.grpc(name, request)
        path = url_of(route, request)
        for headers in ({}, {"Accept": "application/json"}):
            answer = door.http(route.verb, path, headers=headers)
            assert (answer.status, answer.headers["content-type"]) == (200, "application/json"), answer.body
            assert _same(json_format.Parse(answer.body, route.method.reply()), expected)
        answer = door.http(route.verb, path, headers={"Accept": "application/octet-stream"})
        assert answer.headers["content-type"] == "application/octet-stream"
        assert _same(route.method.reply.FromString(answer.body), expected)


def _same(one: Message, other: Message) -> bool:
    """Equal but for what each call signs or reads anew: URLs and the time of the answer."""
    for message in (one, other):
        message.DiscardUnknownFields()  # of Flyte 2's logs, which JSON has no names for
        for name in ("inputs", "outputs", "pre_signed_urls"):
            field = message.DESCRIPTOR.fields_by_name.get(name)
            if (
                field is not None
                and field.message_type is not None
                and field.message_type.name in {"UrlBlob", "PreSignedURLs"}
            ):
                message.ClearField(name)
    return one == other


@pytest.mark.parametrize("name", sorted(REFUSED_READS))
def test_what_is_not_there_is_told_as_a_status(door: Door, name: str) -> None:
    """A refusal's body is a `google.rpc.Status`, its code the one of gRPC."""
    (route,) = routes_of(name)
    path = "/" + "/".join(
        {"{id.resource_type}": "WORKFLOW", "{id.execution_id.project}": PROJECT, "{id.project}": PROJECT, "{project}": PROJECT,
         "{id.execution_id.domain}": DOMAIN, "{id.domain}": DOMAIN, "{domain}": DOMAIN,
         "{id.execution_id.name}": door.execution.name}.get(segment, "nothing" if segment.startswith("{") else segment)
        for segment in route.template
    )  # fmt: skip
    answer = door.http("GET", path)
    status, code = REFUSED_READS[name]
    assert answer.status == status, answer.body
    assert answer.json["code"] == grpc.StatusCode[code].value[0]
    assert answer.json["message"]
    assert answer.json["details"] == []


def test_names_and_unset_fields(door: Door) -> None:
    """Proto names where `application/json` is accepted, JSON names elsewhere; unset fields are there: null, "", [], 0."""
    path = f"/api/v1/executions/{PROJECT}/{DOMAIN}/{door.execution.name}"
    proto = door.http("GET", path, headers={"Accept": "application/json"}).json
    plain = door.http("GET", path, headers={"Accept": "text/html,*/*"}).json
    assert proto["spec"]["launch_plan"]["resource_type"] == plain["spec"]["launchPlan"]["resourceType"] == "LAUNCH_PLAN"
    assert proto["closure"]["phase"] == "SUCCEEDED"
    assert proto["spec"]["quality_of_service"] is None
    assert proto["spec"]["tags"] == []
    assert "error" not in proto["closure"], "of a oneof only what is set is told"


def test_queries_fill_nested_fields(door: Door) -> None:
    """`sort_by.key=…`, JSON names, enums by name or number; what is no field, or the path's, is passed over."""
    base = f"/api/v1/executions/{PROJECT}/{DOMAIN}"
    mine = f"filters=eq(name,{door.execution.name})"
    for query in (
        f"{mine}&limit=1&sort_by.key=created_at&sort_by.direction=ASCENDING",
        f"{mine}&limit=1&sortBy.key=created_at&sortBy.direction=1&unknown=1&id.project=other",
    ):
        answer = door.http("GET", f"{base}?{query}")
        assert [execution["id"]["name"] for execution in answer.json["executions"]] == [door.execution.name]


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "code"),
    [
        ("GET", "/api/v1/nothing", None, 404, 5),
        ("PATCH", "/api/v1/projects", None, 501, 12),
        ("GET", "/api/v1/executions/p/d?limit=x", None, 400, 3),
        ("GET", "/api/v1/executions/p/d?limit=1&limit=2", None, 400, 3),
        ("GET", "/api/v1/executions/p/d?limit=4294967296", None, 400, 3),
        ("GET", "/api/v1/executions/p/d?sort_by.direction=UP", None, 400, 3),
        ("GET", "/api/v1/executions/p/d?filters.x=1", None, 400, 3),
        ("GET", "/api/v1/named_entities/NOTHING/p/d", None, 400, 3),
        ("GET", "/api/v1/executions/p/d?limit=%ff", None, 400, 3),
        ("GET", "/api/v1/description_entities/WORKFLOW/p/d", None, 400, 3),  # flyteadmin, too, wants a name
        ("POST", "/api/v1/executions", b"{", 400, 3),
        ("POST", "/api/v1/executions", b'{"nothing": 1}', 400, 3),
        ("POST", "/api/v1/executions", b"[" * 100_000, 400, 3),
        ("POST", "/api/v1/events/nodes", b"{}", 501, 12),
    ],
)  # fmt: skip
def test_bad_input_is_refused(door: Door, verb: str, path: str, body: bytes | None, status: int, code: int) -> None:
    """What cannot be read is the caller's mistake, told as grpc-gateway tells it."""
    answer = door.http(verb, path, body, JSON)
    assert (answer.status, answer.json["code"]) == (status, code), answer.body


def test_others_are_answered_while_a_large_body_is_read(door: Door) -> None:
    """A megabyte of JSON, which takes seconds to parse, is parsed beside the event loop."""
    body = json.dumps({"spec": {"notifications": {"notifications": [{}] * 300_000}}}).encode()
    with ThreadPoolExecutor(1) as pool:
        large = pool.submit(door.http, "POST", "/api/v1/executions", body, JSON)
        answered = 0
        while not large.done():
            assert door.http("GET", "/healthcheck").status == 200
            answered += 1
        assert large.result().status == 400
    assert answered > 3


def test_protobuf_that_is_none_is_refused(door: Door) -> None:
    """A body that is no message is INVALID_ARGUMENT, told as protobuf."""
    answer = door.http("POST", "/api/v1/executions", b"\xff", PROTOBUF)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/octet-stream"


def test_entities_are_registered(door: Door, fresh: str) -> None:
    """What GetTask, GetWorkflow and GetLaunchPlan told registers again, under another version, from JSON in either names."""
    task: Any = door.grpc("GetTask", common_pb2.ObjectGetRequest(id=entity("TASK", "flows.plus")))
    body = task_pb2.TaskCreateRequest(
        id=entity("TASK", "flows.plus"), spec=task_pb2.TaskSpec(template=task.closure.compiled_task.template)
    )
    body.id.version = body.spec.template.id.version = fresh
    for expected in (200, 409):  # of the second, flyteadmin says that it is there
        assert door.http("POST", "/api/v1/tasks", json_format.MessageToJson(body).encode(), JSON).status == expected
    workflow: Any = door.grpc("GetWorkflow", common_pb2.ObjectGetRequest(id=entity("WORKFLOW", "flows.child")))
    create = workflow_pb2.WorkflowCreateRequest(id=entity("WORKFLOW", "flows.child"))
    create.spec.template.CopyFrom(workflow.closure.compiled_workflow.primary.template)
    nodes = [node for node in create.spec.template.nodes if node.id not in {"start-node", "end-node"}]
    del create.spec.template.nodes[:]
    create.spec.template.nodes.extend(nodes)
    create.id.version = create.spec.template.id.version = fresh
    assert door.http("POST", "/api/v1/workflows", create.SerializeToString(), PROTOBUF).status == 200
    plan: Any = door.grpc("GetLaunchPlan", common_pb2.ObjectGetRequest(id=entity("LAUNCH_PLAN", "flows.plan")))
    made = launch_plan_pb2.LaunchPlanCreateRequest(id=entity("LAUNCH_PLAN", "flows.plan"), spec=plan.spec)
    made.id.version = fresh
    names = json_format.MessageToJson(made, preserving_proto_field_name=True).encode()
    assert door.http("POST", "/api/v1/launch_plans", names, JSON).status == 200
    path = f"/api/v1/launch_plans/{PROJECT}/{DOMAIN}/flows.plan/{fresh}"
    assert door.http("PUT", path, b'{"state": "ACTIVE"}', JSON).status == 200
    assert door.http("GET", path).json["closure"]["state"] == "ACTIVE"
    assert door.http("PUT", path, b'{"state": "INACTIVE"}', JSON).status == 200
    name = f"/api/v1/named_entities/WORKFLOW/{PROJECT}/{DOMAIN}/flows.child"
    assert door.http("PUT", name, b'{"metadata": {"description": "told by REST"}}', JSON).status == 200
    assert door.http("GET", name).json["metadata"]["description"] == "told by REST"


def test_executions_are_started_ended_and_named(door: Door, control: Control, flows: Any, fresh: str) -> None:
    """Create, relaunch, terminate, archive; a gate is answered; recovery is refused as over gRPC."""
    body = {
        "project": PROJECT,
        "domain": DOMAIN,
        "name": f"r{fresh}",
        "spec": {
            "launch_plan": {
                "project": PROJECT,
                "domain": DOMAIN,
                "name": "flows.child",
                "version": VERSION,
                "resource_type": "LAUNCH_PLAN",
            },
            "metadata": {"mode": "MANUAL"},
        },
        "inputs": {"literals": {key: {"scalar": {"primitive": {"integer": "3"}}} for key in ("a", "b")}},
    }
    created = door.send("POST", "/api/v1/executions", body)
    assert created.json["id"] == {"project": PROJECT, "domain": DOMAIN, "name": f"r{fresh}", "org": ""}
    ended = control.done(control.remote.fetch_execution(PROJECT, DOMAIN, f"r{fresh}"))
    assert ended.outputs["o0"] == 6
    again = door.send("POST", "/api/v1/executions/relaunch", {"id": created.json["id"], "name": f"s{fresh}"})
    assert again.json["id"]["name"] == f"s{fresh}"
    path = f"/api/v1/executions/{PROJECT}/{DOMAIN}/s{fresh}"
    control.done(control.remote.fetch_execution(PROJECT, DOMAIN, f"s{fresh}"))
    late = door.send("DELETE", path, {"cause": "too late"})
    assert (late.status, late.json["code"]) == (400, 9)
    assert door.http("PUT", path, b'{"state": "EXECUTION_ARCHIVED"}', JSON).status == 200
    assert door.http("GET", path, headers=JSON).json["closure"]["state_change_details"]["state"] == "EXECUTION_ARCHIVED"
    nothing = door.send("POST", "/api/v1/executions/recover", {"id": {**created.json["id"], "name": "nothing"}})
    assert (nothing.status, nothing.json["code"]) == (404, 5)
    signal = {
        "id": {"signal_id": "s", "execution_id": created.json["id"]},
        "value": {"scalar": {"primitive": {"boolean": True}}},
    }
    assert door.send("POST", "/api/v1/signals", signal).status in {400, 404}


def test_projects_and_attributes(door: Door, fresh: str) -> None:
    """A project is made, described, given attributes of all three kinds, and loses them."""
    project = f"p{fresh}"
    assert door.send("POST", "/api/v1/projects", {"project": {"id": project, "name": project}}).status == 200
    described = {"name": project, "description": "d"}
    assert door.send("PUT", f"/api/v1/projects/{project}", described).status == 200
    assert door.http("GET", f"/api/v1/projects/{project}").json["description"] == "d"
    attributes = {"matching_attributes": {"task_resource_attributes": {"defaults": {"cpu": "1"}}}}
    for path in (
        f"/api/v1/project_domain_attributes/{project}/{DOMAIN}",
        f"/api/v1/project_attributes/{project}",
        f"/api/v1/workflow_attributes/{project}/{DOMAIN}/w",
    ):
        assert door.send("PUT", path, {"attributes": attributes}).status == 200
        told = door.http("GET", f"{path}?resource_type=TASK_RESOURCE", headers=JSON).json
        assert told["attributes"]["matching_attributes"]["task_resource_attributes"]["defaults"]["cpu"] == "1"
        listed = door.http("GET", "/api/v1/matchable_attributes?resource_type=TASK_RESOURCE", headers=JSON).json
        assert any(entry["project"] == project for entry in listed["configurations"])
        assert door.send("DELETE", path, {"resource_type": "TASK_RESOURCE"}).status == 200


def test_files_go_up_and_down(door: Door) -> None:
    """Bytes in JSON are base64; what an upload location takes, a download location gives."""
    content = base64.b64encode(bytes(16)).decode()
    body = {"project": PROJECT, "domain": DOMAIN, "filename": "f", "content_md5": content}
    up = door.send("POST", "/api/v1/dataproxy/artifact_urn", body)
    assert up.status == 200, up.body
    assert up.json["native_url"].endswith("/f")
    down = door.http(
        "GET", f"/api/v1/dataproxy/artifact_urn?{urlencode({'native_url': up.json['native_url'], 'expires_in': '60s'})}"
    )
    assert down.status == 200, down.body
    assert down.json["signedUrl"].startswith("http://")
    link = {
        "artifact_type": "ARTIFACT_TYPE_DECK",
        "node_execution_id": {
            "node_id": "n9",
            "execution_id": {"project": PROJECT, "domain": DOMAIN, "name": door.execution.name},
        },
    }
    assert door.send("POST", "/api/v1/dataproxy/artifact_link", link).json["code"] == 3


def test_attributes_of_a_project_are_there_without_being_set(door: Door) -> None:
    """`GetProjectAttributes` of the execution's settings answers the platform's own, as flyteadmin does."""
    answer = door.http(
        "GET", f"/api/v1/project_attributes/{PROJECT}?resource_type=WORKFLOW_EXECUTION_CONFIG", headers=JSON
    )
    assert answer.json["attributes"]["matching_attributes"]["workflow_execution_config"]["max_parallelism"] == 25


def test_the_doors_own_paths(door: Door) -> None:
    """`/healthcheck` is 200 and empty; the description names every path."""
    assert (door.http("GET", "/healthcheck").status, door.http("GET", "/healthcheck").body) == (200, b"")
    described = door.http("GET", "/api/v1/openapi").json
    assert set(described["paths"]) == {route.path for route in ROUTES}
    operations = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]
    assert len(operations) == len(set(operations)) == len(ROUTES)
    text = json.dumps(described)
    assert all(f'"{name}"' in text for name in ("adminExecution", "adminTask", "coreLiteral"))


def test_nobody_comes_in_without_the_token(door: Door) -> None:
    """The door asks for what gRPC asks for; a page of another site is not answered at all."""
    connection = http.client.HTTPConnection(door.endpoint, timeout=60)
    connection.request("GET", "/api/v1/version")
    assert connection.getresponse().status == 401
    connection.close()
    assert door.http("GET", "/api/v1/version", headers={"Origin": "https://evil.example"}).status == 403


def test_metadata_and_deadlines(door: Door) -> None:
    """`Grpc-Timeout` is the caller's patience: one that cannot be read is refused, one that is over is 504."""
    assert door.http("GET", "/api/v1/version", headers={"Grpc-Timeout": "soon"}).status == 400
    assert door.http("GET", "/api/v1/version", headers={"Grpc-Timeout": "10S"}).status == 200
    assert door.http("GET", "/api/v1/projects", headers={"Grpc-Timeout": "0m"}).status == 504
