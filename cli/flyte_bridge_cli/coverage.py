"""`flyte-bridge coverage`: what of Flyte 1's API is served."""

from __future__ import annotations

import json
from dataclasses import asdict

import click


@click.command()
@click.option(
    "--fields", "all_fields", is_flag=True, help="List every field, not only those that are not simply served."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def command(all_fields: bool, as_json: bool) -> None:
    """Show what of Flyte 1's control plane is served: every RPC, and every field of every request.

    A field is served, carried as it is, kept without effect, or refused by name when it is set.
    """
    from flyte_bridge.admin import coverage

    rpcs, fields = coverage.rpcs(), coverage.fields()
    if as_json:
        told = {
            "rpcs": [{**asdict(rpc), "served": rpc.served} for rpc in rpcs],
            "fields": [asdict(field) for field in fields],
        }
        click.echo(json.dumps(told, indent=2))
        return
    for rpc in rpcs:
        click.echo(
            f"{'served ' if rpc.served else 'refused'}  {rpc.service}.{rpc.name}{': ' if rpc.why else ''}{rpc.why}"
        )
    click.echo()
    for field in fields:
        if all_fields or field.why:
            name = f"{field.message.rpartition('.')[2]}.{field.name}"
            click.echo(f"{field.verdict:7}  {name}{': ' if field.why else ''}{field.why}")
    counts = ", ".join(f"{number} {verdict}" for verdict, number in coverage.counts().items())
    click.echo(f"\n{sum(rpc.served for rpc in rpcs)} of {len(rpcs)} RPCs are served; of their fields: {counts}")
