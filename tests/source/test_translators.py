"""The table of concepts is whole: what translates is in it, and every concept changes or reports something in some case."""

import importlib
import pkgutil
from pathlib import Path

import libcst as cst
import pytest

from flyte_bridge_translators import source
from flyte_bridge_translators.source import CONCEPTS
from flyte_bridge_translators.source.engine.entities import read, with_environments
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Concept
from flyte_bridge_translators.source.settings.environment import assign
from golden import CASES, case_files

IDS = [concept.name for concept in CONCEPTS]

ELSEWHERE = {"project"}
"""Cases of several concepts at once."""


def test_every_translator_is_listed() -> None:
    """A module of `source` that has a `translate` or an `unfold` of its own belongs to a concept."""
    does = [(each.translate, each.unfold, each.finish, each.write) for each in CONCEPTS]
    listed = {function.__module__ for functions in does for function in functions if function is not None}
    having = set()
    for found in pkgutil.walk_packages(source.__path__, f"{source.__name__}."):
        module = importlib.import_module(found.name)
        functions = [getattr(module, name, None) for name in ("translate", "unfold")]
        if any(function is not None and function.__module__ == found.name for function in functions):
            having.add(found.name)
    assert having <= listed


@pytest.mark.parametrize("concept", CONCEPTS, ids=IDS)
def test_every_concept_has_a_case_and_a_line(concept: Concept) -> None:
    """A concept has cases to show it, a sentence that says what it becomes, and a section in docs/concepts.md."""
    folders = concept.cases or (concept.name.replace(" ", "_"),)
    assert all(list((CASES / folder).glob("*.py")) for folder in folders), folders
    assert concept.becomes.endswith(".")
    page = (Path(__file__).parent.parent.parent / "docs" / "concepts.md").read_text()
    assert f"## {concept.name}\n\n{concept.becomes}\n" in page


def test_every_case_belongs_to_a_concept() -> None:
    """Each folder of cases shows some concept."""
    shown = {folder for concept in CONCEPTS for folder in concept.cases or (concept.name.replace(" ", "_"),)}
    assert {path.name for path in CASES.iterdir() if path.is_dir()} - ELSEWHERE <= shown


def test_no_name_is_claimed_twice() -> None:
    """One concept writes the calls of a Flyte 1 name."""
    claims = [name for concept in CONCEPTS for name in concept.claims]
    assert len(claims) == len(set(claims))


@pytest.mark.parametrize("concept", [each for each in CONCEPTS if each.translate], ids=lambda each: each.name)
def test_every_translator_has_a_case(concept: Concept) -> None:
    """Some case is changed or reported on by this very translator."""
    assert concept.translate is not None
    for path in case_files():
        module = source.written_out(Module(cst.parse_module(path.read_bytes()), path=path.name, name=path.stem))
        facts = read(module)
        context = source.context({module.name: with_environments(facts, assign(module, facts))})
        plan = concept.translate(module, context)
        if plan.replacements or plan.before or plan.after or plan.removed or plan.reports or plan.imports:
            return
    pytest.fail("no case shows what it does")


@pytest.mark.parametrize("concept", [each for each in CONCEPTS if each.unfold], ids=lambda each: each.name)
def test_every_unfolding_has_a_case(concept: Concept) -> None:
    """Some case of its folder is written out by this very concept."""
    assert concept.unfold is not None
    for path in case_files(*(concept.cases or (concept.name.replace(" ", "_"),))):
        if concept.unfold(Module(cst.parse_module(path.read_bytes()), path=path.name, name=path.stem)):
            return
    pytest.fail("no case shows what it does")
