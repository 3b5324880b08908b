"""Tiles: width and height of an image input in pixels, ``224x224``."""

from __future__ import annotations

import re

MOST = 1 << 20
"""Largest width or height."""


def tile_text(tile: tuple[int, int]) -> str:
    """Return a tile as text: ``224x224``."""
    return "x".join(map(str, tile))


def read_tile(tile: tuple[int, int] | str | None) -> tuple[int, int] | None:
    """Return a tile that is given as two numbers or as text; None where none is.

    :raises ValueError: As ``parse_tile``.
    """
    if tile is None:
        return None
    return parse_tile(tile if isinstance(tile, str) else tile_text(tile))


def parse_tile(text: str) -> tuple[int, int]:
    """Return width and height from their text.

    :raises ValueError: The text is not two whole numbers of 1 or more with an x between them.
    """
    found = re.fullmatch(r"([0-9]{1,7})x([0-9]{1,7})", text)
    width, height = map(int, found.groups()) if found else (0, 0)
    if not (0 < width <= MOST and 0 < height <= MOST):
        raise ValueError(f"expected width and height in pixels, such as 224x224, found {text!r}")
    return width, height
