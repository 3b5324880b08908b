"""A prediction in a few words, whatever class of app it is of."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from lpbench.render._numbers import digits
from lpbench.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Prediction = Mapping[str, Any]

LISTS = ("objects", "top")
"""Under these a prediction holds candidates, the best first."""
KINDS = 3
"""Different labels of things found that are named."""
LONG = 8
"""Lists of more numbers are counted."""


def answer(each: Prediction) -> tuple[str, str]:
    """Return what was found in a sample, in one line, and its score; in a chain, what later components say of it."""
    words, score = _own(each)
    return "; ".join(filter(None, (words, *map(clean, _later(each))))), score


def later_of(each: Prediction) -> dict[str, list[Prediction]]:
    """Return what later components of a chain found, by their names."""
    return {
        key: value
        for key, value in each.items()
        if isinstance(value, list)
        and key not in LISTS
        and key != "items"
        and (not value or all(isinstance(one, dict) and "item" in one for one in value))
    }


def _own(each: Prediction) -> tuple[str, str]:
    candidates = next((each[key] for key in LISTS if isinstance(each.get(key), list) and each[key]), None)
    if candidates is not None:
        return _candidate(candidates[0])
    if isinstance(each.get("items"), list):
        return _items(each["items"])
    for key, say in _SAYS.items():
        if key in each:
            return clean(say(each)), digits(each["score"]) if _number(each.get("score")) else ""
    if any(key in each for key in ("label", "class", "index")):
        return _candidate(each)
    rest = {key: value for key, value in each.items() if key not in {"sample", "item", *later_of(each)}}
    return plain_text(rest) if rest else "", ""


def _candidate(each: Any) -> tuple[str, str]:
    if not isinstance(each, dict):
        return plain_text(each), ""
    name = each.get("label", each.get("class", each.get("index", "")))
    return clean(name), digits(each["score"]) if _number(each.get("score")) else ""


def _items(found: list[Any]) -> tuple[str, str]:
    """Return how many things of which labels were found, and the score of the surest."""
    things = [each for each in found if isinstance(each, dict)]
    kinds = Counter(str(each["label"]) for each in things if "label" in each)
    named = [f"{count} {clean(label)}" if count > 1 else clean(label) for label, count in kinds.most_common(KINDS)]
    more = [f"{len(kinds) - KINDS} other kinds"] if len(kinds) > KINDS else []
    scores = [float(each["score"]) for each in things if _number(each.get("score"))]
    words = ", ".join([*named, *more]) if named else f"{len(found)} found"
    return words if found else "nothing found", digits(max(scores)) if scores else ""


def _later(each: Prediction) -> list[str]:
    said = []
    for name, found in later_of(each).items():
        answers = [answer(one)[0] for one in found]
        said.append(f"{name}: {' | '.join(answers)}" if answers else f"{name}: nothing")
    return said


def _mask(each: Prediction) -> str:
    shares = each.get("share") or {}
    return ", ".join(f"{label} {100 * share:.0f} %" for label, share in shares.items() if _number(share)) or "a mask"


def _person(each: Prediction) -> str:
    gender = each.get("gender") or {}
    age = f"age {digits(each['age'])}" if _number(each.get("age")) else ""
    return ", ".join(filter(None, (age, str(gender.get("label", "")))))


def _angles(each: Prediction) -> str:
    names = [name for name in ("yaw", "pitch", "roll") if _number(each.get(name))]
    return ", ".join(f"{name} {each[name]:.0f}°" for name in names)


_SAYS: dict[str, Callable[[Prediction], str]] = {
    "text": lambda each: str(each["text"]),
    "age": _person,
    "yaw": _angles,
    "mask": _mask,
    "masks": _mask,
    "embedding": lambda each: f"{len(each['embedding'])} numbers",
    "points": lambda each: f"{len(each['points'])} points",
}
"""How predictions with these keys are put into words."""


def plain_text(value: Any) -> str:
    """Return any JSON as one line; long lists of numbers by their length."""
    if isinstance(value, str):
        return clean(value)
    return clean(json.dumps(_shortened(value), ensure_ascii=False))


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(each) for key, each in value.items()}
    if isinstance(value, list):
        return f"{len(value)} values" if len(value) > LONG else [_shortened(each) for each in value]
    return value


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
