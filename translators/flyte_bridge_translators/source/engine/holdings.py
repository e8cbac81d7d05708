"""What the names of a file may hold, as far as calls go: tasks, functions, classes, and containers of them.

A file is read into assignments between cells (variables, parameters, returned values, attributes of classes) and the calls that
functions make. Both are plain tuples, part of the file's facts, so that `flow` can follow a task through the whole project: by an
alias, a loop variable, a container, a class attribute, a parameter, a partial, a decorator of the house.

A term is what an expression may hold; None for plain data:

    ("value", v)                 one value: "f:<function>", "c:<class>", "e:<entity>", "m:<module>"
    ("cell", id)                 what a variable holds
    ("global", name)             what a qualified name stands for, here or in another file
    ("box", terms…)              a container of them
    ("item", term)               what a container holds
    ("attr", term, name)
    ("any", terms…)              one of them
    ("call", term, args, keywords)
    ("namespace", module)        `globals()`
    ("implied", term, name, args) what a method that Python calls by itself gives: `__getitem__`, `__add__`, `__enter__`
    ("super", class)             `super()` in a method of the class
    ("members", term)            `vars(P)`, `P.__dict__`
"""

from __future__ import annotations

from dataclasses import dataclass, field

Term = tuple[object, ...] | None


@dataclass(frozen=True)
class FunctionHoldings:
    """One function, as a caller sees it.

    Attributes:
        parameters: Their names in order, `*` and `**` ones left out.
        rest: The names of the `*` and `**` parameters.
        generator: Whether it yields.
        is_async: Whether it is `async def`.
        is_lambda: Whether it is a lambda, which cannot await.
        entity: The qualified name of the entity it is, when it has a Flyte 1 decorator.
        driver: Whether that is a workflow, a dynamic or an eager one.
        name: What it is called.
        method: Whether the first parameter is an instance or class.
        reads: What makes it run when an attribute is read or set: `property`, `cached_property`, `setter`; empty when it is called.
        abstract: Whether it has no body to speak of, so that a subclass's runs in its place.
    """

    parameters: tuple[str, ...]
    rest: tuple[str, ...] = ()
    generator: bool = False
    is_async: bool = False
    is_lambda: bool = False
    entity: str | None = None
    driver: bool = False
    name: str = ""
    method: bool = False
    reads: str = ""
    abstract: bool = False

    @property
    def is_implied(self) -> bool:
        """Whether Python calls it by itself: a property, `__enter__`, `__add__`; `__call__` is called by the user."""
        special = self.method and self.name.startswith("__") and self.name.endswith("__") and self.name != "__call__"
        return bool(self.reads) or special

    @property
    def can_be_awaited(self) -> bool:
        """Whether what Python calls by itself may give something to await: `await pipe.first`."""
        return self.reads == "property" or not self.is_implied


@dataclass(frozen=True)
class Holdings:
    """What a file's names may hold.

    Attributes:
        assigned: (cell, term): the cell may hold that.
        stored: (object, attribute, term): an attribute of what the object is may hold that.
        calls: Function ("" for the module itself) → the terms of the calls in it.
        functions: Id → function.
        bases: Class → the terms of its bases.
        fields: Class → its annotated fields, in order.
        implied: Function → (object, name, arguments) of what may call a method without saying so: `a.b`, `a[b]`, `a + b`.
    """

    assigned: tuple[tuple[str, Term], ...] = ()
    stored: tuple[tuple[Term, str, Term], ...] = ()
    calls: dict[str, tuple[Term, ...]] = field(default_factory=dict)
    functions: dict[str, FunctionHoldings] = field(default_factory=dict)
    bases: dict[str, tuple[Term, ...]] = field(default_factory=dict)
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    implied: dict[str, tuple[tuple[Term, str, tuple[Term, ...]], ...]] = field(default_factory=dict)
