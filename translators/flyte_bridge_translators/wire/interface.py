"""Interfaces: what a task or workflow takes and gives.

Flyte 1 keeps variables in a map, Flyte 2 in a list with a map's bytes. Flyte 1 knows no order of variables, so ours is
by name.
"""

from __future__ import annotations

from flyteidl.core import interface_pb2 as v1_interface_pb2
from flyteidl2.core import interface_pb2


def to_v2(interface: v1_interface_pb2.TypedInterface) -> interface_pb2.TypedInterface:
    """An interface for Flyte 2, with its variables sorted by name."""
    result = interface_pb2.TypedInterface()
    for side in ("inputs", "outputs"):
        if interface.HasField(side):
            result_side, variables = getattr(result, side), getattr(interface, side).variables
            result_side.SetInParent()
            for name in sorted(variables):
                entry = result_side.variables.add(key=name)
                entry.value.MergeFromString(variables[name].SerializeToString())
    return result


def from_v2(interface: interface_pb2.TypedInterface) -> v1_interface_pb2.TypedInterface:
    """An interface of Flyte 2 for Flyte 1, which forgets the order of variables."""
    return v1_interface_pb2.TypedInterface.FromString(interface.SerializeToString(deterministic=True))
