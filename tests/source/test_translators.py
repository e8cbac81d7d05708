"""The list of translators is whole: a module that has one is in it, and every listed one changes something in some case."""

import importlib
import pkgutil

import libcst as cst
import pytest

from flyte_bridge_translators import source
from flyte_bridge_translators.source import FINISHERS, TRANSLATORS
from flyte_bridge_translators.source.engine.entities import read, with_environments
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context, Translator
from flyte_bridge_translators.source.settings.environment import assign
from golden import case_files


def test_every_translator_is_listed() -> None:
    """A module of `source` with a `translate` of its own is in `TRANSLATORS` or `FINISHERS`."""
    listed = {function.__module__ for function in (*TRANSLATORS, *FINISHERS)}
    having = set()
    for found in pkgutil.walk_packages(source.__path__, f"{source.__name__}."):
        function = getattr(importlib.import_module(found.name), "translate", None)
        if function is not None and function.__module__ == found.name:
            having.add(found.name)
    assert having == listed


@pytest.mark.parametrize("translator", TRANSLATORS, ids=lambda translator: translator.__module__.rpartition(".")[2])
def test_every_translator_has_a_case(translator: Translator) -> None:
    """Some case is changed or reported on by this very translator."""
    for path in case_files():
        module = Module(cst.parse_module(path.read_bytes()), path=path.name, name=path.stem)
        facts = read(module)
        context = Context({module.name: with_environments(facts, assign(module, facts))})
        plan = translator(module, context)
        if plan.replacements or plan.before or plan.after or plan.removed or plan.reports:
            return
    pytest.fail("no case shows what it does")
