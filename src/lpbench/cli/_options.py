"""The options of measuring, and what their words mean."""

from __future__ import annotations

import argparse
import contextlib
from typing import TYPE_CHECKING, Any, NoReturn

from lpbench.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App

TENSORS = "inputs of a bare model"
WORKERS = "worker processes"


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add what says which engine runs, and how."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine",
        type=names,
        action="extend",
        metavar="E,…",
        help='one or several, or "all"; E:threads=2 gives one options of its own',
    )
    group.add_argument(
        "--convert",
        action=argparse.BooleanOptionalAction,
        help="convert the model, once and checked, for engines that do not read it (with --engine all: yes)",
    )
    group.add_argument("--device", metavar="D", help="cpu, cuda:0, …: what the engine calls it")
    group.add_argument("--threads", type=from_zero, metavar="N", help="threads of the engine")
    group.add_argument(
        "--set", type=pair, action="append", default=[], metavar="KEY=VALUE", help="any other option of the engine"
    )


def add_tensors(parser: argparse.ArgumentParser) -> None:
    """Add what says which inputs are generated for a bare model."""
    group = parser.add_argument_group(TENSORS)
    group.add_argument(
        "--shape", type=shape, action="append", default=[], metavar="NAME=1,3,…", help="fix the open dimensions"
    )
    group.add_argument(
        "--range", type=limits, action="append", default=[], metavar="NAME=LO,HI", help="values from LO to below HI"
    )
    group.add_argument("--seed", type=from_zero, default=0, metavar="N", help="of the synthetic values (0)")


def add_workers(parser: argparse.ArgumentParser, *, apart: bool = False) -> None:
    """Add how worker processes run.

    :param apart: Whether there must be such processes, which are compared on the spot.
    """
    group = parser.add_argument_group(WORKERS)
    group.add_argument("--affinity", type=cores, default=(), metavar="0,2-3", help="cores that they may use")
    group.add_argument(
        "--priority", type=niceness, metavar="N", help="niceness from -20 (first, needs rights) to 19 (last)"
    )
    group.add_argument(
        "--timeout", type=above_zero, default=300.0, metavar="S", help="seconds without an answer that mean hung (300)"
    )
    group.add_argument(
        "--max-time", type=above_zero, metavar="S", help="seconds that measuring may take, a goal (13 for each engine)"
    )
    group.add_argument("--retry-disturbed", action="store_true", help="repeat a run that other processes disturbed")
    if apart:  # a verdict on the spot needs no yardstick, and its turns take time from the others'
        parser.set_defaults(no_isolate=False, no_yardstick=True)
    else:
        group.add_argument("--no-yardstick", action="store_true", help="no fixed kernel beside, for comparisons later")
        group.add_argument("--no-isolate", action="store_true", help="measure in this process: a crash ends it")


def arguments(options: argparse.Namespace, app: App) -> dict[str, Any]:
    """Return the options as arguments of ``lpbench.benchmark``.

    :raises LpbenchError: None was asked for, and none can be found.
    """
    return {
        "data": options.data,
        "number": options.number,
        "runs": options.runs,
        "percentile": options.percentile,
        "engine": options.engine,
        "convert": options.engine == ["all"] if options.convert is None else options.convert,
        "device": options.device,
        "threads": options.threads,
        "options": engine_options(dict(options.set), app, options.engine),
        "shapes": dict(options.shape),
        "seed": options.seed,
        "affinity": options.affinity,
        "priority": options.priority,
        "timeout": options.timeout,
        "max_time": options.max_time,
        "isolate": False if options.no_isolate else None,
        "explain": options.explain,
        "batch": options.batch,
        "streams": options.streams,
        "draw": getattr(options, "draw", None),
        "quality": getattr(options, "quality", None) or False,
        "retry_disturbed": options.retry_disturbed,
        "yardstick": not options.no_yardstick,
    }


def engine_options(texts: Mapping[str, str], app: App, asked: Sequence[str] | None) -> dict[str, Any]:
    """Return engine options with the types that the engines' configs want.

    :raises LpbenchError: None was asked for, and none can be found.
    """
    if not texts:
        return {}
    from lpbench.jobs import engine_choice
    from lpbench.plugin import registry, specs
    from lpbench.util import dataclass_config

    every = registry.current().all(registry.ENGINES)
    chosen = list(every) if asked == [engine_choice.ALL] else asked or [engine_choice.preferred(app)]
    typed: dict[str, Any] = dict(texts)
    for name in chosen:
        with contextlib.suppress(UnknownNameError):  # benchmark says so, and measures the others
            spec = registry.current().get(registry.ENGINES, name.partition(":")[0]).spec
            typed.update(dataclass_config.parse(specs.load(spec.config, who=spec.name), texts) if spec.config else {})
    return typed


def names(text: str) -> list[str]:
    """Return ``a,b`` as a list, each once."""
    found = list(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))
    return found or _refuse(text, "names with commas between")


def pair(text: str) -> tuple[str, str]:
    """Return ``KEY=VALUE`` as a pair."""
    key, equals, value = text.partition("=")
    return (key, value) if key and equals else _refuse(text, "KEY=VALUE")


def shape(text: str) -> tuple[str, list[int]]:
    """Return ``NAME=1,3,224,224`` as a name and its dimensions."""
    expected = "NAME=1,3,224,224, every dimension 1 or more"
    name, sizes = _named(text, int, expected)
    return (name, sizes) if all(size > 0 for size in sizes) else _refuse(text, expected)


def limits(text: str) -> tuple[str, list[float]]:
    """Return ``NAME=LO,HI`` as a name and two numbers."""
    expected = "NAME=LO,HI with LO below HI"
    name, ends = _named(text, float, expected)
    return (name, ends) if len(ends) == 2 and ends[0] < ends[1] else _refuse(text, expected)  # noqa: PLR2004 - a pair


def cores(text: str) -> tuple[int, ...]:
    """Return ``0,2-3`` as core numbers, in order and each once."""
    expected = "core numbers such as 0,2-3"
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            found.update(range(int(first), int(last if dash else first) + 1))
        except ValueError:
            _refuse(text, expected)
    return tuple(sorted(found)) or _refuse(text, expected)


def from_one(text: str) -> int:
    """Return a whole number, 1 or more."""
    return _whole(text, lambda found: found >= 1, "a whole number, 1 or more")


def from_zero(text: str) -> int:
    """Return a whole number, 0 or more."""
    return _whole(text, lambda found: found >= 0, "a whole number, 0 or more")


def niceness(text: str) -> int:
    """Return a priority of Unix."""
    return _whole(text, lambda found: -20 <= found <= 19, "a whole number from -20 to 19")  # noqa: PLR2004 - setpriority(2)


def above_zero(text: str) -> float:
    """Return a number of seconds."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    return found if 0 < found < float("inf") else _refuse(text, "a number of seconds above 0")


def percentage(text: str) -> float:
    """Return a percentile such as 99.9."""
    try:
        found = float(text.removeprefix("p"))
    except ValueError:
        found = 0.0
    return found if 0 < found < 100 else _refuse(text, "a percentile above 0 and below 100")  # noqa: PLR2004 - percent


def share(text: str) -> float:
    """Return ``5%`` or ``0.05`` as 0.05."""
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = -1.0
    return found if 0 <= found < float("inf") else _refuse(text, "a share such as 5% or 0.05")


def _named(text: str, kind: Callable[[str], Any], expected: str) -> tuple[str, list[Any]]:
    """Return ``NAME=a,b`` as a name and values; a tensor's name may hold ``=`` itself."""
    name, equals, values = text.rpartition("=")
    try:
        return (name, [kind(each) for each in values.split(",")]) if name and equals else _refuse(text, expected)
    except ValueError:
        return _refuse(text, expected)


def _whole(text: str, keep: Callable[[int], bool], expected: str) -> int:
    try:
        found = int(text)
    except ValueError:
        return _refuse(text, expected)
    return found if keep(found) else _refuse(text, expected)


def _refuse(text: str, expected: str) -> NoReturn:
    raise argparse.ArgumentTypeError(f'found "{text}"; expected {expected}')
