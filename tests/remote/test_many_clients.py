"""Raw gRPC stubs from two threads and from two processes at once, and twenty clients that poll."""

from __future__ import annotations

import multiprocessing
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
from flyteidl.admin import common_pb2, task_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import admin_pb2_grpc

import admitted

if TYPE_CHECKING:
    from flyte_bridge.embedded_client import instance

PLACE = {"project": "flytesnacks", "domain": "development"}
TASKS = 12


def request(name: str) -> task_pb2.TaskCreateRequest:
    """Registers a task that runs an image."""
    identity = identifier_pb2.Identifier(resource_type=identifier_pb2.TASK, name=name, version="v1", **PLACE)
    made = task_pb2.TaskCreateRequest(id=identity)
    made.spec.template.id.CopyFrom(identity)
    made.spec.template.type = "python-task"
    made.spec.template.metadata.runtime.type = 1
    made.spec.template.metadata.runtime.version = "1"
    made.spec.template.interface.SetInParent()
    made.spec.template.container.image = "img:1"
    made.spec.template.container.args.append("pyflyte-execute")
    return made


def register(backend: instance.Instance) -> list[str]:
    """Registers the same tasks from two threads at once; the status of each call."""
    with admitted.channel(backend.endpoint, backend.access) as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)

        def one(number: int) -> str:
            try:
                stub.CreateTask(request(f"many.t{number % TASKS}"))
            except grpc.RpcError as error:
                return str(error.code().name)
            return "OK"

        with futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(one, range(2 * TASKS)))


def test_the_same_tasks_from_everywhere(backend: instance.Instance) -> None:
    """Each task is registered by at least one of four who try at once, and the others are told that it is there; the list
    has each once."""
    context = multiprocessing.get_context("spawn")
    with futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        told = [status for statuses in pool.map(register, [backend] * 2) for status in statuses]
    assert set(told) <= {"OK", "ALREADY_EXISTS"}
    assert told.count("OK") >= TASKS
    with admitted.channel(backend.endpoint, backend.access) as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        listed = stub.ListTaskIds(common_pb2.NamedEntityIdentifierListRequest(limit=100, **PLACE)).entities
        names = [each.name for each in listed if each.name.startswith("many.")]
        assert sorted(names) == sorted(f"many.t{number}" for number in range(TASKS))

        def poll(_: int) -> Any:
            asked = common_pb2.ResourceListRequest(id=common_pb2.NamedEntityIdentifier(**PLACE), limit=100)
            return [stub.ListExecutions(asked), stub.ListTasks(asked)]

        with futures.ThreadPoolExecutor(20) as pool:
            assert len(list(pool.map(poll, range(100)))) == 100
