"""Notebooks show a result as a table: importing this module attaches the display to results."""

from __future__ import annotations

from lpbench.render import to_html
from lpbench.results.model import Result

Result.show_html = to_html
