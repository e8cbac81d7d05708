"""Settings that stand outside decorators and launch plans: at module level, in arguments of other calls."""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import CONSTRUCTORS, ENVIRONMENTS, Kind, entity_decorator
from flyte_bridge_translators.source.engine.layout import Chain, Doc
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.syntax import Verbatim
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, walk
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import image_spec, secret, task_config
from flyte_bridge_translators.source.settings.plugins import CONFIGS


def translate(module: Module, context: Context) -> Plan:
    """Settings outside decorators and launch plans: constants, arguments of other calls, image guards, secrets."""
    job = Work.of(module, context, "settings")
    if not module.is_flyte1 and not context.is_flyte1_project:
        return job.plan
    done: set[cst.CSTNode] = set()
    found = [call for call in module.all_calls if _is_setting(job, call) and not _elsewhere(module, call)]
    for call in sorted(found, key=lambda call: -len(code(call)) if isinstance(call.func, cst.Attribute) else 0):
        if call in done:
            continue
        doc = job.doc(call)
        if doc == code(call):
            continue
        done.update(node for node in walk(call) if isinstance(node, cst.Call))
        job.plan.replace(call, _written(job, call, doc), "the setting's Flyte 2 form")
        _keep_comments(job, call, doc)
    image_spec.guards(job)
    secret.reads(job)
    task_config.imports(job, module)
    return job.plan


_IMAGE_METHODS = frozenset({*image_spec.METHODS, "force_push", "with_builder_options"})


def _is_setting(job: Work, call: cst.Call) -> bool:
    name = job.qualified(call)
    if job.context.claims(name) or task_config.canonical(name) in CONFIGS:
        return True
    return (
        isinstance(call.func, cst.Attribute)
        and call.func.attr.value in _IMAGE_METHODS
        and image_spec.is_image(job, call.func.value)
    )


def _elsewhere(module: Module, call: cst.Call) -> bool:
    """Whether the call is part of something written anew as a whole: an entity's decorator, a launch plan."""
    below: cst.CSTNode = call
    for above in module.ancestors(call):
        if isinstance(above, cst.FunctionDef):
            found = entity_decorator(module, above)
            return found is not None and below is found[0] and module.is_top_level(above)
        if isinstance(above, cst.Call):
            name = module.names.qualified(above.func) or ""
            if CONSTRUCTORS.get(name) is Kind.LAUNCH_PLAN or name in ENVIRONMENTS:
                return True
        below = above
    return False


def _written(job: Work, call: cst.Call, doc: Doc) -> cst.BaseExpression:
    """The new expression, broken to the file's line length where it stands."""
    parent = job.module.parents.get(call)
    column = 0
    if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
        column = len(code(parent.targets[0].target)) + 3
    elif isinstance(parent, cst.Arg) and parent.keyword is not None:
        column = len(parent.keyword.value) + 1
    indent = 4 * sum(isinstance(above, cst.IndentedBlock) for above in job.module.ancestors(call))
    if isinstance(doc, Chain) and len(doc.parts) == 1:
        doc = doc.parts[0]
    text = layout.render(doc, job.limit, column=column + indent, indent=indent)
    return Verbatim(text)


def _keep_comments(job: Work, call: cst.Call, doc: Doc) -> None:
    """Comments between the arguments go above the statement."""
    lost = [comment for comment in layout.comments(call) if comment not in layout.flat(doc)]
    statement = job.module.statement(call)
    if not lost or not isinstance(statement, cst.SimpleStatementLine):
        return
    lines = [cst.EmptyLine(comment=cst.Comment(comment)) for comment in lost]
    host = statement
    job.plan.replace(
        host,
        lambda rewrite: (inner := rewrite.inside(host)).with_changes(leading_lines=[*inner.leading_lines, *lines]),
    )
