"""What passes from one task to another undecoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import passes

if TYPE_CHECKING:
    from driver.bed import Bed


def test_values_of_every_kind_pass_through(bed: Bed) -> None:
    """An enum, nested dataclasses, file, directory, frame, structured dataset, schema, pickle, times, a union, none and
    optional values in a map of lists, all outputs of one task, reach the next one as they were."""
    assert bed.run(passes.passing).value == [
        "blue",
        "Outer(deep=Deep(n=1, names=['a', 'b']), many=[Deep(n=2, names=[]), Deep(n=3, names=['z'])], maybe=None)",
        "file",
        "folder",
        "[1, 2, 3]",
        "[4.0]",
        "[1, 2]",
        "9",
        "2024-01-02T03:04:05+00:00",
        "0:00:03",
        "word",
        "None",
        "{'a': [1, None]}",
    ]


def test_attributes_of_union_types_are_the_variant_they_are(bed: Bed) -> None:
    """What flytekit's local run gives for an attribute that is an int or a float, a string or none, or an object."""
    assert bed.run(passes.unions).value == "(2, 'two', None, Deep(n=3, names=['a']), 0.5)"
