"""`flyte-bridge verify`: whether a certificate still holds."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

from flyte_bridge_cli.exits import Exit, epilog
from flyte_bridge_cli.options import json_option


@click.command(name="verify", epilog=epilog(Exit.DONE, Exit.FAILED, Exit.USAGE, Exit.DIFFERENT))
@click.argument("certificate", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE")
@click.option("--strict", is_flag=True, help="Exit with 5 unless every workflow is SAME, too.")
@click.option("--write", is_flag=True, help="Write what came of it to FILE: the certificate of now.")
@click.option(
    "--python",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="PATH",
    help="The interpreter that has the project's packages, flytekit and flyte among them.",
)
@json_option
def command(certificate: Path, strict: bool, write: bool, python: Path | None, as_json: bool) -> None:
    """Say whether the certificate FILE of a conversion still holds.

    `flyte-bridge convert PATH --verify --certificate FILE` has written it. What its hashes or versions no longer fit is run
    again, on the same inputs; the rest is not. A conversion that was written with -o is read where it lies, edits by hand
    included; otherwise it is made anew.
    """
    from rich.console import Console

    from flyte_bridge.convert.project import convert_files, find
    from flyte_bridge.convert.rename_table import from_document
    from flyte_bridge.verify.certificate import Certificate, versions
    from flyte_bridge_cli.proof import Verification, replay
    from flyte_bridge_translators.source.engine.translator import Options

    recorded = Certificate.read(certificate)
    home = certificate.absolute().parent
    setup = recorded.setup
    output = home / setup.output if setup.output is not None else None
    options = Options(retries=setup.retries, name_prefix=setup.name_prefix, table=from_document(setup.names))
    result = convert_files(find([(home / path).resolve() for path in setup.paths]), options)
    with Console(stderr=True).status("verifying") as status:
        verification = Verification(setup, python, status.update)
        checks = replay(recorded, result, output, verification)
    if write:
        proofs = [check.now for check in checks if check.now is not None]
        replace(recorded, versions=versions(verification.interpreter), proofs=proofs).write(certificate)
    if as_json:
        rows = [
            {
                "workflow": check.proof.workflow,
                "holds": check.holds,
                "state": check.state,
                "recorded": check.proof.verdict,
                "verdict": check.now.verdict if check.now is not None else None,
                "reason": check.now.reason if check.now is not None else "the workflow is gone",
                "changed": list(check.changed),
            }
            for check in checks
        ]
        click.echo(json.dumps({"certificate": str(certificate), "workflows": rows}, indent=2, ensure_ascii=False))
    else:
        for check in checks:
            verdict = check.now.verdict if check.now is not None else "gone"
            became = verdict if verdict == check.proof.verdict else f"{check.proof.verdict} → {verdict}"
            click.echo(f"{check.state:16}  {check.proof.workflow}: {became}")
            if check.changed:
                click.echo(f"{'':16}  changed: {', '.join(check.changed)}")
            if not check.holds and check.now is not None and check.now.reason:
                click.echo(f"{'':16}  {check.now.reason}")
    holds = all(check.holds and (check.is_same or not strict) for check in checks)
    sys.exit(Exit.DONE if holds else Exit.DIFFERENT)
