"""Mistakes in what is asked of engines, found before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, LpbenchError, NotInstalledError, PluginError, UnknownNameError
from lpbench.jobs.engine_choice import ALL, is_everything, names
from lpbench.jobs.environments import Around, OfferElsewhere
from lpbench.plugin import registry
from lpbench.plugin.configuration import engine_name
from lpbench.plugin.engine_options import EngineWords, options_of
from lpbench.util.portable import allowed_cores, binds_to_cores
from lpbench.util.spans import write_cores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.jobs.environments import Environments


def refuse_mistakes(
    engines: Sequence[str] | None, options: Mapping[str, Any], environments: Environments | None = None
) -> None:
    """Raise for an engine that nobody offers and for an option that it does not have, before anything is done.

    An engine that is known and not ready here is no mistake; one that is not ready in an environment that was named
    is, since that environment was named for it.

    :param options: Options for every engine.  Of ``ALL``, those that lack one are left out with the reason; an error
        is an option that none has.
    :raises LpbenchError: Naming the nearest engine or option.
    """
    if not engines:
        return
    refusals = [_mistake(words, options, environments) for words in names(engines)]
    first = next(filter(None, refusals), None)
    if first is not None and (not is_everything(engines) or all(refusals)):
        raise first


def is_mistake(error: LpbenchError, engines: Sequence[str] | None) -> bool:
    """Say whether an engine that was named refuses an option: no reason to go on with the others.

    Only some libraries know what devices there are; of ``ALL``, one that lacks the device is left out.
    """
    return isinstance(error, ConfigError) and not is_everything(engines)


def _mistake(text: str, options: Mapping[str, Any], environments: Environments | None) -> LpbenchError | None:
    name = engine_name(text)
    try:
        if "@" in text.partition(":")[0]:
            return _mistake_elsewhere(EngineWords.of(text), options, environments)
        spec = registry.current().get(registry.ENGINES, name).spec
        words = EngineWords.of(text)
        _refuse_cores(name, words.common.get("affinity", ()))
        options_of(spec, words, options)
        if environments is None:  # only a benchmark has several apps
            Around().app(words)
    except (NotInstalledError, PluginError):  # known; ``targets`` says why it cannot be used
        return None
    except UnknownNameError as error:
        if name == ALL:
            return LpbenchError(f'"{ALL}" stands for every engine and is named alone', hint="leave the others out")
        if "=" in name:  # what stands behind a comma is another engine
            error.hint = f"a second option of an engine follows a colon: ENGINE:key=value:{text}"
        elif name.replace("-", "").isdecimal():
            error.hint = "a comma separates engines: sizes are written 1x3x224x224, and cores 0+2"
        return error
    except LpbenchError as error:
        return error
    return None


def _mistake_elsewhere(
    words: EngineWords, options: Mapping[str, Any], environments: Environments | None
) -> LpbenchError | None:
    """Return what is wrong with an environment that was named, or with what is asked of the engine there."""
    _refuse_cores(words.name, words.common.get("affinity", ()))
    try:
        offer = Around(environments=environments).offer(words)
        if isinstance(offer, OfferElsewhere):
            offer.choose(words.options, options)
    except LpbenchError as error:
        return error
    return None


def _refuse_cores(engine: str, cores: Sequence[int]) -> None:
    """Refuse cores that this process may not use, where the system binds processes to cores; a worker says so else."""
    allowed = allowed_cores()
    if binds_to_cores() and (lacking := [core for core in cores if core not in allowed]):
        what = f"found {write_cores(lacking)}, which this process may not use"
        raise ConfigError(what, where=f"affinity of {engine}", hint=f"cores here: {write_cores(allowed)}")
