"""For readers of files that others made: regular files only, of a bounded size, and short words on their content."""

from __future__ import annotations

from lpbench.util.regular_files import open_regular, read_regular
from lpbench.util.text import brief, shorten

__all__ = ["brief", "open_regular", "read_regular", "shorten"]
