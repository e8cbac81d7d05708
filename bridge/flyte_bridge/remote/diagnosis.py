"""What works on this machine with these settings, what does not, and why. Nothing is started and nothing is changed."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flyte_bridge import config
from flyte_bridge.backend.urls import open_http
from flyte_bridge.errors import BridgeError, ConfigError, Unauthenticated, Unimplemented

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.config import Settings

PATIENCE = 5.0
"""Seconds for each question that goes over the network."""

SKEW = 60.0
"""Seconds by which clocks may differ: tokens and signed URLs are valid for some minutes around the time of who made them."""

ROOM = 1 << 30
"""Bytes that the embedded backend's file system should have left."""

State = Literal["well", "limited", "broken"]


@dataclass(frozen=True)
class Check:
    """What was found out about one thing.

    Attributes:
        about: The thing.
        state: `limited` where something will not work that nobody may need; `broken` where what is set up cannot work.
        text: What is so, and what to do about it.
    """

    about: str
    state: State
    text: str


def examine(data_dir: Path | None, versions: Mapping[str, str | None]) -> list[Check]:
    """Looks at everything, in the order in which one thing rests on another.

    Args:
        data_dir: The embedded backend's directory, where it is named.
        versions: Of what is installed, None for what is not.
    """
    checks = [*_installed(versions), *_configured()]
    try:
        settings = config.load(data_dir=data_dir)
    except ConfigError as error:
        return [*checks, Check("configuration", "broken", str(error))]
    return [*checks, *(_embedded(settings) if settings.embedded else _endpoint(settings)), *_driver(settings)]


def _installed(versions: Mapping[str, str | None]) -> Iterator[Check]:
    yield Check("versions", "well", ", ".join(f"{name} {version}" for name, version in versions.items() if version))
    if versions.get("flytekit") is None:
        yield Check(
            "flytekit",
            "limited",
            "not installed (it stops at Python 3.12): no --verify, register, run, exec, pyflyte and graph",
        )
    missing = [name for name in ("pandas", "pyarrow") if find_spec(name) is None]
    if missing:
        yield Check(
            "frames", "limited", f'{" and ".join(missing)} missing: pip install "flyte-bridge[frames]" to verify frames'
        )


def _configured() -> Iterator[Check]:
    for name in sorted(os.environ):
        if name.startswith(config.PREFIX):
            known = name.removeprefix(config.PREFIX).lower() in config.Settings.model_fields
            secret = "TOKEN" in name or "SECRET" in name
            shown = "set in the environment" if secret else f"{os.environ[name]} (environment)"
            yield Check(name, "well" if known else "limited", shown if known else f"{shown}: there is no such setting")
    for about, path in _files():
        if path.is_file():
            yield Check(about, "well", f"reads {path}")


def _files() -> Iterator[tuple[str, Path]]:
    named = os.environ.get("FLYTECTL_CONFIG")
    if named:
        yield "flytekit and flyte (FLYTECTL_CONFIG)", Path(named)
        return
    yield "flyte", Path(".flyte/config.yaml")
    yield "flytekit and flyte", Path.home() / ".flyte" / "config.yaml"


def _embedded(settings: Settings) -> Iterator[Check]:
    from flyte_bridge.embedded_client import instance

    try:
        running = instance.find(settings.data_dir, PATIENCE)
    except BridgeError as error:
        yield Check("embedded backend", "broken", str(error))
        return
    if running is None:
        yield Check(
            "embedded backend", "well", f"none runs on {settings.data_dir}; commands start one when they need it"
        )
    else:
        yield Check("embedded backend", "well", f"{running.url} (process {running.pid}, data in {running.data_dir})")
        yield _clock(running.url)
    there = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    if not os.access(there, os.W_OK):
        yield Check("storage", "broken", f"{there} cannot be written: choose another directory with --data-dir")
        return
    free = shutil.disk_usage(there).free
    state: State = "well" if free > ROOM else "limited"
    yield Check("storage", state, f"{settings.data_dir}, {free / (1 << 30):.1f} GiB free")


def _endpoint(settings: Settings) -> Iterator[Check]:
    yield from asyncio.run(_asked(settings))
    scheme = "http" if settings.insecure else "https"
    yield _clock(f"{scheme}://{settings.endpoint}/")


async def _subject(client: BackendClient) -> str:
    """Who calls; an installation without logins may say that it knows nobody, and let everybody through.

    Raises:
        Unauthenticated: Nobody is let through who is not known.
    """
    try:
        return (await client.user_info()).subject or "nobody"
    except Unimplemented:
        return "the endpoint does not say who calls"
    except Unauthenticated:
        await client.list_projects(limit=1)
        return "the endpoint lets callers through without knowing them"


async def _asked(settings: Settings) -> list[Check]:
    from flyte_bridge.backend import connect

    about = f"endpoint {settings.endpoint}"
    try:
        client = connect.connect(settings, patience=PATIENCE)
    except BridgeError as error:
        return [Check(about, "broken", str(error))]
    async with client:
        try:
            identity = f"{await _subject(client)} ({settings.auth_mode})"
        except Unauthenticated as error:
            return [Check(about, "well", "answers"), Check("identity", "broken", f"{error} ({settings.auth_mode})")]
        except BridgeError as error:
            return [Check(about, "broken", str(error))]
        checks = [Check(about, "well", "answers"), Check("identity", "well", identity)]
        try:
            location = await client.create_upload_location(
                project=settings.project, domain=settings.domain, filename="doctor", content_md5=b"\0" * 16
            )
        except BridgeError as error:
            return [
                *checks,
                Check("storage", "broken", f"no place for uploads in {settings.project}/{settings.domain}: {error}"),
            ]
        return [*checks, Check("storage", "well", f"uploads go to {location.native_url.rpartition('/')[0]}")]


def _clock(url: str) -> Check:
    sent = time.time()
    try:
        with open_http(url, PATIENCE) as answer:
            told = answer.headers.get("Date")
    except urllib.error.HTTPError as error:
        told = error.headers.get("Date")
    except (OSError, ValueError) as error:
        return Check("clocks", "limited", f"{url} does not tell its time: {error}")
    if not told:
        return Check("clocks", "limited", f"{url} does not tell its time")
    skew = parsedate_to_datetime(told).timestamp() - (sent + time.time()) / 2
    if abs(skew) > SKEW:
        return Check(
            "clocks", "broken", f"{abs(skew):.0f} s apart: tokens and signed URLs will be refused; set this clock"
        )
    return Check("clocks", "well", f"{abs(skew):.0f} s apart")


def _driver(settings: Settings) -> Iterator[Check]:
    if settings.embedded:
        yield Check("driver", "well", "the embedded backend runs it without an image")
    elif settings.driver_image is None:
        yield Check(
            "driver", "limited", f"no {config.PREFIX}DRIVER_IMAGE: registering workflows is refused (docs/driver.md)"
        )
    else:
        yield Check("driver", "well", f"{settings.driver_image}, {settings.driver_cpu} CPU, {settings.driver_memory}")
