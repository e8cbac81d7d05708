"""Pods: `pod_template`, `pod_template_name`, labels and annotations become the one pod template of the task."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import task_config

NAME = "flytekit.PodTemplate"

SIGNATURE = ("pod_spec", "primary_container_name", "labels", "annotations")

KEYWORDS = frozenset({"pod_template", "pod_template_name", "labels", "annotations"})


def convert(work: Work, call: cst.Call) -> Doc | None:
    """`flytekit.PodTemplate(…)` (or the pod plugin's `Pod(…)`) as `flyte.PodTemplate(…)`: the same fields."""
    return _made(work, call, {})


def _made(work: Work, call: cst.Call, more: Mapping[str, Doc]) -> Doc | None:
    given = arguments.read(call, SIGNATURE)
    if given.stars or given.extra:
        work.report("FB302", call, f"{code(call)} is computed; write `flyte.PodTemplate` out")
        return None
    values: dict[str, Doc | None] = {}
    for name, value in given.named.items():
        if name not in SIGNATURE:
            work.report("FB301", call, f"a pod template has no field {name}; {name}={code(value)} was left out")
        elif not arguments.is_none(value):
            values[name] = work.doc(value)
    if set(values) & set(more):
        work.report("FB305", call, "labels and annotations of the task and of its pod template: merge them by hand")
    work.plan.want("import flyte")
    return layout.call("flyte.PodTemplate", **{**values, **more})


def setting(work: Work, settings: Mapping[str, cst.BaseExpression], where: cst.CSTNode) -> Doc | None:
    """`pod_template=` of a task, for every setting that ends up in its pod."""
    given = {name: value for name, value in settings.items() if name in KEYWORDS and not arguments.is_none(value)}
    config = settings.get("task_config")
    if config is not None and task_config.canonical(work.qualified(work.value(config))) == task_config.POD:
        if "pod_template" in given:
            work.report("FB305", where, "the task has a Pod and a pod template: merge them by hand")
        given.setdefault("pod_template", config)
    more = {name: work.doc(value) for name, value in given.items() if name in {"labels", "annotations"}}
    template, name = given.get("pod_template"), given.get("pod_template_name")
    if template is not None and name is not None:
        work.report(
            "FB305", where, f"the named pod template {code(name)} was the base of the other one: merge them by hand"
        )
    if template is None and name is not None:
        if not more:
            return work.doc(name)
        work.report("FB305", where, f"labels and annotations cannot be added to the named pod template {code(name)}")
        return work.doc(name)
    if template is None:
        if not more:
            return None
        work.plan.want("import flyte")
        return layout.call("flyte.PodTemplate", **more)
    if not more:
        return work.doc(template)
    if isinstance(template, cst.Call) and work.qualified(template) in {NAME, task_config.POD}:
        return _made(work, template, more)
    work.plan.want("import dataclasses")
    return layout.call("dataclasses.replace", work.doc(template), **more)
