"""`flyte-bridge register`: Flyte 1's tasks, workflows and launch plans, into Flyte 2's registry."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flyte_bridge import config
from flyte_bridge.errors import UsageError
from flyte_bridge_cli import output
from flyte_bridge_cli.options import data_dir_option, json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyte_bridge.remote.registrations import Registration


@click.command()
@data_dir_option
@click.option("-p", "--project", help="Where to register.  [default: $FLYTE_BRIDGE_PROJECT, or flytesnacks]")
@click.option("-d", "--domain", help="Where to register.  [default: $FLYTE_BRIDGE_DOMAIN, or development]")
@click.option("-v", "--version", help="What to register as.  [default: a digest of the content]")
@click.option("-i", "--image", multiple=True, help="IMAGE or NAME=IMAGE for tasks that name none; may be repeated.")
@click.option(
    "--copy",
    type=click.Choice(["all", "auto", "none"]),
    default="all",
    show_default=True,
    help="Which files of the source to upload for the tasks; `none` runs what is in the images, and needs --version.",
)
@click.option("--activate-launchplans", is_flag=True, help="Make the launch plans the active ones of their names.")
@click.option("--destination-dir", default="", help="Directory in the tasks' containers that uploaded code goes to.")
@click.option("--dry-run", is_flag=True, help="Say what would be registered; change nothing and upload nothing.")
@json_option
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def command(
    data_dir: Path | None,
    project: str | None,
    domain: str | None,
    version: str | None,
    image: Sequence[str],
    copy: str,
    activate_launchplans: bool,
    destination_dir: str,
    dry_run: bool,
    as_json: bool,
    paths: Sequence[Path],
) -> None:
    """Register the tasks, workflows and launch plans of PATHS in Flyte 2, as they are.

    PATHS are Python files and packages, which flytekit serializes, and .tgz archives that `pyflyte package` made.
    """
    from flyte_bridge.remote import package, script
    from flyte_bridge.remote.in_process import home_of
    from flyte_bridge.remote.registrations import RegistrationChannel

    if copy == "none" and not version:
        raise UsageError("--copy none runs the code that is in the images, which no digest can tell: give --version")
    config.forget_flyte1()
    settings = config.load(data_dir=data_dir, project=project, domain=domain)
    registrations: dict[bytes, Registration] = {}
    stdout = sys.stdout  # what flytekit says meanwhile is kept from it

    def tell(registration: Registration) -> None:
        identity = registration.identity
        key = identity.SerializeToString(deterministic=True)
        if key in registrations:  # flytekit asks again when exactly that is there
            return
        registrations[key] = registration
        if not as_json:
            text = f"{registration.kind} {identity.name} {identity.version}"
            output.tell(
                text if registration.outcome == "registered" else f"{text} ({registration.outcome})", file=stdout
            )

    for packed in [package.read(path) for path in paths if package.is_package(path)]:  # read all before registering any
        package.register(
            packed,
            RegistrationChannel(home_of(settings), tell, dry_run=dry_run),
            project=settings.project,
            domain=settings.domain,
            version=version or "",
            activate=activate_launchplans,
            destination=destination_dir,
            upload=not dry_run,
        )
    sources = [str(path) for path in paths if not package.is_package(path)]
    if sources:
        if dry_run:  # no code is uploaded, so nothing is there to make a digest of
            copy, version = "none", version or "DIGEST"
        options: dict[str, object] = {"version": version, "destination-dir": destination_dir, "image": image}
        words = ["--project", settings.project, "--domain", settings.domain, "--copy", copy]
        words += ["--activate-launchplans"] * activate_launchplans
        words += [word for name, value in options.items() for word in _option(name, value)]
        script.register([*words, *sources], settings, tell, dry_run)
    if as_json:
        click.echo(
            json.dumps({"dry_run": dry_run, "entities": [_facts(one) for one in registrations.values()]}, indent=2)
        )


def _option(name: str, value: object) -> list[str]:
    values = value if isinstance(value, tuple) else (value,) if value else ()
    return [word for each in values for word in (f"--{name}", str(each))]


def _facts(registration: Registration) -> dict[str, str]:
    identity = registration.identity
    return {
        "kind": registration.kind,
        "project": identity.project,
        "domain": identity.domain,
        "name": identity.name,
        "version": identity.version,
        "outcome": registration.outcome,
    }
