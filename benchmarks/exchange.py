"""CPU time for 100,000 rows to be exported from a sweep and imported again, beside what plain lines of ``csv`` take.

The plain lines write the same cells, and read them back as floats and texts: no check, no repair, no reasons.

    python benchmarks/exchange.py [--rows 100000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.results.exchange import import_dataset, pair_of, write_pair
from lpbench.results.run import Metric
from lpbench.results.sweep import TARGETS, Asked, Sweep, SweepRow

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_S = 10.0
"""Seconds for an export and an import of 100,000 rows."""
ROWS = 100_000
ENGINES = ("lne", "ncnn", "onnxruntime", "tensorrt")
MISSING = 0.1
"""Share of rows that have no power."""


def sweep_of(rows: int) -> Sweep:
    """Return a sweep with a figure in every column."""
    chance = random.Random(1)  # noqa: S311 - figures of a benchmark
    return Sweep(Path("night"), tuple(_row(number, chance) for number in range(rows)), {}, (1, 1))


def _row(number: int, chance: random.Random) -> SweepRow:
    values: dict[str, float | None] = {name: chance.uniform(1, 50) for name in TARGETS}
    values |= {f"{name}_PEAK": 50.0 + number for name in ("CPU_MEM", "GPU_MEM", "MEMORY_BANDWIDTH")}
    values |= {"GFLOP": 0.6, "#PARAMS": 3.5, "STORAGE": 14.0, "QUALITY_VALUE": 71.8}
    if chance.random() < MISSING:
        values["POWER_CONSUMPTION"] = None
    engine = ENGINES[number % len(ENGINES)]
    facts: dict[str, str | int] = {"MODEL": f"net-{number}", "VERSION": "default", "INPUT_TILE": "224x224"}
    facts |= {"ENGINE": engine, "PROCESSOR": "GPU", "PRECISION": "F32", "THREADS": 1 + number % 4}
    metrics = {name: Metric(value, "", reason="" if value else "no sensor") for name, value in values.items()}
    return SweepRow(number, Asked("net", engine), engine, "OK", "", facts, metrics)


def export(sweep: Sweep, folder: Path) -> None:
    """Write a sweep as a pair."""
    write_pair(pair_of(sweep, "net", "pc")[0], folder)


def plain_export(file: Path, header: list[str], rows: list[list[object]]) -> None:
    """Write cells as a few lines of Python do."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def plain_import(file: Path, words: int) -> list[list[object]]:
    """Read cells as a few lines of Python do.

    :param words: Columns of text; the others are numbers or empty.
    """
    with file.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        next(reader)
        return [[*row[:words], *(float(cell) if cell else None for cell in row[words:])] for row in reader]


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of a call: machines are shared."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> int:
    """Take turns, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sweep = sweep_of(options.rows)
    pair, _ = pair_of(sweep, "net", "pc")
    header = list(pair.columns)
    cells = [list(row) for row in zip(*pair.columns.values(), strict=True)]
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as place:
            ours, plain = Path(place) / "ours", Path(place) / "plain.csv"
            turns: dict[str, Callable[[], object]] = {
                "export": partial(export, sweep, ours),
                "plain export": partial(plain_export, plain, header, cells),
                "import": partial(import_dataset, ours, Path(place) / "taken"),
                "plain import": partial(plain_import, plain, header.index("THREADS")),
            }
            for name, work in turns.items():
                taken[name].append(seconds(work))
    median = {name: statistics.median(each) for name, each in taken.items()}
    for name in ("export", "import"):
        ratio = statistics.median(one / other for one, other in zip(taken[name], taken[f"plain {name}"], strict=True))
        print(f"{name}: {median[name]:.2f} s, {ratio:.1f} times the {median[f'plain {name}']:.2f} s of plain csv")
    together = median["export"] + median["import"]
    limit = LIMIT_S * options.rows / ROWS
    print(f"{options.rows} rows of {len(header)} columns: {together:.2f} s of at most {limit:.0f} s")
    return int(together > limit)


if __name__ == "__main__":
    raise SystemExit(main())
