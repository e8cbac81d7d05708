"""Secrets: what a task requests becomes an environment variable of its environment, and what it reads, a look at it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.entities import entity_decorator
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.syntax import Verbatim
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work

NAME = "flytekit.Secret"

SIGNATURE = ("group", "key", "group_version", "mount_requirement", "env_var")

GET = ("group", "key", "group_version", "encode_mode")
"""The parameters of Flyte 1's `secrets.get`."""

CONTEXT = "flytekit.current_context"

FOLDER = "/etc/flyte/secrets"
"""The one folder Flyte 2 mounts secrets in."""


@dataclass(frozen=True)
class SecretRequest:
    """A secret some task asks for: group and key as far as they are known, and its variable as Python text.

    One without a variable stands for requests that cannot be read.
    """

    group: str | None = None
    key: str | None = None
    variable: str = ""


Requests = list[tuple[cst.FunctionDef, SecretRequest]]
"""Every request of the file, with the function whose task makes it."""


def variable(group: str | None, key: str | None) -> str:
    """The environment variable of a secret: `GROUP_KEY`, as `flyte.Secret` names it, with nothing but letters, digits and
    underscores."""
    name = "_".join(part for part in (group, key) if part)
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())


def _known(work: Work, node: cst.BaseExpression | None) -> str | None:
    """The string a group or key stands for, here or in another file of the project."""
    if node is None:
        return None
    value = arguments.constant(work.value(node))
    if isinstance(value, str):
        return value
    return work.context.string(work.module.names.qualified(node))


def _variable_text(work: Work, group: cst.BaseExpression | None, key: cst.BaseExpression | None) -> str:
    """The name of the variable as Python text; computed when group or key is."""
    parts = [part for part in (group, key) if not arguments.is_none(part)]
    known = [_known(work, part) for part in parts]
    if all(part is not None for part in known):
        return layout.quoted(variable(None, "_".join(part for part in known if part)))
    pieces = "_".join(
        value if value is not None else f"{{{code(part)}}}"  # type: ignore[arg-type]
        for value, part in zip(known, parts, strict=True)
    )
    return f'f"{pieces}".upper().replace("-", "_")'


def convert(work: Work, call: cst.Call) -> Doc | None:
    """`flytekit.Secret(…)` as `flyte.Secret(…)`."""
    given = arguments.read(call, SIGNATURE)
    values = {name: value for name, value in given.named.items() if not arguments.is_none(value)}
    if given.stars or given.extra:
        work.report("FB333", call, f"{code(call)} is computed; write `flyte.Secret` out")
        return None
    group, key = values.get("group"), values.get("key")
    if "group_version" in values:
        work.report("FB333", call, f"group_version={code(values['group_version'])}: Flyte 2 has no secret versions")
    if key is None:
        work.report("FB333", call, f"the secret {code(call)} has no key: name it by key")
        key, group = group, None
    if key is None:
        return None
    known = [_known(work, part) for part in (group, key) if part is not None]
    name = "/".join(part or "…" for part in known)
    work.report(
        "FB331",
        call,
        f"the secret {name} must exist in Flyte 2 as key {code(key)}" + (f" of group {code(group)}" if group else ""),
    )
    work.plan.want("import flyte")
    as_variable: Doc = work.doc(values["env_var"]) if "env_var" in values else _variable_text(work, group, key)
    mount: Doc | None = None
    requirement = code(values["mount_requirement"]) if "mount_requirement" in values else ""
    if requirement.endswith("FILE"):
        mount = f'pathlib.Path("{FOLDER}")'
        work.plan.want("import pathlib")
        work.report(
            "FB333", call, f"the secret {name} is mounted as a file: it is under {FOLDER} now, besides its variable"
        )
    return layout.call(
        "flyte.Secret", key=work.doc(key), group=_optional(work, group), mount=mount, as_env_var=as_variable
    )


def _optional(work: Work, node: cst.BaseExpression | None) -> Doc | None:
    return work.doc(node) if node is not None else None


def setting(work: Work, settings: Mapping[str, cst.BaseExpression]) -> Doc | None:
    """`secrets=` of an environment."""
    node = settings.get("secret_requests")
    return None if arguments.is_none(node) or node is None else work.doc(node)


def reads(work: Work) -> None:
    """Replace every `current_context().secrets.get(…)` by a look at the environment."""
    requests = list(_requests(work))
    for call in work.module.all_calls:
        if not isinstance(call.func, cst.Attribute):
            continue
        method = call.func.attr.value
        if not _is_secrets(work, call.func.value):
            continue
        if method == "get":
            _read(work, call, requests)
        elif method in {"get_secrets_env_var", "get_secrets_file"}:
            _place(work, call, method)
    _attributes(work, requests)
    _holders(work)


def _holders(work: Work) -> None:
    """`secrets = current_context().secrets` goes when every use of it was replaced."""
    uses: dict[cst.CSTNode, list[cst.Name]] = {}
    for node in work.module.names.scopes:
        if isinstance(node, cst.Name) and not isinstance(work.module.parents.get(node), cst.AssignTarget):
            bound = _bound(work, node)
            if isinstance(bound, cst.Attribute) and _is_secrets(work, bound):
                uses.setdefault(work.module.names.bindings(node)[0].node, []).append(node)
    for assignment, names in uses.items():
        if all(any(above in work.plan.replacements for above in work.module.ancestors(name)) for name in names):
            work.plan.remove(assignment, "nothing reads the secrets of the context any more")


def _read(work: Work, call: cst.Call, requests: Requests) -> None:
    given = arguments.read(call, GET)
    if given.stars or given.extra:
        work.report("FB333", call, f"{code(call)} is computed; read the secret's environment variable")
        return
    if not arguments.is_none(given.named.get("group_version")):
        work.report("FB333", call, f"{code(call)}: Flyte 2 has no secret versions")
    group, key = given.named.get("group"), given.named.get("key")
    mode = arguments.constant(given.named.get("encode_mode"))
    text = _look(work, call, requests, group, key)
    if mode == "rb":
        text = f"{text}.encode()"
    _replace(work, call, text)


def _look(
    work: Work,
    where: cst.CSTNode,
    requests: Requests,
    group: cst.BaseExpression | None,
    key: cst.BaseExpression | None,
) -> str:
    # `get("k")` looks for group `k` without a key, which is the variable of `Secret(key="k")` too.
    known = tuple(part for part in (_known(work, group), _known(work, key)) if part)
    matching = [
        (function, request)
        for function, request in requests
        if request.variable and tuple(part for part in (request.group, request.key) if part) == known
    ]
    name = matching[0][1].variable if matching else _variable_text(work, group, key)
    function = work.module.function(where)
    if function is not None and entity_decorator(work.module, function) is not None:
        opaque = any(owner is function and not request.variable for owner, request in requests)
        if not opaque and not any(owner is function for owner, _ in matching):
            work.report("FB332", where, f"{function.name.value} does not request the secret behind {name}")
    return f"os.environ[{name}]"


def _place(work: Work, call: cst.Call, method: str) -> None:
    given = arguments.read(call, GET)
    group, key = given.named.get("group"), given.named.get("key")
    if method == "get_secrets_env_var":
        _replace(work, call, _variable_text(work, group, key))
    else:
        work.report(
            "FB333", call, f"{code(call)}: request the secret with `mount=pathlib.Path({FOLDER!r})` and read it there"
        )


def _attributes(work: Work, requests: Requests) -> None:
    """The attribute spelling: `secrets.group.key`."""
    for call in work.module.all_calls:
        if work.qualified(call) != CONTEXT:
            continue
        secrets = work.module.parents.get(call)
        group = work.module.parents.get(secrets) if secrets is not None else None
        key = work.module.parents.get(group) if group is not None else None
        if (
            isinstance(secrets, cst.Attribute)
            and secrets.attr.value == "secrets"
            and isinstance(group, cst.Attribute)
            and isinstance(key, cst.Attribute)
            and group.attr.value not in {"get", "get_secrets_env_var", "get_secrets_file"}
        ):
            names = (cst.SimpleString(layout.quoted(group.attr.value)), cst.SimpleString(layout.quoted(key.attr.value)))
            _replace(work, key, _look(work, key, requests, *names))


def _replace(work: Work, node: cst.BaseExpression, text: str) -> None:
    work.plan.want("import os")
    work.plan.replace(node, Verbatim(text), "secrets are environment variables in Flyte 2")


def _is_secrets(work: Work, node: cst.BaseExpression, depth: int = 0) -> bool:
    """Whether an expression is the secrets of the current context, by any local name."""
    if depth > 5:
        return False
    if isinstance(node, cst.Attribute) and node.attr.value == "secrets":
        return _is_context(work, node.value, depth + 1)
    bound = _bound(work, node)
    return bound is not None and _is_secrets(work, bound, depth + 1)


def _is_context(work: Work, node: cst.BaseExpression, depth: int = 0) -> bool:
    if depth > 5:
        return False
    if isinstance(node, cst.Call):
        return work.qualified(node) == CONTEXT
    bound = _bound(work, node)
    return bound is not None and _is_context(work, bound, depth + 1)


def _bound(work: Work, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """The one value a local name was given."""
    if not isinstance(node, cst.Name):
        return None
    bindings = work.module.names.bindings(node)
    return bindings[0].value if len(bindings) == 1 and bindings[0].kind == "assignment" else None


def _requests(work: Work) -> Iterator[tuple[cst.FunctionDef, SecretRequest]]:
    for function in work.module.functions:
        found = entity_decorator(work.module, function)
        if found is None:
            continue
        given = arguments.read(found[0].decorator)
        asked = given.named.get("secret_requests")
        if given.stars or found[2] == "flytekit.Environment":
            yield function, SecretRequest()
        if arguments.is_none(asked) or asked is None:
            continue
        items = work.value(asked)
        if not isinstance(items, (cst.List, cst.Tuple)):
            yield function, SecretRequest()
            continue
        for element in items.elements:
            yield function, _request(work, element.value)


def _request(work: Work, node: cst.BaseExpression) -> SecretRequest:
    value = work.value(node)
    if not isinstance(value, cst.Call) or work.qualified(value) != NAME:
        return SecretRequest()
    given = arguments.read(value, SIGNATURE).named
    own = given.get("env_var")
    name = (
        code(own)
        if own is not None and not arguments.is_none(own)
        else _variable_text(work, given.get("group"), given.get("key"))
    )
    return SecretRequest(_known(work, given.get("group")), _known(work, given.get("key")), name)
