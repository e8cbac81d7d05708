"""flytekit's `FlyteRemote` on top of Flyte 2, in this process."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flyteidl.service import admin_pb2_grpc, dataproxy_pb2_grpc, signal_pb2_grpc
from flytekit.clients.auth_helper import (
    upgrade_channel_to_authenticated,
    upgrade_channel_to_proxy_authenticated,
    wrap_exceptions_channel,
)
from flytekit.clients.friendly import SynchronousFlyteClient
from flytekit.configuration import Config, DataConfig, PlatformConfig, S3Config
from flytekit.models.core.identifier import Identifier, ResourceType, WorkflowExecutionIdentifier
from flytekit.remote.executions import FlyteWorkflowExecution
from flytekit.remote.remote import FlyteRemote as FlytekitRemote

from flyte_bridge import config as bridge_config
from flyte_bridge.remote import code
from flyte_bridge.remote.channel import Channel
from flyte_bridge.remote.flyte_remote_extras import Documented
from flyte_bridge.remote.in_process import home_of
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.config import Settings
    from flyte_bridge.remote.in_process import Home

_POLL = timedelta(seconds=1)
"""How often `wait` looks by default. flytekit's 30 s spare a server that many share; ours may be this process."""


class Client(SynchronousFlyteClient):  # type: ignore[misc]
    """flytekit's client, with its retries and its errors, over the in-process channel."""

    def __init__(
        self, cfg: PlatformConfig, settings: Settings, make_channel: Callable[[Home], Channel] = Channel
    ) -> None:
        """Connects to nothing.

        Args:
            cfg: Where the script believes its Flyte 1 to be; only the credentials and the retries are used.
            settings: Which Flyte 2 is behind the façade.
            make_channel: Makes the channel at the bottom.
        """
        # as RawSynchronousFlyteClient.__init__ does it (flytekit 1.16), with another channel at the bottom
        self._cfg = cfg
        channel = make_channel(home_of(settings))
        if not settings.embedded:  # the façade of this process has the embedded backend's token
            channel = upgrade_channel_to_authenticated(cfg, upgrade_channel_to_proxy_authenticated(cfg, channel))
        self._channel = wrap_exceptions_channel(cfg, channel)
        self._stub = admin_pb2_grpc.AdminServiceStub(self._channel)
        self._signal = signal_pb2_grpc.SignalServiceStub(self._channel)
        self._dataproxy_stub = dataproxy_pb2_grpc.DataProxyServiceStub(self._channel)
        self._metadata = None


class FlyteRemote(Documented, FlytekitRemote):  # type: ignore[misc]
    """flytekit's `FlyteRemote`, talking to Flyte 2.

    Where the configuration points does not matter: calls go to the Flyte 2 that `FLYTE_BRIDGE_ENDPOINT` names, or to the
    embedded one, which is started if it does not run.
    """

    def __init__(
        self,
        config: Config | None = None,
        default_project: str | None = None,
        default_domain: str | None = None,
        data_upload_location: str = "flyte://my-s3-bucket/",
        interactive_mode_enabled: bool | None = None,
        *,
        settings: Settings | None = None,
        **kwargs: Any,
    ) -> None:
        """Starts the embedded backend if it is meant and does not run; calls nothing.

        Args:
            config: As for flytekit; by default one that fits the Flyte 2 behind.
            default_project: Used where a method names none; by default `FLYTE_BRIDGE_PROJECT`.
            default_domain: Likewise; by default `FLYTE_BRIDGE_DOMAIN`.
            data_upload_location: As for flytekit.
            interactive_mode_enabled: As for flytekit.
            settings: Which Flyte 2; by default what the environment says.
            **kwargs: As for flytekit; what only makes sense for a connection has no effect.

        Raises:
            BackendError: The embedded backend cannot be started.
            ConfigError: The settings cannot be.
        """
        self.settings = settings or bridge_config.load()
        super().__init__(
            _with_storage(config, self.settings),
            default_project or self.settings.project,
            default_domain or self.settings.domain,
            data_upload_location,
            interactive_mode_enabled,
            **kwargs,
        )

    make_channel: Callable[[Home], Channel] = Channel
    """Makes the channels that it calls."""

    _client_initialized: bool
    _client: SynchronousFlyteClient

    @property
    def client(self) -> SynchronousFlyteClient:
        """flytekit's client, for what has no method here."""
        if not self._client_initialized:
            self._client = Client(self.config.platform, self.settings, self.make_channel)
            self._client_initialized = True
        return self._client

    def wait(
        self,
        execution: FlyteWorkflowExecution,
        timeout: timedelta | int | None = None,
        poll_interval: timedelta | int | None = None,
        sync_nodes: bool = True,
    ) -> FlyteWorkflowExecution:
        """Waits for an execution's end; looks every second if nothing else is said."""
        return super().wait(execution, timeout, poll_interval or _POLL, sync_nodes)

    # -- code that is in no image -------------------------------------------------------------------------------------

    def execute_local_task(self, entity: Any, *args: Any, version: str | None = None, **more: Any) -> Any:
        """Registers a task if need be, and executes it; a script's has a version of its own."""
        named = code.version(entity, version, more.get("serialization_settings"))
        return super().execute_local_task(entity, *args, version=named, **more)

    def execute_local_workflow(self, entity: Any, *args: Any, version: str | None = None, **more: Any) -> Any:
        """Registers a workflow if need be, and executes it; a script's has a version of its own."""
        named = code.version(entity, version, more.get("serialization_settings"))
        return super().execute_local_workflow(entity, *args, version=named, **more)

    def _execute(self, *args: Any, envs: dict[str, str] | None = None, **more: Any) -> Any:
        entity = args[0] if args else more["entity"]
        return super()._execute(*args, envs=code.with_path(envs, entity, self.settings), **more)

    # -- the console --------------------------------------------------------------------------------------------------

    def generate_console_http_domain(self) -> str:
        """Where Flyte 2's console is."""
        return _console(self.settings)

    def generate_console_url(self, entity: Any) -> str:
        """The page of an execution or an entity in Flyte 2's console.

        Scripts look for `executions/NAME` in what flytekit returns, so an execution's URL ends with that.
        """
        entity = getattr(entity, "id", entity) if not isinstance(entity, Identifier) else entity
        if isinstance(entity, Identifier):
            return self._entity_url(entity)
        node = getattr(entity, "node_execution_id", entity)
        execution = getattr(node, "execution_id", node)
        if not isinstance(execution, WorkflowExecutionIdentifier):
            return str(super().generate_console_url(entity))  # which says what is wrong with it
        place = f"{self.generate_console_http_domain()}/v2/domain/{execution.domain}/project/{execution.project}"
        return f"{place}/runs/{identifier.run_name(execution.name)}#executions/{execution.name}"

    def _entity_url(self, entity: Identifier) -> str:
        kinds = {ResourceType.WORKFLOW: identifier.WORKFLOW, ResourceType.LAUNCH_PLAN: identifier.LAUNCH_PLAN}
        environment = kinds.get(entity.resource_type, identifier.TASK)
        place = f"{self.generate_console_http_domain()}/v2/domain/{entity.domain}/project/{entity.project}"
        return f"{place}/tasks/{quote(identifier.task_name(environment, entity.name), safe='')}"


def _console(settings: Settings) -> str:
    if settings.endpoint is not None:
        host = settings.endpoint.removesuffix(":443")
        return f"http://{host}" if settings.insecure else f"https://{host}"
    from flyte_bridge.embedded_client import instance

    return instance.ensure(settings.data_dir).url


def _with_storage(config: Config | None, settings: Settings) -> Config:
    """A configuration with which flytekit can read what the Flyte 2 behind stores."""
    if settings.endpoint is not None:
        return config or Config(
            platform=PlatformConfig(endpoint=settings.endpoint, insecure=settings.insecure),
            data_config=DataConfig.auto(),
        )
    from flyte_bridge.embedded_client import instance, snippets

    running = instance.ensure(settings.data_dir)
    key, secret = snippets.s3_keys(running)
    s3 = S3Config(endpoint=running.url, access_key_id=key, secret_access_key=secret)
    if config is None:
        platform = PlatformConfig(endpoint=running.endpoint, insecure=True)
        return Config(platform=platform, data_config=DataConfig(s3=s3))
    # whatever storage an old configuration names, the data is in the embedded backend's
    return replace(config, data_config=replace(config.data_config, s3=s3))
