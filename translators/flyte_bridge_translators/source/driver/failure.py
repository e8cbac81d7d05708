"""`@workflow(failure_policy=..., on_failure=...)`: what Flyte 1 did when a node failed, as code of the body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.driver.eager import is_direct
from flyte_bridge_translators.source.driver.scene import Scene
from flyte_bridge_translators.source.engine.entities import entity_decorator
from flyte_bridge_translators.source.engine.syntax import keyword, parsed
from flyte_bridge_translators.source.engine.tree import code

AFTER = "FAIL_AFTER_EXECUTABLE_NODES_COMPLETE"


@dataclass(frozen=True)
class Failure:
    """What a workflow does when a node fails.

    Attributes:
        handler: What is called then; None for nothing.
        arguments: The names of the workflow's inputs it takes.
        error: The parameter that takes the message, if it has one.
        settle: Whether what runs beside the failed node ends first.
        direct: Whether calling the handler gives something to await.
        caught: The name of the caught exception.
    """

    handler: cst.BaseExpression | None = None
    arguments: tuple[str, ...] = ()
    error: str | None = None
    settle: bool = False
    direct: bool = False
    caught: str = "error"


def read(scene: Scene, function: cst.FunctionDef) -> Failure:
    """The failure settings in a workflow's decorator."""
    found = entity_decorator(scene.module, function)
    if found is None or not isinstance(found[0].decorator, cst.Call):
        return Failure()
    given = {one.keyword.value: one.value for one in found[0].decorator.args if one.keyword is not None}
    policy = given.get("failure_policy")
    settle = policy is not None and code(policy).endswith(AFTER)
    if policy is not None and not settle and not code(policy).endswith("FAIL_IMMEDIATELY"):
        scene.plan.report("FB241", policy, f"`failure_policy={code(policy)}` is not written out here: it was left out")
    handler = given.get("on_failure")
    if handler is None or code(handler) == "None":
        return Failure(settle=settle)
    entity = scene.entity(handler)
    if entity is None:
        scene.plan.report("FB244", handler, f"`on_failure={code(handler)}`: its parameters are not known here")
        return Failure(settle=settle)
    names = [parameter.name for parameter in entity.parameters]
    error = next(
        (one.name for one in entity.parameters if "FlyteError" in (one.annotation or "") or one.name == "err"), None
    )
    arguments = tuple(name for name in names if name in scene.parameters and name != error)
    return Failure(handler, arguments, error, True, is_direct(entity), scene.fresh("error", "failure"))


def wrap(failure: Failure, name: cst.BaseExpression, lines: Sequence[cst.BaseStatement]) -> cst.Try:
    """`try: ... except Exception as error: await cleanup.aio(...); raise`."""
    error = failure.caught
    given = [keyword(one, cst.Name(one)) for one in failure.arguments]
    if failure.error is not None:
        given.append(keyword(failure.error, parsed(f"str({error})")))
    called = name if failure.direct else cst.Attribute(name, cst.Name("aio"))
    handler = cst.ExceptHandler(
        type=cst.Name("Exception"),
        name=cst.AsName(cst.Name(error)),
        body=cst.IndentedBlock(
            [
                cst.SimpleStatementLine(
                    [cst.Expr(cst.Await(cst.Call(called, given)))],
                    leading_lines=[cst.EmptyLine(comment=cst.Comment("# on_failure: the run still fails"))],
                ),
                cst.SimpleStatementLine([cst.Raise()]),
            ]
        ),
    )
    return cst.Try(body=cst.IndentedBlock(list(lines)), handlers=[handler])
