"""Which Flyte 2 the bridge works with, and where the embedded one keeps its data: one model, read from the environment.

| variable | meaning | default |
|---|---|---|
| `FLYTE_BRIDGE_ENDPOINT` | `host:port` of a Flyte 2; unset means the embedded one, started on demand | unset |
| `FLYTE_BRIDGE_INSECURE` | talk to the endpoint without TLS | `false` |
| `FLYTE_BRIDGE_CA_CERT` | file with the certificate authorities to trust instead of the system's | unset |
| `FLYTE_BRIDGE_TOKEN` | a bearer token sent with each call | unset |
| `FLYTE_BRIDGE_TOKEN_COMMAND` | a command whose standard output is the bearer token; run again on expiry | unset |
| `FLYTE_BRIDGE_CLIENT_ID`, `FLYTE_BRIDGE_CLIENT_SECRET` | OAuth client credentials | unset |
| `FLYTE_BRIDGE_PROJECT`, `FLYTE_BRIDGE_DOMAIN` | used where a command names none | `flytesnacks`, `development` |
| `FLYTE_BRIDGE_DATA_DIR` | the embedded backend's directory | `$XDG_DATA_HOME/flyte-bridge` |
| `FLYTE_BRIDGE_DRIVER_IMAGE` | the image that drives Flyte 1 workflows; registration on an endpoint needs it | unset |
| `FLYTE_BRIDGE_DRIVER_CPU`, `FLYTE_BRIDGE_DRIVER_MEMORY` | what the driver's pod requests | `100m`, `128Mi` |
| `FLYTE_BRIDGE_CONNECTORS` | task types without a container that connectors of the endpoint run, with commas | unset |
| `FLYTE_BRIDGE_BUCKETS` | `s3://bucket`, `gs://bucket/prefix`: what `serve` may sign and read, with commas | unset |
| `FLYTE_BRIDGE_HOSTS` | names by which clients may call the embedded backend, with commas: `name`, `name:port` | unset |
| `FLYTE_BRIDGE_REQUIRE_TOKEN` | `false` lets everybody in who reaches the embedded backend's port | `true` |
| `FLYTE_BRIDGE_GATEWAY` | `host:port` (`http://host:port` without TLS) at which tasks reach `flyte-bridge serve` | unset |

Without `FLYTE_BRIDGE_BUCKETS` a gateway keeps to the bucket that Flyte 2 has files uploaded to.
Without `FLYTE_BRIDGE_CONNECTORS` there are Flyte 2's own. On the embedded backend tasks reach Flyte 1's control plane on its own
port.

Which Flyte 1 stands beside it, for what works on both (docs/side-by-side.md):

| variable | meaning | default |
|---|---|---|
| `FLYTE_BRIDGE_V1_ENDPOINT` | `host:port` of a flyteadmin | unset |
| `FLYTE_BRIDGE_V1_INSECURE` | talk to it without TLS | false |
| `FLYTE_BRIDGE_V1_CA_CERT` | file with the certificate authorities to trust instead of the system's | unset |
| `FLYTE_BRIDGE_V1_TOKEN` | a bearer token sent with each call to it | unset |
| `FLYTE_BRIDGE_V1_TOKEN_COMMAND` | a command whose standard output is the bearer token | unset |
| `FLYTE_BRIDGE_V1_ZONE` | the time zone of flyteadmin's process: that of cron schedules which name none | `UTC` |

Its object store, where it is another one than Flyte 2's, is told by the variables of `FLYTE_AWS_ENDPOINT` and so on with
`FLYTE_BRIDGE_V1_AWS_` in the place of `FLYTE_AWS_`.

How the embedded backend runs tasks; read when it starts:

| variable | meaning | default |
|---|---|---|
| `FLYTE_BRIDGE_TASK_IMAGES` | `IMAGE=PYTHON[:DIRECTORY…]`, with commas between; else the backend's own Python | unset |
| `FLYTE_BRIDGE_TASK_ENV` | names of environment variables that tasks get too, with commas | unset |
| `FLYTE_BRIDGE_TASK_CPUS`, `FLYTE_BRIDGE_TASK_MEMORY` | how much runs at once, by what tasks request; else the machine | unset |
| `FLYTE_BRIDGE_TASK_ALLOW` | `accelerators`, `commands`, `registration`: see [embedded.md](embedded.md) | unset |
| `FLYTE_BRIDGE_TASK_FORKSERVERS` | `false` starts each task in a fresh interpreter | `true` |
| `FLYTE_BRIDGE_EMBEDDED_LIKE` | `go`: behave as the Go backend where they differ, for tests (`embedded/go_like`) | unset |
| `FLYTE_BRIDGE_EMBEDDED_FORGETS` | seconds after which it then forgets actions that have ended | `3600.0` |
| `FLYTE_BRIDGE_EMBEDDED_CLOCK` | seconds by which the embedded backend's clock is ahead of the machine's, for tests | `0.0` |
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flyte_bridge.errors import ConfigError
from flyte_bridge_translators.wire.quantity import BadQuantity, quantity

PREFIX = "FLYTE_BRIDGE_"
"""Before each setting's name in the environment."""

AuthMode = Literal["none", "token", "command", "client-credentials"]
"""How calls to the endpoint prove who sends them."""

Allowance = Literal["accelerators", "commands", "registration"]
"""What the embedded backend refuses to run unless told to."""


def default_data_dir() -> Path:
    """The user's data directory by the XDG rule: `$XDG_DATA_HOME/flyte-bridge`, by default under `~/.local/share`."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "flyte-bridge"


class Settings(BaseSettings):
    """What the bridge is told from outside. Build it with `load()`, which turns what is wrong into a `ConfigError`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    endpoint: str | None = None
    insecure: bool = False
    ca_cert: Path | None = None
    token: SecretStr | None = None
    token_command: Annotated[tuple[str, ...], NoDecode] = ()
    client_id: str | None = None
    client_secret: SecretStr | None = None
    v1_endpoint: str | None = None
    v1_insecure: bool = False
    v1_ca_cert: Path | None = None
    v1_token: SecretStr | None = None
    v1_token_command: Annotated[tuple[str, ...], NoDecode] = ()
    v1_zone: str = "UTC"
    project: str = "flytesnacks"
    domain: str = "development"
    data_dir: Path = Field(default_factory=default_data_dir)
    driver_image: str | None = None
    driver_cpu: str = "100m"
    driver_memory: str = "128Mi"
    connectors: Annotated[tuple[str, ...], NoDecode] = ()
    gateway: str | None = None
    buckets: Annotated[tuple[str, ...], NoDecode] = ()
    hosts: Annotated[tuple[str, ...], NoDecode] = ()
    require_token: bool = True
    task_images: Annotated[dict[str, str], NoDecode] = {}
    task_env: Annotated[tuple[str, ...], NoDecode] = ()
    task_cpus: float | None = Field(default=None, gt=0)
    task_memory: str | None = None
    task_allow: Annotated[tuple[Allowance, ...], NoDecode] = ()
    task_forkservers: bool = True
    embedded_like: Literal["go"] | None = None
    embedded_forgets: float = Field(default=3600.0, ge=0)
    embedded_clock: float = 0.0

    @field_validator("driver_cpu", "driver_memory")
    @classmethod
    def _quantity(cls, value: str) -> str:
        """An amount as Kubernetes spells it."""
        try:
            enough = quantity(value) > 0
        except BadQuantity:
            enough = False
        if not enough:
            raise ValueError(f"{value!r} is nothing that a pod can ask for; write it as Kubernetes does: 100m, 128Mi")
        return value

    @field_validator("gateway")
    @classmethod
    def _with_scheme(cls, value: str | None) -> str | None:
        """`host:port`; before it `http://` where no TLS is spoken."""
        bare = cls._bare_endpoint(value)
        return f"http://{bare}" if bare and str(value).strip().startswith("http://") else bare

    @field_validator("endpoint", "v1_endpoint")
    @classmethod
    def _bare_endpoint(cls, value: str | None) -> str | None:
        """`host:port`, whichever of the usual spellings (`dns:///host:port`, `http://host:port/`) was given."""
        if value is None:
            return None
        bare = value.strip().removeprefix("dns:///").split("://", 1)[-1].rstrip("/")
        if not bare or "/" in bare or " " in bare:
            raise ValueError(f"{value!r} is no endpoint; write host:port, such as 'flyte.example.com:443'")
        return bare

    @field_validator("v1_zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is not in the IANA database; write one such as 'Europe/London'") from None
        return value

    @field_validator("token_command", "v1_token_command", mode="before")
    @classmethod
    def _as_words(cls, value: Any) -> Any:
        return tuple(shlex.split(value)) if isinstance(value, str) else value

    @field_validator("task_images", mode="before")
    @classmethod
    def _as_map(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [pair.strip().partition("=") for pair in value.replace("\n", ",").split(",") if pair.strip()]
        if wrong := [name for name, equals, python in pairs if not (name and equals and python)]:
            raise ValueError(
                f"{wrong[0]!r} names no Python; write IMAGE=PYTHON, such as 'ghcr.io/acme/train=~/venvs/train'"
            )
        return {name.strip(): python.strip() for name, _, python in pairs}

    @field_validator("buckets", "connectors", "hosts", "task_env", "task_allow", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("buckets")
    @classmethod
    def _are_buckets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for bucket in value:
            scheme, _, name = bucket.partition("://")
            if not scheme or not name.strip("/") or scheme == "file":
                raise ValueError(f"{bucket!r} is no bucket; write s3://bucket, or s3://bucket/prefix for a part of one")
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _one_way(self) -> Settings:
        if (self.client_id is None) != (self.client_secret is None):
            raise ValueError("client_id and client_secret belong together; set both or neither")
        ways = [name for name in ("token", "token_command", "client_id") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} are set: choose one way to authenticate")
        if self.endpoint is None and (ways or self.insecure or self.ca_cert):
            told = ways + [name for name in ("insecure", "ca_cert") if getattr(self, name)]
            raise ValueError(
                f"{' and '.join(told)} only mean something with an endpoint, and none is set: set {PREFIX}ENDPOINT, "
                f"or unset {', '.join(PREFIX + name.upper() for name in told)} to use the embedded backend"
            )
        if self.insecure and self.ca_cert:
            raise ValueError("insecure means no TLS, so ca_cert has no use; unset one of them")
        return self

    @model_validator(mode="after")
    def _one_way_to_v1(self) -> Settings:
        told = [name for name in ("v1_token", "v1_token_command", "v1_insecure", "v1_ca_cert") if getattr(self, name)]
        if told and self.v1_endpoint is None:
            raise ValueError(f"{' and '.join(told)} only mean something with {PREFIX}V1_ENDPOINT, and it is not set")
        if self.v1_token and self.v1_token_command:
            raise ValueError("v1_token and v1_token_command are set: choose one way to authenticate")
        if self.v1_insecure and self.v1_ca_cert:
            raise ValueError("v1_insecure means no TLS, so v1_ca_cert has no use; unset one of them")
        return self

    @property
    def embedded(self) -> bool:
        """Whether the embedded backend is meant."""
        return self.endpoint is None

    @property
    def one_space_of_names(self) -> bool:
        """Whether a run's name is its own in all projects and domains, as on a cluster, whose resources are named by it."""
        return not self.embedded or self.embedded_like == "go"

    @property
    def gateway_environment(self) -> dict[str, str]:
        """What tells flytekit in a task where Flyte 1's control plane is; empty if nobody says."""
        if self.gateway is None:
            return {}
        return {
            "FLYTE_PLATFORM_URL": self.gateway.removeprefix("http://"),
            "FLYTE_PLATFORM_INSECURE": str(self.gateway.startswith("http://")).lower(),
        }

    @property
    def auth_mode(self) -> AuthMode:
        """How calls to the endpoint prove who sends them."""
        if self.token:
            return "token"
        if self.token_command:
            return "command"
        return "client-credentials" if self.client_id else "none"


def forget_flyte1() -> None:
    """Lets this process and its children know of no Flyte 1: for what is done on Flyte 2, whatever stands beside it."""
    for name in ("ENDPOINT", "INSECURE", "CA_CERT", "TOKEN", "TOKEN_COMMAND"):
        os.environ.pop(f"{PREFIX}V1_{name}", None)


def load(**given: Any) -> Settings:
    """Read the settings: what is given here, then the environment, then the defaults.

    Args:
        **given: Fields of `Settings`; those that are `None` count as not given.

    Raises:
        ConfigError: When they contradict each other or do not parse.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" if fault["loc"] else fault["msg"]
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise ConfigError(f"configuration ({PREFIX}*): {faults.replace('Value error, ', '')}") from error
