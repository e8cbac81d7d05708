"""Accelerators: `flytekit.extras.accelerators.T4` and a gpu count become one value of `flyte.Resources(gpu=…)`.

Which names Flyte 2 knows, and the node labels it selects, are those of the installed `flyte._resources` and its serializer.
"""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work

MODULE = "flytekit.extras.accelerators"

GPUS: Mapping[str, str] = {
    "A100": "A100",
    "A100_80GB": "A100_80G",
    "A10G": "A10G",
    "H100": "H100",
    "H200": "H200",
    "L4": "L4",
    "L40S": "L40s",
    "RTX_PRO_6000": "RTX_PRO_6000",
    "T4": "T4",
    "V100": "V100",
}
"""Flyte 1 name → Flyte 2 name, for those that have one."""

LABELS: Mapping[str, str] = {
    "K80": "nvidia-tesla-k80",
    "L4_VWS": "nvidia-l4-vws",
    "M60": "nvidia-tesla-m60",
    "P100": "nvidia-tesla-p100",
    "P4": "nvidia-tesla-p4",
}
"""Flyte 1 name → node label, for those Flyte 2 has no name for."""

TPUS = frozenset({"V5E", "V5P", "V6E"})

RELABELLED: Mapping[str, str] = {
    "H100": "Flyte 1 selects nodes labelled nvidia-h100, Flyte 2 nvidia-tesla-h100",
    "H200": "Flyte 1 selects nodes labelled nvidia-h200, Flyte 2 H200",
}
"""Names whose node label differs between the two SDKs."""

LARGEST = {"RTX_PRO_6000": 2}
"""The largest count that has a `name:count` spelling, where it is not eight."""


def gpu(work: Work, node: cst.BaseExpression, count: str) -> Doc | None:
    """The `gpu=` of `flyte.Resources` for an accelerator.

    Args:
        work: The translator at work.
        node: The accelerator, as written.
        count: How many, as Python text.
    """
    value = work.value(node)
    qualified = work.qualified(value) or ""
    if not qualified.startswith(f"{MODULE}."):
        work.report(
            "FB302", node, f"the accelerator {code(node)} cannot be read here; set it in `flyte.Resources(gpu=…)`"
        )
        return None
    name, _, variant = qualified.removeprefix(f"{MODULE}.").partition(".")
    if isinstance(value, cst.Call) and name == "GPUAccelerator":
        label = arguments.read(value, ("device",)).named.get("device")
        return _device(count, code(label)) if label is not None else None
    if name in LABELS:
        return _device(count, f'"{LABELS[name]}"')
    if name in TPUS:
        size = variant.removeprefix("slice_")
        return layout.call("flyte.TPU", f'"{name}"', partition=f'"{size}"' if size and size != variant else None)
    if name in GPUS:
        if name in RELABELLED:
            work.report("FB323", node, RELABELLED[name])
        if variant.startswith("partition_"):
            memory = variant.removeprefix("partition_").replace("_", ".")
            return layout.call("flyte.GPU", f'"{GPUS[name]}"', quantity=count, partition=f'"{memory}"')
        if not count.isdigit():
            return f'f"{GPUS[name]}:{{{count}}}"'
        if int(count) > LARGEST.get(name, 8):
            return layout.call("flyte.Device", quantity=count, device_class='"GPU"', device=f'"{GPUS[name]}"')
        return f'"{GPUS[name]}:{count}"'
    work.report(
        "FB302", node, f"{qualified} is not an accelerator that Flyte 2 names; set it in `flyte.Resources(gpu=…)`"
    )
    return None


def _device(count: str, label: str) -> Doc:
    return layout.call("flyte.Device", quantity=count, device_class='"GPU"', device=label)
