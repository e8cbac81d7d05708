"""flytekit's own client of the façade, and what tests do with it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import admitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.backend.grpc import GrpcCaller
    from flyte_bridge.embedded_client.instance import Instance

PROJECT, DOMAIN, VERSION = "flytesnacks", "development", "v1"
PATIENCE = 180


@dataclass
class Control:
    """Flyte 1's control plane on top of Flyte 2, through flytekit.

    Attributes:
        running: The backend, on whose port it listens.
        remote: A `FlyteRemote`.
    """

    running: Instance
    remote: Any

    @property
    def endpoint(self) -> str:
        """`host:port`."""
        return self.running.endpoint

    def caller(self) -> GrpcCaller:
        """Calls the Flyte 2 behind it."""
        assert self.running.access is not None
        return admitted.caller(self.endpoint, self.running.access)

    @property
    def client(self) -> Any:
        """flytekit's `SynchronousFlyteClient`."""
        return self.remote.client

    def register(self, entity: Any) -> Any:
        """A workflow or launch plan, with all it needs."""
        from flytekit import LaunchPlan
        from flytekit.configuration import Image, ImageConfig, SerializationSettings

        settings = SerializationSettings(
            image_config=ImageConfig(Image("default", "registry.example/app", "1")),
            project=PROJECT,
            domain=DOMAIN,
            version=VERSION,
        )
        if isinstance(entity, LaunchPlan):
            return self.remote.register_launch_plan(
                entity, version=VERSION, project=PROJECT, domain=DOMAIN, serialization_settings=settings
            )
        return self.remote.register_workflow(entity, serialization_settings=settings, version=VERSION)

    def start(self, entity: Any, inputs: dict[str, Any], **more: Any) -> Any:
        """An execution of a workflow, registered if it has to be."""
        self.register(entity)
        return self.remote.execute(entity, inputs=inputs, version=VERSION, **more)

    def until(self, execution: Any, reached: Callable[[Any], bool], *, nodes: bool = False) -> Any:
        """The execution, once something is true of it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            execution = self.remote.sync(execution, sync_nodes=nodes)
            if reached(execution):
                return execution
            time.sleep(0.1)
        raise AssertionError(f"{execution.id.name} is still in phase {execution.closure.phase}")

    def done(self, execution: Any) -> Any:
        """The execution with its nodes, once it has ended."""
        self.until(execution, lambda one: one.is_done)
        return self.remote.sync(execution, sync_nodes=True)

    def run(self, entity: Any, inputs: dict[str, Any], **more: Any) -> Any:
        """An execution, from its start to its end."""
        return self.done(self.start(entity, inputs, **more))
