"""The documentation hangs together: links lead somewhere, and every page can be reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]


def links(page: Path) -> list[Path]:
    """Return the files that a page links to, as it writes them."""
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return [(page.parent / target).resolve() for target in targets if "://" not in target]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    assert [str(target) for target in links(page) if not target.exists()] == []


def test_every_page_can_be_reached_from_the_index() -> None:
    seen: set[Path] = set()
    new = {ROOT / "docs" / "index.md"}
    while new:
        seen |= new
        new = {target for page in new for target in links(page) if target.suffix == ".md"} - seen
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= seen


def test_the_example_plugin_is_the_one_that_is_tested() -> None:
    """The guide and the README show code of tests/data/lpbench-acme, line for line."""
    files = [path for path in (ROOT / "tests/data/lpbench-acme").rglob("*") if path.suffix in {".py", ".toml"}]
    lines = {line for path in files for line in path.read_text(encoding="utf-8").splitlines()}
    guide = (ROOT / "docs/how-to/write-a-plugin.md").read_text(encoding="utf-8")
    for block in re.findall(r"```(?:python|toml)\n(.*?)```", guide, flags=re.DOTALL):
        assert set(block.splitlines()) <= lines
