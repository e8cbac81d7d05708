"""Generated pages are what the code says now, and every code has its entry."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from flyte_bridge_translators.findings.catalogue import CATALOGUE

DOCS = Path(__file__).parent.parent / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", list(generator().PAGES))
def test_page_is_fresh(page: str) -> None:
    """`python docs/generate.py` would change nothing."""
    assert (DOCS / page).read_text() == generator().PAGES[page](), "run python docs/generate.py"


def test_codes_say_what_to_do() -> None:
    """Each code has a meaning and an advice that are sentences."""
    assert list(CATALOGUE) == sorted(CATALOGUE)
    for code in CATALOGUE.values():
        assert code.meaning.endswith("."), code
        assert code.advice.endswith("."), code
