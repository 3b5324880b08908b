"""A prediction in a few words, whatever class of app it is of."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from lpbench.render._numbers import digits
from lpbench.render._words import words
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    Prediction = Mapping[str, Any]

LISTS = ("objects", "top")
"""Under these a prediction holds candidates, the best first."""
KINDS = 3
"""Different labels of things found that are named."""
LONG = 8
"""Lists of more numbers are counted."""


def answer(each: Prediction) -> tuple[str, str]:
    """Return what was found in a sample, in one line, and its score; in a chain, what later components say of it."""
    said, score = _own(each)
    return "; ".join(filter(None, (said, *map(clean, _later(each))))), score


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
    said = str(each["text"]) if "text" in each else words(each)
    if said is not None:
        return clean(said), _score(each)
    if any(key in each for key in ("label", "class", "index")):
        return _candidate(each)
    apart = {"sample", "item", *later_of(each)}
    rest = {key: value for key, value in each.items() if key not in apart}
    return plain_text(rest) if rest else "", ""


def _candidate(each: Any) -> tuple[str, str]:
    if not isinstance(each, dict):
        return plain_text(each), ""
    name = each.get("label", each.get("class", each.get("index", "")))
    return clean(name), _score(each)


def _score(each: Prediction) -> str:
    return digits(each["score"]) if _number(each.get("score")) else ""


def _items(found: list[Any]) -> tuple[str, str]:
    """Return how many things of which labels were found, and the score of the surest."""
    things = [each for each in found if isinstance(each, dict)]
    kinds = Counter(str(each["label"]) for each in things if "label" in each)
    named = [f"{count} {clean(label)}" if count > 1 else clean(label) for label, count in kinds.most_common(KINDS)]
    more = [amount(len(kinds) - KINDS, "other kind")] if len(kinds) > KINDS else []
    scores = [float(each["score"]) for each in things if _number(each.get("score"))]
    said = ", ".join([*named, *more]) if named else f"{len(found)} found"
    return said if found else "nothing found", digits(max(scores)) if scores else ""


def _later(each: Prediction) -> list[str]:
    said = []
    for name, found in later_of(each).items():
        answers = [answer(one)[0] for one in found]
        said.append(f"{name}: {' | '.join(answers)}" if answers else f"{name}: nothing")
    return said


def plain_text(value: Any) -> str:
    """Return any JSON as one line; long lists of numbers by their length."""
    if isinstance(value, str):
        return clean(value)
    return clean(json.dumps(_shortened(value), ensure_ascii=False))


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(each) for key, each in value.items()}
    if isinstance(value, list):
        return amount(len(value), "value") if len(value) > LONG else [_shortened(each) for each in value]
    return value


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
