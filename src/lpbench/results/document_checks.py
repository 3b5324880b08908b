"""What renderings and comparisons rely on in a document of a result and a schema cannot express.

Indices point at configurations, what is null has a reason, what was measured was timed, and no figure is so large
or so small that computing with it leaves the range of floating point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.results.stages import TOTAL
from lpbench.util.problems import Problem, path_text, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Path = tuple[str | int, ...]

LARGEST, SMALLEST = 1e40, 1e-40
"""Ends of what a figure may be, other than 0: the quotient of any two, and its square, is still a number."""
NULLABLE = ("std", "variance", "cov", "interval")
"""Fields of a summary that may be null."""
OF_RUN = ("load_ns", "build_s", "first_ns", "statistics", "cpu", "counters", "slices", "units", "breakdown")
"""Where the figures of a run stand."""


FREE_SAMPLES = 2_000_000
"""Samples that a document may hold however short it is; equal ones take next to no room."""
MOST_PER_BYTE = 4
"""Samples for each character of the blocks that hold them, beyond that: measured ones take one to three each."""


def problems_of(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with a document that keeps to the schema."""
    configurations = document["configurations"]
    for at, each in enumerate(configurations):
        yield from _configuration(each, ("configurations", at), len(configurations))
    yield from _samples(document)
    yield from _lockstep(document)
    yield from _figures({name: document["yardstick"].get(name) for name in ("ns", "cov")}, ("yardstick",), SMALLEST)


def _samples(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield that the samples of all blocks together are more than such a document may hold."""
    runs = (run for each in document["configurations"] for run in each["runs"])
    blocks = [block for run in runs for block in run["raw"].values()]
    count = sum(block["count"] for block in blocks)
    most = FREE_SAMPLES + MOST_PER_BYTE * sum(len(block["data"]) for block in blocks)
    if count > most:
        yield _problem(
            ("configurations",), f"{show(count)} stored samples", f"at most {most} in a document of its size"
        )


def _configuration(each: Mapping[str, Any], path: Path, count: int) -> Iterator[Problem]:
    for name in ("statistics", "cpu"):
        yield from _summaries(each[name], (*path, name))
    yield from _figures({name: each[name] for name in ("statistics", "cpu")}, path, SMALLEST)
    yield from _figures(each["metrics"], (*path, "metrics"), 0.0)
    yield from _figures(each.get("profile", []), (*path, "profile"), SMALLEST)
    yield from _intervals(each["metrics"], (*path, "metrics"))
    yield from _sustained(each.get("sustained"), (*path, "sustained"))
    for at, run in enumerate(each["runs"]):
        yield from _run(run, (*path, "runs", at))
    if each["statistics"]:
        yield from _measured(each, path)
    yield from _keys(each.get("agreement"), ("with", "samples", "same"), (*path, "agreement"))
    yield from _quality(each.get("quality", {}), (*path, "quality"))
    other = each.get("agreement", {}).get("with", 0)
    if other >= max(count, 1):
        yield _problem((*path, "agreement", "with"), show(other), f"an index of one of the {count} configurations")


def _sustained(curve: Mapping[str, Any] | None, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with a heating curve."""
    if not curve:
        return
    yield from _figures({name: curve.get(name, ()) for name in ("slices", "heat")}, path, SMALLEST)
    yield from _figures(curve.get("resources", ()), (*path, "resources"), 0.0)
    interval = curve.get("heat", {}).get("steady_interval")
    yield from _intervals({"heat": {"interval": interval}}, path)


def _quality(found: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    yield from _keys(found, ("metric",), path)
    yield from _keys(found.get("gate"), ("limit", "passes"), (*path, "gate"))
    for at, each in enumerate(found.get("more", ())):
        yield from _keys(each, ("metric",), (*path, "more", at))


def _keys(value: Mapping[str, Any] | None, names: tuple[str, ...], path: Path) -> Iterator[Problem]:
    """Yield keys that an object lacks which is not empty."""
    for name in names if value else ():
        if value is not None and name not in value:
            yield Problem(path_text(path), f'missing key "{name}"', "add it, or leave the object empty")


def _measured(each: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    """Yield what a measured configuration lacks."""
    if TOTAL not in each["statistics"]:
        yield _problem((*path, "statistics"), f"no {TOTAL}", "the time of whole samples beside that of stages")
    if not any(run["samples"] and not run["superseded"] and TOTAL in run["statistics"] for run in each["runs"]):
        yield _problem((*path, "runs"), "none that was timed", "a run with the samples that the statistics are of")


def _run(run: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    for name in ("statistics", "cpu"):
        yield from _summaries(run[name], (*path, name))
    yield from _figures({name: run.get(name) for name in OF_RUN}, path, SMALLEST)
    lengths = {stage: block["count"] for stage, block in run["raw"].items()}
    if len(set(lengths.values())) > 1:
        yield _problem((*path, "raw"), f"stages of {_counts(lengths)} samples", "as many for each stage")
    if lengths and TOTAL not in lengths:
        yield _problem((*path, "raw"), f"no {TOTAL}", "the time of whole samples beside that of stages")


def _counts(lengths: Mapping[str, int]) -> str:
    return " and ".join(str(each) for each in sorted(set(lengths.values()))[:3])


def _summaries(summaries: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    """Yield values that are null without a reason, and intervals that end before they begin."""
    for stage, summary in summaries.items():
        for name in NULLABLE:
            if summary[name] is None and name not in summary["reasons"]:
                yield _problem((*path, stage, name), "null", "a number, or the reason under reasons")
    yield from _intervals(summaries, path)


def _intervals(by_name: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    for name, each in by_name.items():
        interval = each["interval"]
        if interval and interval["lower"] > interval["upper"]:
            ends = f"{show(interval['lower'])} to {show(interval['upper'])}"
            yield _problem((*path, name, "interval"), ends, "the lower end first")


def _lockstep(document: Mapping[str, Any]) -> Iterator[Problem]:
    pairs, configurations = document["lockstep"], document["configurations"]
    seen: set[int] = set()
    for at, pair in enumerate(pairs):
        path: Path = ("lockstep", at)
        for side in ("first", "second"):
            if pair[side] >= len(configurations):
                right = f"an index of one of the {len(configurations)} configurations"
                yield _problem((*path, side), show(pair[side]), right)
            elif pair["ratios"].get(TOTAL) and not configurations[int(pair[side])]["statistics"]:
                yield _problem((*path, side), show(pair[side]), "a configuration that was measured")
        if pair["first"] != pairs[0]["first"]:
            yield _problem((*path, "first"), show(pair["first"]), f"{pairs[0]['first']}, the reference of all pairs")
        if pair["second"] == pair["first"] or pair["second"] in seen:
            yield _problem((*path, "second"), show(pair["second"]), "a configuration that is in no other pair")
        seen.add(pair["second"])
        yield from _figures({name: pair.get(name, {}) for name in ("ratios", "first_ns")}, path, SMALLEST)


def _figures(value: Any, path: Path, smallest: float) -> Iterator[Problem]:
    """Yield numbers that are too large or too small to compute with, wherever they stand in a value."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _figures(each, (*path, name), smallest)
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _figures(each, (*path, at), smallest)
    elif isinstance(value, (int, float)) and value and not smallest <= abs(value) <= LARGEST:
        yield _problem(path, show(value), f"0, or a number from {SMALLEST:g} to {LARGEST:g}")


def _problem(path: Path, found: str, right: str) -> Problem:
    return Problem(path_text(path), f"found {found}", f"expected {right}")
