"""Damaged results: each is loaded, shown in every form and compared, or refused with the place; nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench import render
from lpbench.errors import ResultError
from lpbench.jobs.measuring.live import compare_measured
from lpbench.render import comparison, exports, predictions
from lpbench.results.json_document import from_dict, parse
from lpbench.testing.mutations import mutated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpbench.results.model import Result

VERSION_1 = sorted((Path(__file__).parents[1] / "data" / "results-v1").glob("*.json"))
VERSION_2 = sorted((Path(__file__).parents[1] / "data" / "results-v2").glob("*.json"))
LONGEST = 1000
"""Characters of an error: a few lines, whatever a file holds."""
MUTANTS = 50
"""Of each file and version; ``make attack`` tries many more."""
NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.0, 0.5, 5e-324, 1e300, 10**39, 2**63, "", "x", "a\nb", "\n", "A" * 70_000),
    *([], {}, [[]], [{}], [1, 2], {"": None}, {"a": 1}, {"value": None}, "total", "OK", "failed", 20_001),
)
RAW = ("NaN", "1e999", "-1e999", "9" * 400, '"\\ud800"', "[" * 600 + "]" * 600, '{"a": 1, "a": 2}', "01", "-0")
"""What Python's JSON does not write."""
MARK = "@@"


def texts() -> list[str]:
    """Return results of version 1, the same in the present one, and one that was watched."""
    old = [path.read_text(encoding="utf-8") for path in VERSION_1]
    new = [path.read_text(encoding="utf-8") for path in VERSION_2]
    return [*old, *(json.dumps(from_dict(json.loads(text)).to_dict()) for text in old), *new]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each object or list of a document with each of its keys or indices."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    for key, each in items:
        yield value, key
        yield from places(each)


def damaged(text: str, other: str, random: Random) -> bytes:
    """Return a result with a value replaced, removed, doubled or taken from another, or with other bytes."""
    document = json.loads(text)
    holder, key = random.choice(list(places(document)))
    donor, item = random.choice(list(places(json.loads(other))))
    match random.randrange(8):
        case 0:
            return mutated(text.encode(), random, [other.encode()])
        case 1:
            del holder[key]
        case 2:
            holder[key] = donor[item]
        case 3:
            holder[key] = f"{MARK}{random.randrange(len(RAW))}"
        case 4 if isinstance(holder, list):
            holder.append(holder[key])
        case _:
            holder[key] = random.choice(NASTY)
    found = json.dumps(document)
    for at, raw in enumerate(RAW):
        found = found.replace(f'"{MARK}{at}"', raw)
    return found.encode()


def shown(result: Result, original: Result) -> Iterator[str]:
    """Yield everything that is made of a result."""
    yield from (render.text(result, width=width, verbose=verbose) for width, verbose in ((40, False), (120, True)))
    yield render.to_html(result)
    yield from (exports.of_result(result, form) for form in ("csv", "markdown", "html"))
    yield "\n".join(predictions.answers(result))
    for each in result.configurations:
        yield "\n".join(predictions.predictions(each.predictions))
        yield from (repr(each), str(each), predictions.state(each), str(predictions.readings(each.metrics)))
    yield repr(result)
    yield json.dumps([result.rows(), result.summary()], allow_nan=False)
    assert parse(json.dumps(result.to_dict(), allow_nan=False).encode()) == result
    for pair in ((result, result), (original, result), (result, original)):
        yield from compared(*pair)
    found = compare_measured(result)
    yield "\n".join(comparison.live_screen(result, found, width=80, paint=render.unstyled))


def compared(first: Result, second: Result) -> Iterator[str]:
    """Yield everything that is made of a comparison; two that fit neither are refused."""
    try:
        found = lpbench.compare(first, second, force=True)
    except ResultError as refused:
        yield str(refused)
        return
    sides = ("a", first), ("b", second)
    for each in found:
        yield json.dumps(comparison.saved_json("a", "b", first, second, each), allow_nan=False, default=str)
        yield "\n".join(comparison.saved_screen(*sides, each, width=80, paint=render.unstyled))
    notes = [comparison.saved_notes(*sides) for _ in found]
    yield from (exports.of_comparisons(found, form, notes) for form in ("csv", "markdown", "html"))


@pytest.mark.parametrize("at", range(2 * len(VERSION_1) + len(VERSION_2)))
def test_a_damaged_result_is_shown_or_refused_by_name(at: int) -> None:
    every = texts()
    random, text = Random(at), every[at]  # noqa: S311 - the same every time
    original, shown_whole, refusals = parse(text.encode()), 0, list[str]()
    for _ in range(MUTANTS):
        content = damaged(text, random.choice(every), random)
        try:
            result = parse(content, where="r.json")
        except ResultError as error:
            refusals.append(str(error))
        else:
            shown_whole += 1
            for made in shown(result, original):
                made.encode()
    assert shown_whole
    assert refusals
    assert all(each.startswith("r.json: ") and len(each) < LONGEST for each in refusals), refusals
