"""Images: `ImageSpec(…)`, its `with_…` methods and image strings become `flyte.Image`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.edits import Edit, Rewrite
from flyte_bridge_translators.source.engine.layout import Chain, Doc
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.tree import code, walk
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings.plugins import package

NAME = "flytekit.ImageSpec"

SIGNATURE = (
    "name", "python_version", "builder", "source_root", "env", "registry", "packages", "conda_packages", "conda_channels",
    "requirements", "apt_packages", "cuda", "cudnn", "base_image", "platform", "pip_index", "pip_extra_index_url",
    "pip_secret_mounts", "pip_extra_args", "registry_config", "entrypoint", "commands", "tag_format", "source_copy_mode",
    "copy", "python_exec", "runtime_packages", "builder_options", "builder_config",
)  # fmt: skip
"""The parameters of flytekit 1.16's `ImageSpec`, in order."""

ELSEWHERE: Mapping[str, str] = {
    "builder": "the builder is chosen in the configuration (`image.builder`, `flyte create config --builder`)",
    "builder_config": "the builder is configured outside the image",
    "builder_options": "the builder is configured outside the image",
    "entrypoint": "the entrypoint of the base image stays",
    "python_exec": "packages are installed with uv into the base image's Python",
    "registry_config": "credentials of a private registry are a secret: `registry_secret=` of the image",
    "source_copy_mode": "source travels in the code bundle (`flyte deploy --copy-style`)",
    "source_root": "source travels in the code bundle (`flyte deploy --root-dir`)",
    "tag_format": "the tag is the hash of the image",
}
"""Settings that live somewhere else, and where."""

BY_HAND: Mapping[str, str] = {
    "conda_packages": "conda packages need a pixi project (`.with_pixi_project`) or their equivalents from PyPI",
    "conda_channels": "conda channels belong to a pixi project (`.with_pixi_project`)",
    "cuda": "start from an image that holds CUDA: `flyte.Image.from_base(…).clone(name=…, extendable=True)`",
    "cudnn": "start from an image that holds cuDNN: `flyte.Image.from_base(…).clone(name=…, extendable=True)`",
    "pip_secret_mounts": "name a secret: `.with_pip_packages(…, secret_mounts=[flyte.Secret(key=…)])`",
}
"""Settings only the user can carry over, and how."""

METHODS: Mapping[str, str] = {
    "with_packages": "packages",
    "with_apt_packages": "apt_packages",
    "with_commands": "commands",
    "with_copy": "copy",
    "with_runtime_packages": "runtime_packages",
}
"""Methods that return a new image with more of a setting."""

TEMPLATE = re.compile(r"\{\{\s*\.images?\.(?P<name>[\w-]+)\.fqn\s*\}\}(?P<tag>:.*)?")
"""Flyte 1's placeholder for an image given by configuration or `--image`."""

PLAIN_TAG = re.compile(r":\{\{\s*\.images?\.[\w-]+\.(version|tag)\s*\}\}")


def convert(work: Work, call: cst.Call) -> Doc | None:
    """`ImageSpec(…)` as a chain of `flyte.Image`."""
    given = arguments.read(call, SIGNATURE)
    if given.stars or given.extra:
        work.report("FB313", call, "the arguments of this image are computed; write them out")
        return None
    values = {name: value for name, value in given.named.items() if not arguments.is_none(value)}
    for name, value in values.items():
        if name in ELSEWHERE:
            work.report("FB312", call, f"{name}: {ELSEWHERE[name]}")
        elif name in BY_HAND:
            work.report("FB313", call, f"{name}={layout.brief(value)}: {BY_HAND[name]}")
        elif name not in SIGNATURE:
            work.report("FB312", call, f"{name} is no setting of an image")
    return Chain((*_base(work, values, call), *_layers(work, values, call)))


def _base(work: Work, values: Mapping[str, cst.BaseExpression], call: cst.Call) -> list[Doc]:
    work.plan.want("import flyte")
    name = _lower(values.get("name"))
    registry = _lower(values.get("registry"))
    version = _python(values.get("python_version"))
    platform = _platform(values.get("platform"))
    base = values.get("base_image")
    if base is None:
        return [
            layout.call(
                "flyte.Image.from_debian_base", name=name, registry=registry, python_version=version, platform=platform
            )
        ]
    layered = any(field in values for field in ("packages", "requirements", "apt_packages", "commands", "env", "copy"))
    if is_image(work, base):
        start: list[Doc] = [work.doc(base)]
        if not (name or registry or version or platform):
            return start
        return [*start, layout.call(".clone", name=name, registry=registry, python_version=version, platform=platform)]
    work.report("FB311", call, f"the base image {layout.brief(base)} must hold the package flyte")
    start = [layout.call("flyte.Image.from_base", work.doc(base))]
    if not layered and not (name or registry):
        return start
    return [
        *start,
        layout.call(
            ".clone",
            name=name or '"flyte"',
            registry=registry,
            python_version=version,
            platform=platform,
            extendable="True" if layered else None,
        ),
    ]


def _layers(work: Work, values: Mapping[str, cst.BaseExpression], where: cst.CSTNode) -> list[Doc]:
    pip: dict[str, Doc | None] = {
        "index_url": _doc(work, values.get("pip_index")),
        "extra_index_urls": _doc(work, values.get("pip_extra_index_url")),
        "extra_args": _doc(work, values.get("pip_extra_args")),
    }
    layers: list[Doc] = []
    if "apt_packages" in values:
        layers += _spread(".with_apt_packages", _strings(values["apt_packages"]))
    if "requirements" in values:
        layers.append(_requirements(work, values["requirements"], pip))
    packages = [
        name
        for field in ("packages", "runtime_packages")
        if field in values
        for name in _packages(work, values[field], where)
    ]
    if packages:
        layers += _spread(".with_pip_packages", packages, **pip)
    if "env" in values:
        layers.append(layout.call(".with_env_vars", work.doc(values["env"])))
    if "copy" in values:
        layers += _copies(work, values["copy"])
    if "commands" in values:
        layers.append(layout.call(".with_commands", _list(work, values["commands"])))
    return layers


def _doc(work: Work, node: cst.BaseExpression | None) -> Doc | None:
    return work.doc(node) if node is not None else None


def _list(work: Work, node: cst.BaseExpression) -> Doc:
    return layout.listed([code(node)]) if isinstance(arguments.constant(node), str) else work.doc(node)


def _strings(node: cst.BaseExpression) -> list[str]:
    """The items of a list as arguments: one by one when they are written out, else with a star."""
    if isinstance(node, (cst.List, cst.Tuple)):
        return [code(element.with_changes(comma=cst.MaybeSentinel.DEFAULT)) for element in node.elements]
    if isinstance(arguments.constant(node), str):
        return [code(node)]
    return [f"*{code(node)}" if isinstance(node, (cst.Name, cst.Attribute, cst.Call, cst.List)) else f"*({code(node)})"]


def _spread(method: str, items: Iterable[str], **keywords: Doc | None) -> list[Doc]:
    positional = list(items)
    return [layout.call(method, *positional, **keywords)] if positional else []


def _packages(work: Work, node: cst.BaseExpression, where: cst.CSTNode) -> list[str]:
    """pip packages, with those of Flyte 1 replaced by their Flyte 2 ones."""
    named = work.value(node)
    if named is not node and isinstance(named, (cst.List, cst.Tuple)):
        values = [arguments.constant(element.value) for element in named.elements]
        if any(isinstance(value, str) and package(value) is not None for value in values):
            work.report("FB312", where, f"{code(node)} holds packages of Flyte 1: replace flytekit by flyte there")
    kept = []
    for text in _strings(node):
        value = arguments.constant(parsed(text)) if not text.startswith("*") else None
        replacement = package(value) if isinstance(value, str) else None
        if replacement is None:
            kept.append(text)
        elif replacement:
            work.report("FB312", where, f"{value} became {replacement}, without its version")
            kept.append(f'"{replacement}"')
        else:
            work.report("FB312", where, f"{value} was left out: the image holds flyte")
    return kept


def _requirements(work: Work, node: cst.BaseExpression, pip: Mapping[str, Doc | None]) -> Doc:
    known = arguments.constant(work.value(node))
    path = PurePosixPath(known) if isinstance(known, str) else None
    if path is not None and path.name in {"pyproject.toml", "uv.lock"}:
        project = layout.quoted(str(path.with_name("pyproject.toml")))
        return layout.call(".with_uv_project", project, **pip)
    if path is not None and path.name == "poetry.lock":
        return layout.call(
            ".with_poetry_project", layout.quoted(str(path.with_name("pyproject.toml"))), extra_args=pip["extra_args"]
        )
    if path is not None and path.name in {"pixi.toml", "pixi.lock"}:
        return layout.call(".with_pixi_project", layout.quoted(str(path.with_name("pixi.toml"))))
    if path is not None and path.suffix != ".txt":
        work.report("FB313", node, f"{path}: requirements must be a .txt file")
    return layout.call(".with_requirements", work.doc(node), **pip)


def _copies(work: Work, node: cst.BaseExpression) -> list[Doc]:
    """Files and folders, at the same place below the working directory."""
    made: list[Doc] = []
    work.plan.want("import pathlib")
    for text in _strings(node):
        known = arguments.constant(parsed(text)) if not text.startswith("*") else None
        if not isinstance(known, str):
            work.report(
                "FB313", node, f"copy={layout.brief(node)}: add `.with_source_file` or `.with_source_folder` for each"
            )
            continue
        path = PurePosixPath(known)
        if path.suffix:
            place = None if path.parent == PurePosixPath() else layout.quoted(f"./{path.parent}")
            made.append(layout.call(".with_source_file", f"pathlib.Path({text})", dst=place))
        else:
            place = layout.quoted(f"./{path}") if len(path.parts) > 1 else None
            made.append(layout.call(".with_source_folder", f"pathlib.Path({text})", dst=place))
    return made


def _lower(node: cst.BaseExpression | None) -> str | None:
    """Names and registries are lower case, as Flyte 1 made them."""
    known = arguments.constant(node)
    if isinstance(known, str) and known != known.lower():
        return layout.quoted(known.lower())
    return code(node) if node is not None else None


def _python(node: cst.BaseExpression | None) -> str | None:
    if node is None:
        return None
    known = arguments.constant(node)
    if isinstance(known, str) and re.fullmatch(r"\d+\.\d+(\.\d+)?", known):
        return f"({', '.join(known.split('.')[:2])})"
    return f'tuple(int(part) for part in {code(node)}.split(".")[:2])'


def _platform(node: cst.BaseExpression | None) -> str | None:
    if node is None:
        return None
    known = arguments.constant(node)
    if isinstance(known, str):
        return layout.joined([layout.quoted(part.strip()) for part in known.split(",")])
    return f'tuple({code(node)}.split(","))'


def is_image(work: Work, node: cst.BaseExpression) -> bool:
    """Whether an expression is an `ImageSpec`, of this file or of another one of the project."""
    value = work.value(node)
    if isinstance(value, cst.Call):
        if work.qualified(value) in {NAME, f"{NAME}.from_env"}:
            return True
        if isinstance(value.func, cst.Attribute) and value.func.attr.value in {
            *METHODS,
            "force_push",
            "with_builder_options",
        }:
            return is_image(work, value.func.value)
        return False
    return work.context.is_image(work.module.names.qualified(value))


def named_packages(work: Work, node: cst.BaseExpression) -> frozenset[str]:
    """The packages that the expression of an image names, in lower case, without versions."""
    texts = [arguments.constant(each) for each in walk(work.value(node)) if isinstance(each, cst.SimpleString)]
    return frozenset(re.split(r"[^\w.-]", text.strip())[0].lower() for text in texts if isinstance(text, str) and text)


def is_extendable(work: Work, node: cst.BaseExpression) -> bool:
    """Whether a layer can be put on an image: not on a ready-made one that nothing was put on."""
    value = work.value(node)
    if isinstance(value, cst.Call) and work.qualified(value) == NAME:
        given = arguments.read(value, SIGNATURE).named
        base = given.get("base_image")
        layers = ("packages", "requirements", "apt_packages", "commands", "env", "copy")
        return arguments.is_none(base) or any(name in given for name in layers) or is_extendable(work, base or node)
    return is_image(work, node)


def method(work: Work, call: cst.Call) -> Doc | None:
    """`image.with_packages(…)` and its likes; None for any other call."""
    if not isinstance(call.func, cst.Attribute) or not is_image(work, call.func.value):
        return None
    name = call.func.attr.value
    before = work.doc(call.func.value)
    start: tuple[Doc, ...] = before.parts if isinstance(before, Chain) else (before,)
    if name in {"force_push", "with_builder_options"}:
        hint = (
            "force a build with `flyte build`, or change the image"
            if name == "force_push"
            else ELSEWHERE["builder_options"]
        )
        work.report("FB312", call, f"{name}: {hint}")
        return Chain(start) if len(start) > 1 else start[0]
    if name not in METHODS:
        return None
    values = list(arguments.read(call, (METHODS[name],)).named.values())
    if len(values) != 1:
        work.report("FB313", call, f"the arguments of {name} cannot be read")
        return None
    return Chain((*start, *_layers(work, {METHODS[name]: values[0]}, call)))


def setting(work: Work, node: cst.BaseExpression) -> Doc | None:
    """`image=` of an environment, for a task's `container_image`."""
    if arguments.is_none(node):
        return None
    known = arguments.constant(work.value(node))
    if isinstance(known, str):
        template = TEMPLATE.fullmatch(known)
        if template is not None:
            if template["tag"] and not PLAIN_TAG.fullmatch(template["tag"]):
                work.report(
                    "FB312",
                    node,
                    f"the tag {template['tag']} must be part of what `--image {template['name']}=…` names",
                )
            work.plan.want("import flyte")
            return layout.call("flyte.Image.from_ref_name", layout.quoted(template["name"]))
        if "{{" in known:
            work.report("FB313", node, f"{known} mixes placeholders; name one image: `flyte.Image.from_ref_name(…)`")
        work.report("FB311", node, f"the image {known} must hold the package flyte")
    return work.doc(node)


def guards(work: Work) -> None:
    """`if image.is_container():` around imports: import what is installed."""
    for call in work.module.all_calls:
        if (
            not isinstance(call.func, cst.Attribute)
            or call.func.attr.value != "is_container"
            or not is_image(work, call.func.value)
        ):
            continue
        guard = work.module.parents.get(call)
        if not (isinstance(guard, cst.If) and guard.test is call and _begins_with_import(guard)):
            message = f"{code(call)}: nothing says in which image the code runs; import inside the tasks"
            work.report("FB313", call, message)
            # An image of Flyte 2 has no such method: left in place, it would end the import of the module.
            work.plan.replace(call, cst.Name("False"), "no task is in its image while the module is written")
            continue
        if guard.orelse is None and _only_imports(guard):
            work.plan.want("import contextlib")
            work.plan.replace(guard, _suppressing(guard), "no guard on the image in Flyte 2")
        else:
            work.plan.replace(guard, _tried(guard), "no guard on the image in Flyte 2")
        work.report("FB314", call, f"{code(call)} guarded imports: they happen wherever the modules are installed")


def _suppressing(guard: cst.If) -> Edit:
    return lambda rewrite: _suppressed(rewrite.inside(guard))


def _suppressed(guard: cst.If) -> cst.With:
    made = cst.ensure_type(cst.parse_statement("with contextlib.suppress(ImportError):\n    pass"), cst.With)
    return made.with_changes(body=guard.body, leading_lines=guard.leading_lines)


def _tried(guard: cst.If) -> Edit:
    """`if image.is_container(): import x … else: y` as `try: import x … except ImportError: y`."""

    def edit(rewrite: Rewrite) -> cst.Try:
        changed = rewrite.inside(guard)
        made = cst.ensure_type(cst.parse_statement("try:\n    pass\nexcept ImportError:\n    pass"), cst.Try)
        handler = made.handlers[0]
        if isinstance(changed.orelse, cst.Else):
            handler = handler.with_changes(body=changed.orelse.body, leading_lines=changed.orelse.leading_lines)
        elif changed.orelse is not None:
            handler = handler.with_changes(body=cst.IndentedBlock([changed.orelse.with_changes(leading_lines=[])]))
        return made.with_changes(body=changed.body, handlers=[handler], leading_lines=changed.leading_lines)

    return edit


def _begins_with_import(guard: cst.If) -> bool:
    line = guard.body.body[0]
    return isinstance(line, cst.SimpleStatementLine) and isinstance(line.body[0], (cst.Import, cst.ImportFrom))


def _only_imports(guard: cst.If) -> bool:
    return all(
        isinstance(line, cst.SimpleStatementLine)
        and all(isinstance(small, (cst.Import, cst.ImportFrom)) for small in line.body)
        for line in guard.body.body
    )
