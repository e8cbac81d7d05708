"""Retries: the same number, and with `--retries=faithful` also Flyte 1's rule of what is worth one.

Flyte 1 retries a task when it raises `FlyteRecoverableException` or is killed; Flyte 2 (measured with 2.12.1) retries every
exception that is not a `flyte.errors.NonRecoverableError`. So the faithful form turns every other exception of the task into
one of those, which keeps the class name of the original as its code, and leaves kills and recoverable errors alone.
"""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.engine import arguments
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings.decorated import Decorated, decorated
from flyte_bridge_translators.source.settings.places import Places

RECOVERABLE = "FlyteRecoverableException"

ERROR = "RecoverableError"
"""What stands for it: a name of its own, so that the import of Flyte 1's goes."""


def setting(work: Work, node: cst.BaseExpression, function: cst.FunctionDef) -> tuple[Doc | None, bool]:
    """`retries=` of a task, and whether the task must be wrapped."""
    if arguments.constant(node) == 0:
        return None, False
    doc = work.doc(node)
    if work.context.options.retries == "faithful":
        return doc, True
    work.report("FB303", node, f"{function.name.value}: retries={code(node)} now counts every exception")
    return doc, False


NAMES = {False: "recoverable_only", True: "recoverable_only_async"}
"""What keeps Flyte 1's rule around a function, by whether the function is async."""


def name(work: Work, one: Decorated) -> str:
    """What to decorate a function with."""
    wanted = NAMES[one.function.asynchronous is not None or one.kind.is_driver]
    return wanted if wanted not in work.module.taken() else f"flyte1_{wanted}"


_TEXT = '''\
@contextlib.{manager}
{definition} {name}():
    """Retry what Flyte 1 retried: {recoverable} and kills, nothing else."""
    try:
        yield
    except Exception as error:
        if any(kind.__name__ == "{recoverable}" for kind in type(error).__mro__):
            raise
        raise flyte.errors.NonRecoverableError(str(error), type(error).__name__) from error
'''
# By name, because the class may come from another file; subclasses count.


def define(work: Work, names: set[str]) -> None:
    """Write the wrappers above the first task."""
    for wrapper in sorted(names):
        is_async = wrapper.endswith("async")
        text = _TEXT.format(
            manager="asynccontextmanager" if is_async else "contextmanager",
            definition="async def" if is_async else "def",
            name=wrapper,
            recoverable=ERROR,
        )
        work.plan.want("import flyte", "import contextlib")
        first = next(iter(decorated(work.module))).function
        host = next(node for node in (first, *work.module.ancestors(first)) if node in work.module.tree.body)
        made = cst.ensure_type(cst.parse_statement(text), cst.FunctionDef)
        work.plan.insert_before(host, [made.with_changes(leading_lines=[cst.EmptyLine(indent=False)] * 2)])


def keep(module: Module, plan: Plan) -> None:
    """Define the recoverable error in a file that uses Flyte 1's."""
    text = f'class {ERROR}(RuntimeError):\n    """Worth a retry."""\n'
    made = cst.ensure_type(cst.parse_statement(text), cst.ClassDef)
    made = made.with_changes(leading_lines=[cst.EmptyLine(indent=False)] * 2)
    position = Places(module).imports
    if position < 0:
        position = max((Places(module).of(node) for node in module.imports if module.is_top_level(node)), default=0)
    plan.insert_after(module.tree.body[position], [made])
