"""Puts predictions of vision models into words, for tables; imports neither cv2 nor numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Prediction = Mapping[str, Any]


def person(prediction: Prediction) -> str:
    """Return age in years and gender: ``age 33.2, female``."""
    gender = prediction.get("gender") or {}
    age = f"age {_significant(prediction['age'])}" if _number(prediction.get("age")) else ""
    return ", ".join(filter(None, (age, str(gender.get("label", "")))))


def angles(prediction: Prediction) -> str:
    """Return the angles of a head in degrees: ``yaw -2°, pitch 3°, roll 22°``."""
    names = [name for name in ("yaw", "pitch", "roll") if _number(prediction.get(name))]
    return ", ".join(f"{name} {prediction[name]:.0f}°" for name in names)


def mask(prediction: Prediction) -> str:
    """Return the share of the picture that each class covers: ``person 25 %``."""
    shares = prediction.get("share") or {}
    return ", ".join(f"{label} {100 * share:.0f} %" for label, share in shares.items() if _number(share)) or "a mask"


def embedding(prediction: Prediction) -> str:
    """Return the length of a vector: ``256 numbers``."""
    return f"{len(prediction['embedding'])} numbers"


def points(prediction: Prediction) -> str:
    """Return how many points were found: ``468 points``."""
    return f"{len(prediction['points'])} points"


def _significant(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:#.3g}".rstrip(".") if value else "0"


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
