"""Which service is implemented by what: the whole API of flyteidl2, in one table.

What the real backend has and this one has not is mounted without an implementation, so that each RPC of it is answered
UNIMPLEMENTED by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.actions import actions_service_pb2
from flyteidl2.app import app_logs_service_pb2, app_service_pb2
from flyteidl2.artifact import artifact_service_pb2
from flyteidl2.auth import auth_service_pb2, identity_pb2
from flyteidl2.cacheservice import cacheservice_pb2
from flyteidl2.cacheservice.v2 import cacheservice_pb2 as cacheservice_v2_pb2
from flyteidl2.cluster import service_pb2 as cluster_service_pb2
from flyteidl2.dataproxy import dataproxy_service_pb2
from flyteidl2.imagebuilder import service_pb2 as image_service_pb2
from flyteidl2.project import project_service_pb2
from flyteidl2.secret import secret_pb2
from flyteidl2.settings import settings_service_pb2
from flyteidl2.task import task_service_pb2
from flyteidl2.trigger import trigger_service_pb2
from flyteidl2.workflow import (
    events_proxy_service_pb2,
    internal_run_service_pb2,
    queue_service_pb2,
    run_logs_service_pb2,
    run_service_pb2,
    state_service_pb2,
    tracked_run_service_pb2,
    translator_service_pb2,
)

from flyte_bridge.embedded.go_like.actions import GoActionsService
from flyte_bridge.embedded.go_like.data import GoDataProxyService
from flyte_bridge.embedded.go_like.identity import GoIdentityService
from flyte_bridge.embedded.go_like.runs import GoRunService
from flyte_bridge.embedded.services.actions import ActionsService
from flyte_bridge.embedded.services.cache import CacheService
from flyte_bridge.embedded.services.cluster import ClusterService
from flyte_bridge.embedded.services.data_proxy import DataProxyService
from flyte_bridge.embedded.services.identity import IdentityService
from flyte_bridge.embedded.services.image import ImageService
from flyte_bridge.embedded.services.internal_run import EventsProxyService, InternalRunService
from flyte_bridge.embedded.services.project import ProjectService
from flyte_bridge.embedded.services.run import RunService
from flyte_bridge.embedded.services.secret import SecretService
from flyte_bridge.embedded.services.settings import SettingsService
from flyte_bridge.embedded.services.task import TaskService
from flyte_bridge.embedded.services.translator import TranslatorService
from flyte_bridge.embedded.services.trigger import TriggerService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import ServiceDescriptor

    from flyte_bridge.embedded.server import Backend


def services(backend: Backend) -> Iterator[tuple[ServiceDescriptor, object | None]]:
    """Each service and its implementation; None for one that is not part of the embedded backend."""
    wake = backend.scheduler.wake
    like = backend.options.go_like
    runs, actions = RunService(backend.engine, backend.ledger), ActionsService(backend.engine, backend.ledger)
    data_proxy, identity = DataProxyService, IdentityService()
    if like is not None:
        runs = GoRunService(backend.engine, backend.ledger, backend.objects, like)
        actions = GoActionsService(backend.engine, backend.ledger, backend.layout, like)
        data_proxy, identity = GoDataProxyService, GoIdentityService()
    internal = InternalRunService(backend.ledger, backend.projects)
    for module, implementation in (
        (run_service_pb2, runs),
        (actions_service_pb2, actions),
        (internal_run_service_pb2, internal),
        (events_proxy_service_pb2, EventsProxyService(internal)),
        (
            task_service_pb2,
            TaskService(
                backend.store,
                backend.tasks,
                backend.projects,
                backend.triggers,
                backend.ledger,
                wake,
                backend.executor.expect,
            ),
        ),
        (trigger_service_pb2, TriggerService(backend.triggers, backend.tasks, backend.clock, wake=wake)),
        (project_service_pb2, ProjectService(backend.projects)),
        (
            dataproxy_service_pb2,
            data_proxy(
                backend.objects,
                backend.signer,
                backend.ledger,
                backend.hub,
                backend.projects,
                backend.tasks,
                backend.triggers,
                backend.layout,
                backend.clock,
                base_url=lambda: backend.url,
            ),
        ),
        (secret_pb2, SecretService(backend.secrets, backend.projects)),
        (image_service_pb2, ImageService()),
        (identity_pb2, identity),
        (cluster_service_pb2, ClusterService()),
        (settings_service_pb2, SettingsService(backend.settings)),
        (cacheservice_v2_pb2, CacheService(backend.cache)),
        (translator_service_pb2, TranslatorService(backend.ledger, backend.triggers, backend.objects)),
        # the real backend has not mounted these either, or they need what one machine has not
        (queue_service_pb2, None),
        (state_service_pb2, None),
        (run_logs_service_pb2, None),
        (tracked_run_service_pb2, None),
        (cacheservice_pb2, None),
        (auth_service_pb2, None),
        (app_service_pb2, None),
        (app_logs_service_pb2, None),
        (artifact_service_pb2, None),
    ):
        for descriptor in module.DESCRIPTOR.services_by_name.values():
            yield descriptor, implementation
