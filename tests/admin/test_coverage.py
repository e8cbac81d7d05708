"""Every field of every request is read, or there is a word about it."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from flyteidl.admin import execution_pb2
from google.protobuf import symbol_database

import flyte_bridge
import flyte_bridge_translators
from flyte_bridge.admin import coverage
from flyte_bridge_cli.coverage import command
from flyte_bridge_translators.wire import execution

READERS = [
    *(Path(flyte_bridge.__file__).parent / name for name in ("admin", "launch", "registry")),
    Path(flyte_bridge_translators.__file__).parent / "wire",
]
"""Where requests are read."""

BY_ONEOF = {"pager_duty", "slack"}
"""Fields that are read by the name that WhichOneof tells: `getattr(notification, notification.WhichOneof("type"))`."""


@cache
def read_names() -> frozenset[str]:
    """Every name that the readers take from an object, as an attribute or as a string (`HasField`, `getattr`)."""
    found: set[str] = set()
    for folder in READERS:
        for path in folder.rglob("*.py"):
            if path.name == "coverage.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute):
                    found.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
                elif isinstance(node, ast.keyword) and node.arg:
                    found.add(node.arg)
    return frozenset(found | BY_ONEOF)


def test_every_field_has_a_reader() -> None:
    """A field that nothing says anything about is read somewhere in the façade or its translators."""
    unread = [
        f"{field.message}.{field.name}"
        for field in coverage.fields()
        if field.verdict in {"served", "carried"} and field.name not in read_names()
    ]
    assert unread == []


@pytest.mark.parametrize("table", [coverage.REFUSED, coverage.KEPT], ids=["refused", "kept"])
def test_the_tables_name_fields(table: dict[str, str]) -> None:
    """What the tables name is there, and reachable from a request; each has a reason that is said once."""
    known = {f"{field.message}.{field.name}" for field in coverage.fields()}
    assert set(table) <= known
    assert all(table.values())
    assert not set(coverage.REFUSED) & set(coverage.KEPT)


def test_what_executions_refuse_is_refused() -> None:
    """Each field of an execution's spec that the table refuses is refused by its name when it is set, and only then."""
    execution.refuse(execution_pb2.ExecutionSpec())
    for name in execution.ELSEWHERE:
        spec = execution_pb2.ExecutionSpec()
        field = spec.DESCRIPTOR.fields_by_name[name]
        value = getattr(spec, name)
        (value.add() if field.is_repeated else value).MergeFrom(_filled(field.message_type.full_name))
        with pytest.raises(execution.Unsupported, match=f"ExecutionSpec.{name}"):
            execution.refuse(spec)


def _filled(name: str) -> object:
    """A message with something in it."""
    message = symbol_database.Default().GetSymbol(name)()
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None and not field.is_repeated:
            setattr(message, field.name, "x" if field.cpp_type == field.CPPTYPE_STRING else 1)
            break
    return message


def test_every_rpc_is_served_or_never_will_be() -> None:
    """No RPC is left for later."""
    assert [rpc.name for rpc in coverage.rpcs() if rpc.why == "not yet"] == []
    assert sum(rpc.served for rpc in coverage.rpcs()) >= 63


def test_the_command() -> None:
    """It lists RPCs, and fields that are not simply served; all of them when asked; or JSON."""
    said = CliRunner().invoke(command, []).output
    assert "served   AdminService.CreateTask\n" in said
    assert "refused  AdminService.CreateNodeEvent: " in said
    assert "refused  ExecutionSpec.quality_of_service: " in said
    assert "ExecutionSpec.launch_plan" not in said
    assert "carried  ExecutionSpec.launch_plan" in CliRunner().invoke(command, ["--fields"]).output
    told = json.loads(CliRunner().invoke(command, ["--json"]).output)
    assert {"message", "name", "verdict", "why"} == set(told["fields"][0])
    assert len(told["rpcs"]) == len(coverage.rpcs())
