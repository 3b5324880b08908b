"""Checks the ground truth of a sample for metrics: values are of their keys' types, and no number is too large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import AppError
from lpbench.util.text import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LARGEST = 1e100
"""Greatest size of a number: metrics square and add what they are given."""
SIDES = 4
COORDINATES = (2, 3)
"""Numbers of a point: x, y, and how visible it is or how far away."""


def checked(truth: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the ground truth of a sample, a value that was written as text as a number.

    :param where: The sample, for errors.
    :raises AppError: A value is not what its key stands for.
    """
    found = dict(truth)
    if "value" in found:
        found["value"] = _number(found["value"], where)
    for key, value in found.items():
        passes, right = RULES[key]
        if not passes(value):
            raise AppError(f"{key} is {brief(value)}", where=where, hint=f"expected {right}")
    return found


def _number(value: object, where: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type] # raises for other types
    except (OverflowError, TypeError, ValueError):
        raise AppError(f"value {brief(value)} is not a number", where=where) from None


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def _plain(value: object) -> bool:
    return isinstance(value, (str, bool)) or _finite(value)


def _text(value: object) -> bool:
    return all(map(_plain, value)) if isinstance(value, list) else _plain(value)


def _mask(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and {"size", "counts"} <= value.keys())


def _points(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(point, list)
        and len(point) in COORDINATES
        and len(point) == len(value[0])
        and all(map(_finite, point))
        for point in value
    )


def _item(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    box = item.get("box")
    return (
        (box is None or (isinstance(box, list) and len(box) == SIDES and all(map(_finite, box))))
        and _plain(item.get("label", ""))
        and _points(item.get("points", []))
    )


RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "label": (_plain, "a text"),
    "text": (_text, "a text, or a list of them"),
    "value": (_finite, f"a finite number, at most {LARGEST:g}"),
    "mask": (_mask, 'the name of a picture, or run lengths: {"size": [height, width], "counts": [...]}'),
    "items": (
        lambda items: isinstance(items, list) and all(map(_item, items)),
        'a list of objects: {"box": [left, top, right, bottom], "label": "cat", "points": [[x, y], ...]}',
    ),
    "points": (_points, "a list of points, all of two numbers or all of three"),
}
TRUTHS = frozenset(RULES)
"""Keys of a sample's ground truth."""
