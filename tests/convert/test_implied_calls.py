"""What Python calls by itself, and calls tasks, is awaited or named: nothing awaits what `__enter__` gives."""

from textwrap import indent

import pytest

from flyte_bridge.convert.converter import convert_source
from flyte_bridge_translators.findings import Severity
from flyte_bridge_translators.source.engine.translator import Converted

PROGRAM = """\
from dataclasses import dataclass, field
from functools import cached_property

from flytekit import task, workflow


@task
def inc(x: int = 1) -> int:
    return x + 1


class Pipe:
{members}


@workflow
def wf(x: int = 1) -> int:
{body}
    return x
"""

METHODS = {
    "__init__": "Pipe()", "__post_init__": "Pipe()", "__enter__": "with Pipe():\n    pass", "__exit__": "with Pipe():\n    pass",
    "__iter__": "list(Pipe())", "__next__": "next(Pipe())", "__getitem__": "Pipe()[1]", "__setitem__": "Pipe()[1] = 2",
    "__contains__": "1 in Pipe()", "__len__": "len(Pipe())", "__bool__": "assert Pipe()", "__str__": "f'{Pipe()}'",
    "__add__": "Pipe() + 1", "__radd__": "1 + Pipe()", "__or__": "Pipe() | inc", "__neg__": "-Pipe()",
    "__eq__": "Pipe() == 1", "__iadd__": "p = Pipe()\np += 1", "__getattr__": "Pipe().anything", "__get__": "Pipe.other",
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_method(name: str) -> None:
    """A task in a method that Python calls by itself is reported where it is called."""
    members = f"    def {name}(self, *given):\n        value = inc()\n        return self"
    text = PROGRAM.format(members=members, body=indent(METHODS[name], "    "))
    outcome = convert_source(text)
    assert isinstance(outcome, Converted)
    places = {(found.code, found.where.line) for found in outcome.findings if found.severity is Severity.HAND}
    assert ("FB222", 1 + text[: text.index("value = inc()")].count("\n")) in places


@pytest.mark.parametrize(
    "members",
    [
        "    @cached_property\n    def first(self):\n        return inc()",
        "    @property\n    def first(self):\n        return 1\n\n    @first.setter\n    def first(self, value):\n        inc()",
        "    def read(self):\n        return inc()\n\n    first = property(read)",
        "    first: int = field(default_factory=lambda: inc())",
        "    first: int = field(default_factory=inc)",
    ],
)
def test_read(members: str) -> None:
    """A task that runs when an attribute is read, set or made is reported."""
    outcome = convert_source(PROGRAM.format(members=members, body="    Pipe().first"))
    assert isinstance(outcome, Converted)
    assert {found.code for found in outcome.findings} & {"FB222", "FB254"}


def test_property() -> None:
    """A property that calls tasks is awaited where it is read, and named where it cannot be."""
    members = "    @property\n    def first(self):\n        return inc()"
    text = PROGRAM.format(members=members, body="    x = Pipe().first") + "\nprint(Pipe().first)\n"
    outcome = convert_source(text)
    assert isinstance(outcome, Converted)
    assert "    @property\n    async def first(self):\n        return await inc.aio()\n" in outcome.text
    assert "    x = await Pipe().first\n" in outcome.text
    assert [(found.code, found.where.line) for found in outcome.findings] == [("FB253", text.count("\n"))]


def test_no_task() -> None:
    """A method that calls no task stays as it is and is not spoken of."""
    members = "    def __enter__(self):\n        return self\n\n    @property\n    def first(self):\n        return 1"
    outcome = convert_source(PROGRAM.format(members=members, body="    x = inc(x=Pipe().first)"))
    assert isinstance(outcome, Converted)
    assert members in outcome.text
    assert not outcome.findings
