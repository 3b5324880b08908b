"""docs/reference/conformance.md lists every check; run this file to regenerate it."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from lpbench import testing

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
FIRST = "\n## Engines"
"""The text above this heading is written by hand."""


def page() -> str:
    """Return the page, generated from the checks' docstrings."""
    parts = [PAGE.read_text(encoding="utf-8").partition(FIRST)[0]]
    for kind, checks in testing.checks().items():
        parts.append(
            f"\n## {kind.capitalize()}s: {len(checks)} checks\n\n| section | check | requirement |\n|---|---|---|\n"
        )
        for section, group in groupby(checks, key=lambda each: each.section):
            parts += [f"| {section} | `{each.name}` | {each.summary.replace('``', '`')} |\n" for each in group]
    return "".join(parts)


def test_the_page_lists_every_check_with_its_line() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tests/testing/test_docs.py"


def test_engines_have_at_least_25_checks_in_five_sections() -> None:
    checks = testing.checks()["engine"]
    assert len(checks) >= 25
    assert list(dict.fromkeys(each.section for each in checks)) == [
        "listing",
        "config",
        "running",
        "lifetime",
        "measuring",
    ]


def test_every_public_name_can_be_had() -> None:
    assert testing.__all__ == sorted(testing.__all__) == dir(testing)
    assert all(getattr(testing, name) is not None for name in testing.__all__)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
