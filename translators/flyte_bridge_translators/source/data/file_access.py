"""`FlyteContextManager.current_context().file_access`: moving data by hand becomes files, directories and temporary paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.data.flyte_io import call, io_class
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code


@dataclass(frozen=True)
class FileAccessMethod:
    """What a method of the file access does.

    Attributes:
        template: Its sync form; `{io}` is `File` or `Dir`, `{a}` and `{b}` its arguments.
        names: The names of its arguments.
        kind: `File`, `Dir`, or `either` when `is_multipart=` says which.
        imports: What it needs.
    """

    template: str
    names: tuple[str, ...] = ()
    kind: str = ""
    imports: tuple[str, ...] = ()


_DOWNLOAD = "{io}.from_existing_remote({a}).download_sync({b})"
_UPLOAD = "{io}.from_local_sync({a}, remote_destination={b})"

METHODS: Mapping[str, FileAccessMethod] = {
    "get_data": FileAccessMethod(_DOWNLOAD, ("remote_path", "local_path"), "either"),
    "download": FileAccessMethod(_DOWNLOAD, ("remote_path", "local_path"), "File"),
    "download_directory": FileAccessMethod(_DOWNLOAD, ("remote_path", "local_path"), "Dir"),
    "put_data": FileAccessMethod(_UPLOAD, ("local_path", "remote_path"), "either"),
    "upload": FileAccessMethod(_UPLOAD, ("file_path", "to_path"), "File"),
    "upload_directory": FileAccessMethod(_UPLOAD, ("local_path", "remote_path"), "Dir"),
    "exists": FileAccessMethod("{io}.from_existing_remote({a}).exists_sync()", ("path",), "File"),
    "get_random_local_directory": FileAccessMethod("tempfile.mkdtemp()", imports=("import tempfile",)),
    "get_random_local_path": FileAccessMethod(
        "os.path.join(tempfile.mkdtemp(), {a})", ("file_path_or_file_name",), imports=("import os", "import tempfile")
    ),
}
"""Method of flytekit's `FileAccessProvider` → what it does."""


def file_access(module: Module, plan: Plan, node: cst.BaseExpression, names: tuple[str, ...]) -> bool:
    """Replace a call of a known method; False when it is none.

    Args:
        module: The file.
        plan: Takes the edit.
        node: The method, as in `ctx.file_access.get_data`.
        names: What stands behind `file_access`.
    """
    method = METHODS.get(names[0]) if len(names) == 1 else None
    made = module.parents.get(node)
    if method is None or not (isinstance(made, cst.Call) and made.func is node):
        return False
    given = {argument.keyword.value: argument.value for argument in made.args if argument.keyword is not None}
    positional = [argument.value for argument in made.args if argument.keyword is None]
    arguments = dict(zip(method.names, positional, strict=False)) | given
    values = [arguments.get(name) for name in method.names]
    if None in values:
        return False
    multipart = arguments.get("is_multipart") or (positional[2] if len(positional) > 2 else None)
    kind = method.kind
    if kind == "either":
        kind = "Dir" if multipart is not None and code(multipart) != "False" else "File"
    io = io_class(module, plan, kind) if kind else None
    plan.want(*method.imports)

    def edit(rewrite: object) -> cst.CSTNode:
        assert callable(rewrite)
        parts = {letter: rewrite(value) for letter, value in zip("ab", values, strict=False)}
        if io is not None:
            parts["io"] = io
        return call(module, made, method.template, **parts)

    plan.replace(made, edit, f"{names[0]}() in Flyte 2")
    return True
