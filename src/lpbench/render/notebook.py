"""Display of results in notebooks: importing this module attaches it to ``Result``."""

from __future__ import annotations

from lpbench.render import to_html
from lpbench.results.model import Result

Result.show_html = to_html
