"""Container tasks: `flytekit.ContainerTask` becomes `flyte.extras.ContainerTask`, in a task environment of its own.

Where Flyte 1 had settings of its own for a container (`requests`, `environment`, `metadata`), Flyte 2 has those of every task.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.entities import Facts, Kind
from flyte_bridge_translators.source.engine.layout import Doc, Group
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code, string_value
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import cache, image_spec, pod_template, resources, secret

NAME = "flytekit.ContainerTask"

SIGNATURE = (
    "name", "image", "command", "inputs", "metadata", "arguments", "outputs", "requests", "limits", "input_data_dir",
    "output_data_dir", "metadata_format", "io_strategy", "secret_requests", "pod_template", "pod_template_name",
    "local_logs", "resources",
)  # fmt: skip

_SAME = ("input_data_dir", "output_data_dir", "local_logs")
_SIZES = ("requests", "limits", "resources")
_METADATA = ("retries", "timeout", "interruptible")
_TEMPLATE = re.compile(r"\{\{\s*\.inputs\.(\w+)\s*\}\}", re.IGNORECASE)
"""Flyte 1's backend fills a template however it is spelled (flytepropeller's `template.go`), flyte's local run one spelling."""

_IO = {"FlyteFile": "File", "FlyteDirectory": "Dir"}


@dataclass(frozen=True)
class ContainerEnvironment:
    """The environment of a container task at module level.

    Attributes:
        task: The variable of the task.
        variable: The variable of its environment.
        statement: Where the task is made.
    """

    task: str
    variable: str
    statement: cst.SimpleStatementLine


def environments(module: Module, facts: Facts) -> Iterator[ContainerEnvironment]:
    """The environments that the container tasks of a file need."""
    taken = module.taken()
    for name, value, statement in module.assignments:
        entity = facts.entities.get(f"{module.name}.{name}")
        if entity is None or entity.kind is not Kind.INSTANCE or not isinstance(value, cst.Call):
            continue
        if module.names.qualified(value.func) == NAME and is_readable(value):
            variable = f"{name}_env"
            yield ContainerEnvironment(name, f"{name}_container_env" if variable in taken else variable, statement)


def is_readable(call: cst.Call) -> bool:
    """Whether what a container task is made of stands there."""
    given = arguments.read(call, SIGNATURE)
    return not given.stars and not given.extra and {"name", "image", "command"} <= set(given.named)


def convert(work: Work, call: cst.Call) -> Doc | None:
    """`flytekit.ContainerTask(…)` as `flyte.extras.ContainerTask(…)`."""
    if not is_readable(call):
        work.report("FB471", call, "ContainerTask: use flyte.extras.ContainerTask with TaskEnvironment.from_task")
        return None
    given = {name: node for name, node in arguments.read(call, SIGNATURE).named.items() if not arguments.is_none(node)}
    settings = _settings(work, given)
    values: dict[str, Doc | None] = {
        "name": work.doc(given["name"]),
        "image": _image(work, given["image"]),
        "command": _command(work, given["command"]),
        "arguments": _command(work, given["arguments"]) if "arguments" in given else None,
        "inputs": _types(work, given["inputs"]) if "inputs" in given else None,
        "outputs": _types(work, given["outputs"]) if "outputs" in given else None,
        **{name: work.doc(given[name]) for name in _SAME if name in given},
        "metadata_format": layout.quoted(code(given["metadata_format"]).rpartition(".")[2])
        if "metadata_format" in given
        else None,
        "resources": resources.merged(work, {name: given[name] for name in _SIZES if name in given}, call),
        "env_vars": work.doc(settings["environment"]) if "environment" in settings else None,
        "secrets": secret.setting(work, given),
        "cache": cache.setting(work, settings, call),
        **{name: work.doc(settings[name]) for name in _METADATA if name in settings},
        "pod_template": pod_template.setting(work, given, call),
    }
    work.plan.want("import flyte.extras")
    if not any(call is value for _, value, _ in work.module.assignments):
        message = (
            "ContainerTask: it needs an environment, `flyte.TaskEnvironment.from_task`, on which its callers depend"
        )
        work.report("FB471", call, message)
    known = {*SIGNATURE, "environment"}
    for name, node in given.items():
        if name not in known or name == "io_strategy":
            work.report("FB301", call, f"{name}={layout.brief(node)} is no setting of a container task in Flyte 2")
    return layout.call(
        "flyte.extras.ContainerTask", **{name: value for name, value in values.items() if value is not None}
    )


def _settings(work: Work, given: Mapping[str, cst.BaseExpression]) -> dict[str, cst.BaseExpression]:
    """The settings of a container task, what its `TaskMetadata` says among them."""
    settings = dict(given)
    metadata = settings.pop("metadata", None)
    if isinstance(metadata, cst.Call):
        settings |= {each.keyword.value: each.value for each in metadata.args if each.keyword is not None}
    elif metadata is not None:
        work.report("FB302", metadata, f"metadata={layout.brief(metadata)} cannot be read here")
    return settings


def _image(work: Work, node: cst.BaseExpression) -> Doc | None:
    """The image, which need not hold flyte: what runs in it is the command."""
    return work.doc(node) if isinstance(arguments.constant(work.value(node)), str) else image_spec.setting(work, node)


def _command(work: Work, node: cst.BaseExpression) -> Doc:
    """A command with its templates as Flyte 2 spells them."""
    if not isinstance(node, cst.List):
        return work.doc(node)
    texts = [string_value(element.value) for element in node.elements]
    items = tuple(
        (
            "",
            layout.quoted(_TEMPLATE.sub(r"{{.inputs.\1}}", text))
            if text and _TEMPLATE.search(text)
            else work.doc(element.value),
        )
        for text, element in zip(texts, node.elements, strict=True)
    )
    return Group("[", items, "]")


def _types(work: Work, node: cst.BaseExpression) -> Doc:
    """`kwtypes(x=int)` or a dictionary as a dictionary of Flyte 2's types."""
    pairs: list[tuple[str, cst.BaseExpression]] = []
    if isinstance(node, cst.Call) and work.qualified(node) == "flytekit.kwtypes":
        pairs = [(layout.quoted(each.keyword.value), each.value) for each in node.args if each.keyword is not None]
    elif isinstance(node, cst.Dict) and all(isinstance(element, cst.DictElement) for element in node.elements):
        pairs = [
            (code(element.key), element.value) for element in node.elements if isinstance(element, cst.DictElement)
        ]
    else:
        return work.doc(node)
    return Group("{", tuple((f"{key}: ", _type(work, kind)) for key, kind in pairs), "}")


def _type(work: Work, kind: cst.BaseExpression) -> Doc:
    whole = kind.value if isinstance(kind, cst.Subscript) else kind
    io = _IO.get((work.qualified(whole) or "").rpartition(".")[2])
    if io is None:
        return work.doc(kind)
    work.plan.want(f"from flyte.io import {io}")
    return io
