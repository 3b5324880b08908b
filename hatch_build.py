"""Writes the README into the metadata of the core's wheel, with links that hold where the wheel is installed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

INSTALLED = (("src/", "../"), ("LICENSE", "licenses/LICENSE"))
"""Beginnings of links to what a wheel holds, and what they are seen from its metadata."""


def installed(readme: str) -> str:
    """Return the README for a wheel: links to what it holds lead there, others name the file of the sources."""
    return re.sub(r"\[([^\]]+)\]\(([^)]+)\)", _link, readme)


def _link(found: re.Match[str]) -> str:
    text, target = found[1], found[2]
    place = next((there + target.removeprefix(here) for here, there in INSTALLED if target.startswith(here)), "")
    if "://" in target:
        return found[0]
    return f"[{text}]({place})" if place else f"{text} ({target} of the sources)"


class ReadmeHook(MetadataHookInterface):
    """Gives the project its README."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the README to the project's metadata."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": installed(text)}
