"""Imports what imports it in a function."""

from import_circle import helper, inc

from flytekit import dynamic, workflow


@dynamic
def fan_below(x: int) -> int:
    return inc(x=x)


@workflow
def wf_below(x: int = 1) -> int:
    return fan_below(x=helper(x))
