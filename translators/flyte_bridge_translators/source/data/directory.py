"""What `FlyteDirectory` can do and a `Dir` does in another way: listing, walking, and files made below it."""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.data.flyte_io import atom, call, expression
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code


def new_below(plan: Plan, made: cst.Call, node: cst.BaseExpression, attribute: str) -> None:
    """`d.new_file("x")` of a directory that is filled before it is returned: a path below it."""
    name = argument_of(made, 0, "name")
    plan.want("import os")
    if name is None:
        plan.want("import tempfile")
        maker = "tempfile.mkstemp(dir={base})[1]" if attribute == "new_file" else "tempfile.mkdtemp(dir={base})"
        plan.replace(made, lambda rewrite: expression(maker, base=rewrite(node)))
        return
    plan.replace(
        made, lambda rewrite: expression("os.path.join({base}, {name})", base=rewrite(node), name=rewrite(name))
    )


def listdir(module: Module, plan: Plan, made: cst.Call, directory: cst.BaseExpression) -> None:
    """`FlyteDirectory.listdir(d)` gave the files and directories; Flyte 2 lists files."""
    plan.report("FB409", made, f"listdir({code(directory)}) gives the files only, directories are left out")
    plan.replace(
        made,
        lambda rewrite: call(module, made, "{d}.list_files_sync()", d=atom(rewrite(directory))),
        "the files of a directory",
    )


def method(plan: Plan, node: cst.BaseExpression, called: cst.Call, name: str) -> None:
    """`d.crawl()`, `d.new_file()` of a directory that came in."""
    if name == "crawl":
        plan.want("import os")
        plan.replace(
            called,
            lambda rewrite: expression(
                "(({d}.path, os.path.relpath(file.path, {d}.path)) for file in {d}.walk_sync())", d=rewrite(node)
            ),
            "crawl() is a walk over the files",
        )
        if called.args:
            plan.report("FB407", called, f"the arguments of crawl({code(called.args[0])}…) are dropped")
    elif name in {"new_file", "new_dir"}:
        plan.report("FB408", called, f"{name}() on a directory that came in: Flyte 2 writes a new Dir instead")


def argument_of(made: cst.Call, index: int, *names: str) -> cst.BaseExpression | None:
    """An argument by keyword or by position."""
    positional = 0
    for argument in made.args:
        if argument.keyword is not None:
            if argument.keyword.value in names:
                return argument.value
        elif not argument.star:
            if positional == index:
                return argument.value
            positional += 1
    return None
