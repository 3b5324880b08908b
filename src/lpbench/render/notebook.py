"""Display of values at a prompt and in notebooks: importing this module attaches it to them."""

from __future__ import annotations

from lpbench.util.shown import Shown


def as_text(value: Shown) -> str:
    """Return a value as it is printed."""
    from lpbench.render import _sheets

    return _sheets.as_text(value)


def as_html(value: Shown) -> str:
    """Return a value as an HTML fragment: no scripts, no external resources, all text escaped."""
    from lpbench.render import _sheets

    return _sheets.as_html(value)


Shown.as_text = as_text
Shown.as_html = as_html
