"""Tasks that are made, not written: `ShellTask(…)` and `FileSensor(…)` as the `@task` functions that do the same.

What they do is flytekit's: `flytekit/extras/tasks/shell.py` fills the script's `{inputs.x}` and `{outputs.y}` with `str.format` and
runs it in a shell; `flytekit/sensor/file_sensor.py` asks whether the file is there, from time to time.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.arguments import constant, read
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entity_names import FILE_SENSORS, SHELL_TASKS
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, string_value
from flyte_bridge_translators.source.engine.unfolding import import_flytekit

_SHELL = ("name", "debug", "script", "script_file", "task_config", "shell", "inputs", "output_locs")
_CARRIED = (
    "container_image", "requests", "limits", "resources", "environment", "secret_requests", "pod_template",
    "pod_template_name",
)  # fmt: skip
"""Settings that a shell task hands on to its task."""

_FILES = frozenset({"flytekit.types.file.FlyteFile", "flytekit.types.file.file.FlyteFile", "flytekit.FlyteFile"})
_FOLDERS = frozenset(
    {
        "flytekit.types.directory.FlyteDirectory",
        "flytekit.types.directory.types.FlyteDirectory",
        "flytekit.FlyteDirectory",
    }
)
_READ = {
    **dict.fromkeys(_FILES | _FOLDERS, "{name}.download()"),
    "datetime.datetime": "{name}.isoformat()",
}
"""Type of an input → what a script reads of it; of all others, its text."""

POLLED_EVERY = 10
"""Seconds between two looks of a sensor."""


@dataclass
class _Shell:
    """A shell task, as it is made.

    Attributes:
        inputs: Input → its type, as text.
        reads: Input → what a script reads of it.
        outputs: Output → its type, and the place it is found at, as the inside of an f-string.
    """

    inputs: dict[str, str] = field(default_factory=dict)
    reads: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, tuple[str, str]] = field(default_factory=dict)


def unfold(module: Module) -> Mapping[cst.CSTNode, Sequence[cst.BaseStatement]]:
    """Each of them that is made at module level of what can be read, as a function."""
    if "ShellTask" not in module.text and "FileSensor" not in module.text:
        return {}
    written: dict[cst.CSTNode, Sequence[cst.BaseStatement]] = {}
    for name, value, statement in module.assignments:
        if not isinstance(value, cst.Call) or len(statement.body) != 1:
            continue
        maker = module.names.qualified(value.func)
        text: str | None = None
        if maker in SHELL_TASKS:
            text = _shell(module, name, value)
        elif maker in FILE_SENSORS:
            text = _sensor(name, value)
        if text is not None:
            written[statement] = _statements(statement, text)
    import_flytekit(module, written)
    return written


def translate(module: Module, context: Context) -> Plan:
    """Import what the functions need, and say what is different of a sensor."""
    del context
    plan = Plan("instance_tasks")
    for node in module.functions:
        if not module.is_written_out(node):
            continue
        text = code(node.body)
        for name in ("subprocess", "time"):
            if f"{name}." in text and name not in module.scope.bindings:
                plan.want(f"import {name}")
        for name, source in (("Path", "pathlib"), ("SimpleNamespace", "types")):
            if f"{name}(" in text and name not in module.scope.bindings:
                plan.want(f"from {source} import {name}")
        if ".file_access.exists(" in text:
            plan.report("FB476", node, f"{node.name.value} waits in a task, which keeps its container meanwhile")
    return plan


def _statements(statement: cst.SimpleStatementLine, text: str) -> list[cst.BaseStatement]:
    made = list(cst.parse_module(text).body)
    blank = [cst.EmptyLine(indent=False)] * 2
    comments = [line for line in statement.leading_lines if line.comment is not None]
    first, *rest = [cst.ensure_type(each, cst.BaseStatement) for each in made]  # type: ignore[type-abstract]
    first = first.with_changes(leading_lines=[*blank, *comments])
    return [first, *(each.with_changes(leading_lines=blank) for each in rest)]


# -- shell tasks -----------------------------------------------------------------------------------------------------


def _shell(module: Module, name: str, call: cst.Call) -> str | None:
    arguments = read(call, _SHELL)
    given = {key: node for key, node in arguments.named.items() if code(node) != "None"}
    if arguments.stars or arguments.extra or set(given) - {*_SHELL, *_CARRIED} or "task_config" in given:
        return None
    shell = _Shell()
    if not _inputs(module, shell, given.get("inputs")) or not _outputs(module, shell, given.get("output_locs")):
        return None
    shell_path = string_value(given["shell"]) if "shell" in given else "/bin/sh"
    script = _script(module, shell, given)
    if script is None or shell_path is None:
        return None
    settings = ", ".join(f"{key}={code(given[key])}" for key in _CARRIED if key in given)
    lines, returns = _returned(name, shell)
    parameters = ", ".join(f"{key}: {kind}" for key, kind in shell.inputs.items())
    lines += [
        f"@flytekit.task({settings})" if settings else "@flytekit.task",
        f"def {name}({parameters}) -> {returns}:",
    ]
    lines.append(f"    script = {script}")
    if "debug" in given and constant(given["debug"]) is not False:
        lines.append("    print(script)")
    lines.append(f"    subprocess.run([{layout.quoted(shell_path)}, {layout.quoted('-c')}, script], check=True)")
    values = [f"{kind}({_literal(place)})" for kind, place in shell.outputs.values()]
    if values:
        lines.append(f"    return {', '.join(values)}")
    return "\n".join(lines) + "\n"


def _returned(name: str, shell: _Shell) -> tuple[list[str], str]:
    """The statements that say what is returned, and the annotation."""
    kinds = {output: kind for output, (kind, _) in shell.outputs.items()}
    if len(kinds) < 2:
        return [], next(iter(kinds.values()), "None")
    title = "".join(part.capitalize() for part in name.split("_")) + "Outputs"
    fields = ", ".join(f"{output}={kind}" for output, kind in kinds.items())
    return [f'{title} = NamedTuple("{title}", {fields})'], title


def _inputs(module: Module, shell: _Shell, node: cst.BaseExpression | None) -> bool:
    for name, kind in _pairs(module, node):
        if name is None or not name.isidentifier():
            return False
        shell.inputs[name] = code(kind)
        whole = kind.value if isinstance(kind, cst.Subscript) else kind
        template = _READ.get(module.names.qualified(whole) or "", "{name}")
        shell.reads[name] = template.format(name=name)
    return True


def _pairs(module: Module, node: cst.BaseExpression | None) -> Iterator[tuple[str | None, cst.BaseExpression]]:
    """The entries of `kwtypes(x=int)`, `{"x": int}` or a constant that is one; a name of None where it cannot be read."""
    if node is None:
        return
    if isinstance(node, cst.Name) and isinstance(module.definition(node.value), cst.BaseExpression):
        node = module.definition(node.value)  # type: ignore[assignment]
    if isinstance(node, cst.Call) and module.names.qualified(node.func) == "flytekit.kwtypes":
        yield from ((each.keyword.value if each.keyword else None, each.value) for each in node.args)
    elif isinstance(node, cst.Dict):
        for element in node.elements:
            yield (string_value(element.key) if isinstance(element, cst.DictElement) else None), element.value
    else:
        yield None, cst.Name("_")


def _outputs(module: Module, shell: _Shell, node: cst.BaseExpression | None) -> bool:
    if node is None:
        return True
    if not isinstance(node, (cst.List, cst.Tuple)):
        return False
    for element in node.elements:
        if not isinstance(element.value, cst.Call):
            return False
        given = read(element.value, ("var", "var_type", "location")).named
        name, place = string_value(given.get("var")), string_value(given.get("location"))
        kind = given.get("var_type")
        whole = kind.value if isinstance(kind, cst.Subscript) else kind
        if name is None or place is None or kind is None or module.names.qualified(whole) not in _FILES | _FOLDERS:
            return False
        text = _filled(place, shell)
        if text is None:
            return False
        shell.outputs[name] = (code(kind), text)
    return True


def _script(module: Module, shell: _Shell, given: Mapping[str, cst.BaseExpression]) -> str | None:
    """The script as an expression with the inputs filled in."""
    if "script_file" in given:
        inputs = ", ".join(f"{name}={value}" for name, value in shell.reads.items())
        outputs = ", ".join(f"{name}={_literal(place)}" for name, (_, place) in shell.outputs.items())
        path = code(given["script_file"])
        return f"Path({path}).read_text().format(inputs=SimpleNamespace({inputs}), outputs=SimpleNamespace({outputs}))"
    node = given.get("script")
    if isinstance(node, cst.Name) and isinstance(module.definition(node.value), cst.BaseExpression):
        node = module.definition(node.value)  # type: ignore[assignment]
    template = string_value(node)
    text = _filled(template, shell) if template is not None else None
    return _literal(text) if text is not None else None


def _filled(template: str, shell: _Shell) -> str | None:
    """A template of `str.format` as the inside of an f-string that names the inputs; None for what it cannot be."""
    text = ""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        return None
    for literal, name, spec, conversion in parts:
        text += _escaped(literal)
        if name is None:
            continue
        owner, _, key = name.partition(".")
        if owner == "inputs" and key in shell.reads and not conversion:
            text += "{" + shell.reads[key] + (f":{spec}" if spec else "") + "}"
        elif owner == "outputs" and key in shell.outputs and not conversion and not spec:
            text += shell.outputs[key][1]
        else:
            return None
    return text


def _literal(text: str) -> str:
    """The inside of an f-string as an f-string, or as a plain text where it names nothing."""
    fills = "{" in text.replace("{{", "")
    if not fills:
        text = text.replace("{{", "{").replace("}}", "}")
    quotes = '"""' if "\n" in text else "'" if '"' in text and "'" not in text else '"'
    if quotes == '"':
        text = text.replace('"', '\\"')
    elif quotes == '"""':
        text = text.replace('"""', '\\"\\"\\"')
        text = f'{text[:-1]}\\"' if text.endswith('"') else text
    return f"{'f' if fills else ''}{quotes}{text}{quotes}"


def _escaped(literal: str) -> str:
    return literal.replace("\\", "\\\\").replace("{", "{{").replace("}", "}}")


# -- sensors ---------------------------------------------------------------------------------------------------------


def _sensor(name: str, call: cst.Call) -> str | None:
    if set(read(call, ("name",)).named) - {"name"}:
        return None
    return (
        f"@flytekit.task\ndef {name}(path: str) -> None:\n"
        "    while not flytekit.FlyteContextManager.current_context().file_access.exists(path):\n"
        f"        time.sleep({POLLED_EVERY})\n"
    )
