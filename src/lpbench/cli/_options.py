"""The options of measuring, and what their words mean."""

from __future__ import annotations

import argparse
import contextlib
import math
from typing import TYPE_CHECKING, Any, NoReturn

from lpbench.errors import UnknownNameError
from lpbench.results.settings import documentation
from lpbench.util.bounds import MOST
from lpbench.util.spans import read_cores
from lpbench.util.text import BRIEF, shorten
from lpbench.util.tiles import parse_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App

    Adds = argparse.ArgumentParser | argparse._ArgumentGroup  # noqa: SLF001 - argparse has no public name for it

TENSORS = "inputs of a bare model"
WORKERS = "worker processes"


def add_setting(group: Adds, flag: str, name: str, **how: Any) -> None:
    """Add the option of a setting: its help is the setting's documentation, its place in the options the name."""
    group.add_argument(flag, dest=name, help=documentation()[name], **how)


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add what says which engine runs, and how."""
    group = parser.add_argument_group("engine")
    add_setting(group, "--engine", "engine", type=names, action="extend", metavar="E,…")
    add_setting(group, "--convert", "convert", action=argparse.BooleanOptionalAction)
    add_setting(group, "--device", "device", metavar="D")
    add_setting(group, "--threads", "threads", type=from_zero, metavar="N")
    add_setting(group, "--set", "options", type=pair, action="append", metavar="KEY=VALUE")


def add_samples(parser: argparse.ArgumentParser, *, data: str = "--data") -> None:
    """Add what says how much is measured, and on what.

    :param data: What the option of the samples is called.
    """
    add_setting(parser, data, "data", metavar="DIR")
    add_setting(parser, "--number", "number", type=from_one, metavar="N")
    add_setting(parser, "--runs", "runs", type=from_one, metavar="R")


def add_workload(parser: Adds) -> None:
    """Add what says which of the app's models runs, and on how much at a time; an engine's own words win."""
    add_setting(parser, "--variant", "variant", metavar="NAME")
    add_setting(parser, "--tile", "tile", type=tile, metavar="WxH")
    add_setting(parser, "--batch", "batch", type=from_one, metavar="N")
    add_setting(parser, "--streams", "streams", type=from_one, metavar="S")


def add_resources(parser: argparse.ArgumentParser) -> None:
    """Add what says which resources are watched."""
    group = parser.add_argument_group("resources (lpbench monitors lists what can be watched here)")
    add_setting(group, "--resources", "resources", action="store_true")
    add_setting(group, "--monitor", "monitors", type=monitor, action="append", metavar="NAME:KEY=VALUE")
    add_setting(group, "--sustain", "sustain", type=above_zero, metavar="S")


def add_tensors(parser: argparse.ArgumentParser) -> None:
    """Add what says which inputs are generated for a bare model."""
    group = parser.add_argument_group(TENSORS)
    add_setting(group, "--shape", "shapes", type=shape, action="append", default=[], metavar="NAME=1,3,…")
    add_setting(group, "--range", "ranges", type=limits, action="append", default=[], metavar="NAME=LO,HI")
    add_setting(group, "--seed", "seed", type=from_zero, default=0, metavar="N")


def add_workers(parser: argparse.ArgumentParser, *, apart: bool = False) -> None:
    """Add how worker processes run.

    :param apart: Whether there must be such processes, which are compared on the spot: no yardstick is needed then.
    """
    group = parser.add_argument_group(WORKERS)
    add_setting(group, "--affinity", "affinity", type=cores, metavar="0,2-3")
    add_setting(group, "--priority", "priority", type=niceness, metavar="N")
    add_setting(group, "--timeout", "timeout", type=above_zero, metavar="S")
    add_setting(group, "--max-time", "max_time", type=above_zero, metavar="S")
    add_setting(group, "--retry-disturbed", "retry_disturbed", action="store_true")
    if not apart:
        add_setting(group, "--yardstick", "yardstick", action=argparse.BooleanOptionalAction)
        add_setting(group, "--isolate", "isolate", action=argparse.BooleanOptionalAction)


def arguments(options: argparse.Namespace, app: App) -> dict[str, Any]:
    """Return the options that were given as settings of a benchmark.

    :raises LpbenchError: None was asked for, and none can be found.
    """
    given = {name: getattr(options, name) for name in documentation() if getattr(options, name, None) is not None}
    given["options"] = engine_options(dict(given.get("options", ())), app, options.engine)
    given["monitors"] = monitor_options(given.get("monitors", ()))
    given["shapes"], given["ranges"] = dict(options.shapes), dict(options.ranges)
    given["convert"] = options.engine == ["all"] if options.convert is None else options.convert
    return given


def engine_options(texts: Mapping[str, str], app: App, asked: Sequence[str] | None) -> dict[str, Any]:
    """Return engine options with the types that the engines' configs want.

    :raises LpbenchError: None was asked for, and none can be found.
    """
    if not texts:
        return {}
    from lpbench.app.default_engine import default_engines
    from lpbench.jobs import engine_choice
    from lpbench.plugin import registry, specs
    from lpbench.plugin.configuration import engine_name
    from lpbench.util import dataclass_config

    every = registry.current().all(registry.ENGINES)
    chosen = (
        list(every)
        if asked == [engine_choice.ALL]
        else asked or [default_engines(app)[app.components[0].name].spec.name]
    )
    typed: dict[str, Any] = dict(texts)
    for name in chosen:
        with contextlib.suppress(UnknownNameError):  # benchmark says so
            spec = registry.current().get(registry.ENGINES, engine_name(name)).spec
            typed.update(dataclass_config.parse(specs.load(spec.config, who=spec.name), texts) if spec.config else {})
    return typed


def monitor_options(given: Sequence[tuple[str, Mapping[str, str]]]) -> dict[str, Mapping[str, Any]]:
    """Return the options of monitors with the types that their configs want; those of a name twice are joined."""
    if not given:
        return {}
    from lpbench.plugin import registry, specs
    from lpbench.util import dataclass_config

    every = registry.current().all(registry.MONITORS)
    found: dict[str, Mapping[str, Any]] = {}
    for name, texts in given:
        config = every[name].spec.config if name in every else ""  # benchmark says that there is none
        typed = dataclass_config.parse(specs.load(config, who=name), texts) if config else dict(texts)
        found[name] = {**found.get(name, {}), **typed}
    return found


def converter_options(texts: Mapping[str, str], to: str) -> dict[str, Any]:
    """Return options with the types that the configs of the converters to a format want."""
    if not texts:
        return {}
    from lpbench.errors import PluginError
    from lpbench.plugin import registry
    from lpbench.plugin.converter_options import kind_of
    from lpbench.util import dataclass_config

    typed: dict[str, Any] = dict(texts)
    for offer in registry.offers_where(registry.CONVERTERS, lambda spec: bool(spec.config) and spec.writes == to):
        with contextlib.suppress(PluginError):  # the converter that is chosen says so itself; others do not matter
            typed |= dataclass_config.parse(kind_of(offer.spec.config, offer.spec.name), texts)
    return typed


def monitor(text: str) -> tuple[str, Mapping[str, str]]:
    """Return ``meter:file=power.csv:offset=0.4`` as a name and options; a part without ``=`` ends the one before."""
    from lpbench.errors import LpbenchError
    from lpbench.plugin.engine_options import pairs

    name, *parts = text.split(":")
    try:
        return (name, pairs(text, parts)) if name else _refuse(text, "NAME:KEY=VALUE")
    except LpbenchError:
        return _refuse(text, "NAME:KEY=VALUE, such as meter:file=power.csv:offset=0.4")


def names(text: str) -> list[str]:
    """Return ``a,b`` as a list, each once."""
    found = list(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))
    return found or _refuse(text, "names with commas between")


def levels(text: str) -> tuple[str, list[str]]:
    """Return ``bits=4,8`` as a name and its values."""
    name, listed = pair(text)
    return name, names(listed)


def whole_numbers(text: str) -> list[int]:
    """Return ``1,2,4`` as numbers of at least 1."""
    return [from_one(each) for each in names(text)]


def pair(text: str) -> tuple[str, str]:
    """Return ``KEY=VALUE`` as a pair."""
    key, equals, value = text.partition("=")
    return (key, value) if key and equals else _refuse(text, "KEY=VALUE")


def conditions(text: str) -> dict[str, str]:
    """Return ``engine=ncnn,threads=2`` as values by column."""
    return dict(map(pair, names(text)))


SCALAR = "=scalar"
"""End of a shape without dimensions."""


def shape(text: str) -> tuple[str, list[int]]:
    """Return ``NAME=1,3,224,224`` as a name and its dimensions; ``NAME=scalar`` has none."""
    expected = "NAME=1,3,224,224, every dimension 1 or more, or NAME=scalar"
    if text.endswith(SCALAR) and text != SCALAR:
        return text.removesuffix(SCALAR), []
    name, sizes = _named(text, int, expected)
    return (name, sizes) if all(size > 0 for size in sizes) else _refuse(text, expected)


def limits(text: str) -> tuple[str, list[float]]:
    """Return ``NAME=LO,HI`` as a name and two numbers."""
    expected = "NAME=LO,HI, finite numbers with LO below HI"
    name, ends = _named(text, float, expected)
    fits = len(ends) == 2 and ends[0] < ends[1] and math.isfinite(ends[1] - ends[0])  # noqa: PLR2004 - a pair
    return (name, ends) if fits else _refuse(text, expected)


def cores(text: str) -> tuple[int, ...]:
    """Return ``0,2-3`` as core numbers, in order and each once."""
    try:
        return read_cores(text, most=MOST["affinity"])
    except ValueError:
        return _refuse(text, f"core numbers such as 0,2-3, the greatest {MOST['affinity']}")


def tile(text: str) -> tuple[int, int]:
    """Return ``224x224`` as width and height."""
    try:
        return parse_tile(text)
    except ValueError:
        return _refuse(text, "two sizes such as 224x224")


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
    raise argparse.ArgumentTypeError(f'found "{shorten(text, BRIEF)}"; expected {expected}')
