"""The documentation site: every page is in it, every link leads somewhere, and it is read without network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

import pytest
import yaml

HOUSE = Path(__file__).parent.parent
DOCS = HOUSE / "docs"


Navigation: TypeAlias = "str | list[Navigation] | dict[str, Navigation]"


def _named(nav: Navigation) -> list[str]:
    """The pages that a navigation names, in order."""
    if isinstance(nav, str):
        return [nav]
    entries = nav.values() if isinstance(nav, dict) else nav
    return [page for entry in entries for page in _named(entry)]


def test_the_navigation_names_every_page_once() -> None:
    """Each page below docs/ stands in mkdocs.yml's `nav`, the generated ones too, and nothing else does."""
    named = _named(yaml.safe_load((HOUSE / "mkdocs.yml").read_text())["nav"])
    assert sorted(named) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `.ci/run` builds it: a link that leads nowhere fails it."""
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(place)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=HOUSE, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return place


class _Loads(HTMLParser):
    """What a page makes a browser load by itself."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        source = values.get("src") or (values.get("href") if tag == "link" else None)
        if source and values.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(source)


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    """Scripts, styles, fonts and pictures lie beside the pages."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md")))  # and the one of what is not found
    for page in pages:
        if page.name == "404.html":
            continue  # a server's page: its addresses begin at the root
        for source in _Loads(page).loaded:
            assert not re.match(r"(\w+:)?//", source), f"{page.name}: {source}"
            assert (page.parent / unquote(source.partition("?")[0])).exists(), f"{page.name}: {source}"
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style.read_text()), style


def test_each_page_is_linked_from_the_first_one() -> None:
    """From the first page every page is reached over links between pages, not only by the navigation."""
    reached, ahead = set[str](), ["index.md"]
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#:\s]+\.md)", (DOCS / page).read_text())
        ahead += [os.path.relpath((DOCS / page).parent / link, DOCS) for link in links]
    assert sorted(reached) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_the_search_knows_the_findings_offline(site: Path) -> None:
    """The index is a script beside the pages, and has an entry for a finding's code."""
    script = (site / "search" / "search_index.js").read_text()
    index = json.loads(script[script.index("{") : script.rindex("}") + 1])
    assert "findings.html#fb211" in {entry["location"] for entry in index["docs"]}


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed; .ci/run installs Debian's")
def test_a_browser_searches_the_site_from_disk(site: Path, tmp_path: Path) -> None:
    """Opened as a file, where pages may start no workers and no host resolves, the search finds a finding by its code."""
    assert CHROMIUM is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
    options += [f"--user-data-dir={tmp_path}", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command = [CHROMIUM, *options, f"file://{site}/paths/run.html?q=FB211"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    results = re.search(r'class="md-search-result__list".*?</ol>', done.stdout, re.DOTALL)
    assert results is not None
    assert f'href="file://{site}/findings.html#fb211"' in results[0], results[0][:2000]
    assert "waits longer than Flyte 1" in results[0]
