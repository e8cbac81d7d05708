"""What other files may import of a module besides its entities: settings, classes with fields, enums."""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code, string_value


def classes(module: Module) -> tuple[dict[str, tuple[tuple[str, str], ...]], frozenset[str]]:
    """The classes with annotated fields, and the enums."""
    classes: dict[str, tuple[tuple[str, str], ...]] = {}
    enums: set[str] = set()
    for statement in module.tree.body:
        if not isinstance(statement, cst.ClassDef):
            continue
        qualified = f"{module.name}.{statement.name.value}"
        bases = [module.names.qualified(base.value) or "" for base in statement.bases]
        if any(base.startswith("enum.") or base in enums for base in bases):
            enums.add(qualified)
        classes[qualified] = tuple(
            (small.target.value, code(small.annotation.annotation))
            for line in statement.body.body
            if isinstance(line, cst.SimpleStatementLine)
            for small in line.body
            if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name)
        )
    return {name: fields for name, fields in classes.items() if fields}, frozenset(enums)


RESOURCES = ("cpu", "mem", "gpu", "ephemeral_storage")
"""The fields of Flyte 1's `Resources`, in order."""


def constants(module: Module) -> tuple[dict[str, tuple[tuple[str, str], ...]], dict[str, str], frozenset[str]]:
    """The settings other files may import: resources, strings, images."""
    resources: dict[str, tuple[tuple[str, str], ...]] = {}
    strings: dict[str, str] = {}
    images: set[str] = set()
    for name, value, _ in module.assignments:
        qualified = f"{module.name}.{name}"
        text = string_value(value)
        if text is not None:
            strings[qualified] = text
        made: cst.BaseExpression = value
        while (
            isinstance(made, cst.Call)
            and isinstance(made.func, cst.Attribute)
            and made.func.attr.value.startswith(("with_", "force_push"))
        ):
            made = made.func.value
        if isinstance(made, cst.Name) and f"{module.name}.{made.value}" in images:
            images.add(qualified)
        if not isinstance(made, cst.Call):
            continue
        maker = module.names.qualified(made.func)
        if maker in {"flytekit.ImageSpec", "flytekit.ImageSpec.from_env"}:
            images.add(qualified)
        elif maker == "flytekit.Resources" and not any(argument.star for argument in made.args):
            resources[qualified] = tuple(
                (argument.keyword.value if argument.keyword else RESOURCES[index], code(argument.value))
                for index, argument in enumerate(made.args[: len(RESOURCES)])
            )
    return resources, strings, frozenset(images)
