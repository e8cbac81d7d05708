"""Retries: the same number, and with `--retries=faithful` also Flyte 1's rule of what is worth one.

Flyte 1 retries a task when it raises `FlyteRecoverableException` or is killed; Flyte 2 (measured with 2.12.1) retries every
exception that is not a `flyte.errors.NonRecoverableError`. So the faithful form turns every other exception of the task into
one of those, which keeps the class name of the original as its code, and leaves kills and recoverable errors alone.
"""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source import arguments
from flyte_bridge_translators.source.homes import decorated
from flyte_bridge_translators.source.layout import Doc
from flyte_bridge_translators.source.tree import code
from flyte_bridge_translators.source.work import Work

RECOVERABLE = "FlyteRecoverableException"


def setting(work: Work, node: cst.BaseExpression, function: cst.FunctionDef) -> tuple[Doc | None, bool]:
    """`retries=` of a task, and whether the task must be wrapped."""
    if arguments.constant(node) == 0:
        return None, False
    doc = work.doc(node)
    if work.context.options.retries == "faithful":
        return doc, True
    work.report("FB303", node, f"{function.name.value}: retries={code(node)} now counts every exception")
    return doc, False


def name(work: Work) -> str:
    """What the wrapper is called in this file."""
    taken = work.module.taken()
    return next(each for each in ("recoverable_only", "retry_recoverable_only", "flyte1_retries") if each not in taken)


def _recoverable(work: Work) -> str:
    """The recoverable error as this file may catch it: its own name for it when it imports it."""
    for local, bindings in work.module.scope.bindings.items():
        if bindings[-1].kind == "import" and (bindings[-1].qualified or "").endswith(f".{RECOVERABLE}"):
            return local
    return ""


_TEXT = '''\
def {name}(function):
    """Retry what Flyte 1 retried: {what}."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run(*args, **kwargs):
            try:
                return await function(*args, **kwargs)
            except {kept}:
                raise
            except Exception as error:
                raise flyte.errors.NonRecoverableError(str(error), type(error).__name__) from error

    else:

        @functools.wraps(function)
        def run(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except {kept}:
                raise
            except Exception as error:
                raise flyte.errors.NonRecoverableError(str(error), type(error).__name__) from error

    return run
'''


def define(work: Work) -> None:
    """Write the wrapper above the first task that needs it."""
    local = _recoverable(work)
    kept = f"({local}, flyte.errors.NonRecoverableError)" if local else "flyte.errors.NonRecoverableError"
    what = f"{RECOVERABLE} and kills, nothing else" if local else "kills, no exceptions (none here is recoverable)"
    text = _TEXT.format(name=name(work), kept=kept, what=what)
    work.plan.want("import flyte", "import functools", "import inspect")
    first = next(iter(decorated(work.module)))
    host = next(
        (above for above in (first.function, *work.module.ancestors(first.function)) if above in work.module.tree.body),
        first.function,
    )
    made = cst.ensure_type(cst.parse_statement(text), cst.FunctionDef)
    work.plan.insert_before(host, [made.with_changes(leading_lines=[cst.EmptyLine(indent=False)] * 2)])
