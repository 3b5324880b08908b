"""What a sweep is asked for: apps and axes, from arguments or a plan file; contradictions are refused before anything.

The keys of a plan file are the fields of ``SweepPlan``; a single value stands for a list of one.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin, get_type_hints

from lpbench.errors import ConfigError, LpbenchError, either
from lpbench.jobs.sweep._words import is_offered
from lpbench.plugin.engine_options import elsewhere, of_another_app, pairs
from lpbench.results.settings import RunSettings
from lpbench.results.sweep import Asked
from lpbench.util import dataclass_config
from lpbench.util.bounds import refuse_outside
from lpbench.util.regular_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLAN_LIMIT = 1 << 20
"""Bytes of a plan file."""
PRECISIONS = ("F32", "F16", "BF16", "S8", "U8")
"""The glossary's names."""
TILE = re.compile(r"[1-9]\d{0,4}x[1-9]\d{0,4}")
MOST_CONFIGURATIONS = 20_000
"""A sweep of a month."""
MOST_VALUES = 100_000
"""Of one hyper-parameter, from which a sample is drawn."""
AXES = {"engines": "engine", "devices": "device", "threads": "threads", "precisions": "precision", "tiles": "tile"}
AXES |= {"batches": "batch", "streams": "streams"}
"""The axes beside the apps, each with the word of an engine that it sets."""
LEAST_MB = 100
"""Less memory than that starts no Python."""
CONFIGURATION_S = 13.0
"""Seconds that measuring one configuration may take where nothing else was asked for."""


def _axis(*default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True)
class SweepPlan:
    """A sweep as it was asked for; what an empty axis would say is left to the app and the engines."""

    apps: tuple[str, ...] = _axis(doc="apps: folders, catalogue names or model files; or one algorithm")
    engines: tuple[str, ...] = _axis("all", doc='engines, E:KEY=VALUE with options of its own, or "all" (all)')
    devices: tuple[str, ...] = _axis(doc="devices in the engines' own words (the engine decides)")
    threads: tuple[int, ...] = _axis(1, doc="numbers of threads (1)")
    precisions: tuple[str, ...] = _axis(doc="precisions: F32, F16, BF16, S8, U8 (the engine's default)")
    tiles: tuple[str, ...] = _axis(doc="tiles, width x height such as 224x224 (the model's own)")
    batches: tuple[int, ...] = _axis(1, doc="samples that the model takes at a time (1)")
    streams: tuple[int, ...] = _axis(1, doc="parallel sessions (1)")
    values: Mapping[str, tuple[int | float | str, ...]] = field(
        default_factory=dict,
        metadata={"doc": "values of an algorithm's hyper-parameters and inputs (all that it takes)"},
    )
    sample: int | None = field(
        default=None, metadata={"doc": "measure so many, drawn as a Latin hypercube (all combinations)"}
    )
    seed: int = field(default=0, metadata={"doc": "seed of what is drawn, and of synthetic samples (0)"})
    reference: str = field(
        default="", metadata={"doc": "the engine that every block is compared with (the app's own, on one thread)"}
    )
    block: int = field(default=4, metadata={"doc": "configurations that take turns with the reference (4)"})
    convert: bool = field(
        default=True,
        metadata={"doc": "convert models first where an engine or a precision needs it (yes)"},
    )
    data: str | None = field(default=None, metadata={"doc": "samples: a folder or one file (the app's own)"})
    quality: bool = field(default=False, metadata={"doc": "evaluate predictions on labelled data"})
    resources: bool = field(default=False, metadata={"doc": "watch memory, load, temperature and power"})
    runs: int | None = field(default=None, metadata={"doc": "fresh processes for each configuration (8, or fewer)"})
    number: int | None = field(default=None, metadata={"doc": "inferences of each configuration, in all"})
    max_time: float | None = field(default=None, metadata={"doc": "target in seconds for each configuration (13)"})
    timeout: float = field(
        default=300.0, metadata={"doc": "seconds without an answer after which a worker counts as hung (300)"}
    )
    memory: float | None = field(
        default=None, metadata={"doc": "most memory that a run of an algorithm may take, in MB (8192)"}
    )

    def __post_init__(self) -> None:
        _refuse_empty(self)
        if self.memory is not None and self.memory < LEAST_MB:
            raise ConfigError(f"memory: found {self.memory:g}", hint=f"it takes {LEAST_MB} or more, in MB")
        _refuse_values(self)
        _refuse_twice(self)
        self.settings((), 1)

    @classmethod
    def of(cls, given: Mapping[str, Any], *, where: str = "") -> SweepPlan:
        """Return a plan from what a caller or a file says; None stands for the default.

        :param where: The file, for errors.
        :raises ConfigError: A key or a value is none, or two contradict each other.
        """
        known = {name: _listed(name, value) for name, value in given.items() if value is not None}
        try:
            return dataclass_config.build(cls, known, where=where)
        except LpbenchError as error:
            if not error.where.startswith(where):  # a contradiction, which is told without its file
                error.where = ": ".join(filter(None, (where, error.where)))
            raise

    @property
    def axes(self) -> tuple[tuple[Any, ...], ...]:
        """The levels of the apps and of each axis; one level of None where the plan names none."""
        return (self.apps, *(getattr(self, name) or (None,) for name in AXES))

    @property
    def combinations(self) -> int:
        """How many configurations the whole product has."""
        count = 1
        for levels in self.axes:
            count *= len(levels)
        return count

    def asked(self, levels: Sequence[int]) -> Asked:
        """Return a configuration by the index of its level on each axis."""
        values = [axis[at] for axis, at in zip(self.axes, levels, strict=True)]
        names = ["app", *AXES.values()]
        return Asked(**{name: value for name, value in zip(names, values, strict=True) if value is not None})

    def settings(self, engines: Iterable[str], configurations: int) -> RunSettings:
        """Return the settings that measure some configurations in turns.

        :param engines: In words, the reference first.
        :param configurations: How many these are.
        """
        return RunSettings.of(
            {
                "engine": tuple(engines),
                "data": self.data,
                "quality": self.quality,
                "resources": self.resources,
                "runs": self.runs,
                "number": self.number,
                "seed": self.seed,
                "timeout": self.timeout,
                "max_time": configurations * (self.max_time or CONFIGURATION_S),
            }
        )

    def beside_apps(self) -> list[str]:
        """Return the names of the fields that an algorithm alone has and that say something."""
        return [name for name in ("values", "memory") if getattr(self, name)]

    def differing(self, other: SweepPlan) -> list[str]:
        """Return the names of the fields in which another plan asks for something else."""
        return [each.name for each in dataclasses.fields(self) if getattr(self, each.name) != getattr(other, each.name)]


def documentation() -> dict[str, str]:
    """Return what each field of a plan means, by its name."""
    return {each.name: str(each.metadata["doc"]) for each in dataclasses.fields(SweepPlan)}


def read_plan(path: Path) -> SweepPlan:
    """Return the plan in a TOML file; relative paths of apps and data in it start at its folder.

    :raises ConfigError: It cannot be read, is no TOML, or contradicts itself.
    """
    text = read_regular(path, limit=PLAN_LIMIT, error=ConfigError)
    given = toml(text, str(path))
    for name in ("apps", "data"):
        if name in given:
            given[name] = _beside(given[name], path.parent.resolve())
    return SweepPlan.of(given, where=str(path))


def toml(text: bytes, where: str) -> dict[str, Any]:
    """Return what a file of TOML says.

    :raises ConfigError: It is none.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        found: dict[str, Any] = tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:  # of its syntax, and of characters that are none
        hint = 'a plan has lines such as engines = ["onnxruntime"] and threads = [1, 2]'
        raise ConfigError(f"is no TOML: {error}", where=where, hint=hint) from error
    return found


def _beside(value: Any, folder: Path) -> Any:
    """Return paths as the plan's folder has them; names of the catalogue stay as they are."""
    if isinstance(value, list):
        return [_beside(each, folder) for each in value]
    is_path = isinstance(value, str) and not is_offered(value) and (folder / value).exists()
    return str(folder / value) if is_path else value


def _listed(name: str, value: Any) -> Any:
    """Return one value of an axis as a list of one, sequences as lists, paths as text."""
    if name == "values" and isinstance(value, Mapping):
        return {each: _several(f"values.{each}", some) for each, some in value.items()}
    if get_origin(get_type_hints(SweepPlan).get(name)) is not tuple:
        return str(value) if isinstance(value, Path) else value
    several = value if isinstance(value, (list, tuple)) else [value]
    return [str(each) if isinstance(each, Path) else each for each in several]


def _several(where: str, value: Any) -> list[Any]:
    """Return values as a list; one value as a list of one.

    :raises ConfigError: There are too many: a range has any number of them.
    """
    if not isinstance(value, (list, tuple, range)):
        return [value]
    if value[MOST_VALUES : MOST_VALUES + 1]:
        raise ConfigError(f"{where} has more than {MOST_VALUES} values", hint="name fewer, or leave them to a sample")
    return list(value)


def _refuse_empty(plan: SweepPlan) -> None:
    for name in ("apps", "engines", "threads", "batches", "streams"):
        if not getattr(plan, name):
            raise ConfigError(f"{name} has no entry", hint=f"name one: {documentation()[name]}")
    fewest = {"sample": plan.sample, "block": plan.block, "threads": min(plan.threads)}
    fewest |= {"batches": min(plan.batches), "streams": min(plan.streams)}
    for name, value in fewest.items():
        if value is not None and value < 1:
            raise ConfigError(f"{name}: found {value}", hint="it takes 1 or more")


def _refuse_values(plan: SweepPlan) -> None:
    """Refuse what no engine takes, an axis that an engine's own words set too, and more than can be measured."""
    for name, values in (("threads", plan.threads), ("batch", plan.batches), ("streams", plan.streams)):
        refuse_outside(name, values)
    refuse_outside("seed", plan.seed)
    for precision in plan.precisions:
        if precision not in PRECISIONS:
            raise ConfigError(f'precisions: found "{precision}"', hint=f"it takes {', '.join(PRECISIONS)}")
    for tile in plan.tiles:
        if not TILE.fullmatch(tile):
            raise ConfigError(f'tiles: found "{tile}"', hint="it takes width x height, such as 224x224")
    for words in (*plan.engines, *filter(None, [plan.reference])):
        _refuse_words(plan, words)
    count = plan.sample or plan.combinations
    if count > MOST_CONFIGURATIONS:
        what = f"the plan has {count} configurations; a sweep measures at most {MOST_CONFIGURATIONS}"
        raise ConfigError(what, hint=f"draw some of them: {either('--sample 200', 'sample=200')}")


def _refuse_words(plan: SweepPlan, words: str) -> None:
    name, *own = words.split(":")
    if "@" in name:
        raise elsewhere(words)
    given = pairs(words, own)
    if "app" in given:
        raise of_another_app(words)
    if name == "all" and (own or len(plan.engines) > 1):
        raise ConfigError('"all" stands for every engine and is named alone', where=words, hint="leave the others out")
    for axis, option in AXES.items():
        if option in given and words != plan.reference and getattr(plan, axis) not in ((), (1,)):
            raise ConfigError(f"{option} is set in the engine's words and by {axis}", where=words, hint="set it once")


def _refuse_twice(plan: SweepPlan) -> None:
    for name in ("apps", *AXES):
        values = getattr(plan, name)
        twice = next((value for at, value in enumerate(values) if value in values[:at]), None)
        if twice is not None:
            raise ConfigError(f"{name} has {twice} twice", hint="name each once")
