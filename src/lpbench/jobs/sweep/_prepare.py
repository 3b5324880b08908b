"""What is done once before a sweep begins: apps are found, models converted, combinations that cannot be told apart.

Nothing is measured yet; what cannot be measured gets its reason here as far as that is known without opening a model.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lpbench.app import resolve
from lpbench.app.default_engine import default_engines, installed, require_ready
from lpbench.errors import AmbiguousEngineError, EngineError, LpbenchError, UnavailableEngineError, setting
from lpbench.jobs import engine_choice, engine_mistakes
from lpbench.jobs.sweep._product import configurations
from lpbench.jobs.sweep._queue import Entry, SweptApp
from lpbench.jobs.sweep._words import reference_words, same, words_of
from lpbench.plugin import registry
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.plugin.engine_options import pairs
from lpbench.results.sweep import IMPOSSIBLE, Asked
from lpbench.util.tiles import parse_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App
    from lpbench.jobs.sweep._plan import SweepPlan

    Tell = Callable[[str, str], None]
    """Called with an app and what is done for it."""


@dataclass(frozen=True)
class Need:
    """A model that an engine needs.

    :param engine: The engine's own name.
    :param variant: Of the app's models; empty for its own.
    :param tile: Width and height of the first component's image input; None for its own.
    """

    engine: str
    variant: str
    tile: tuple[int, int] | None

    @classmethod
    def of(cls, words: str) -> Need:
        """Return what an engine needs by its words.

        :raises LpbenchError: They are none, or nobody offers the engine.
        """
        name, *own = words.split(":")
        given = pairs(words, own)
        spec = registry.current().get(registry.ENGINES, name).spec
        tile = given.get("tile")
        return cls(spec.name, given.get("variant", ""), None if tile is None else parse_tile(tile))


@dataclass(frozen=True)
class Prepared:
    """An app that is ready to be measured.

    :param app: With the models that were converted.
    :param digest: Of the app without them.
    :param failed: Why a model could not be made.
    :param to_convert: Whether what can be converted is still to be.
    :param converts: Whether the plan has models converted at all.
    """

    app: App
    digest: str
    failed: Mapping[Need, LpbenchError] = field(default_factory=dict)
    to_convert: bool = False
    converts: bool = False


def engines_of(plan: SweepPlan) -> tuple[str, ...]:
    """Return the engines of a plan; of ``all``, every one that is known.

    :raises LpbenchError: Nobody offers one, or it has no such option.
    """
    if plan.engines == (engine_choice.ALL,):
        return tuple(registry.current().all(registry.ENGINES))
    engine_mistakes.refuse_mistakes(plan.engines, {})
    return plan.engines


def asked_of(plan: SweepPlan) -> list[Asked]:
    """Return every configuration of a plan, the engines by their names."""
    return configurations(dataclasses.replace(plan, engines=engines_of(plan)))


def words_by_app(plan: SweepPlan) -> dict[str, list[str]]:
    """Return the words of all configurations of a plan that have any, by app, with those of the reference."""
    found: dict[str, list[str]] = {word: [plan.reference] if plan.reference else [] for word in plan.apps}
    for asked in asked_of(plan):
        with contextlib.suppress(LpbenchError):  # it is a row with the reason
            found[asked.app].append(words_of(asked))
    return found


def prepared(word: str, engines: Sequence[str], plan: SweepPlan, tell: Tell) -> Prepared:
    """Find an app, and convert its models for engines with their variants and tiles.

    :param word: As the plan has it.
    :param engines: In words.
    """
    app = found(word, plan).app
    digest = original(app).digest()
    failed: dict[Need, LpbenchError] = {}
    for need in _needs(engines) if plan.convert else ():
        app, errors = _supplied(app, need, tell)
        for error in errors.values():  # of the one engine
            failed[need] = error
    return Prepared(app, digest, failed, converts=plan.convert)


def digests(plan: SweepPlan) -> dict[str, str]:
    """Return what the apps of a plan are now, by their words."""
    apps = {word: resolve.resolve(word, shapes={}, ranges={}, seed=plan.seed) for word in plan.apps}
    return {word: original(app).digest() for word, app in apps.items()}


def found(word: str, plan: SweepPlan) -> Prepared:
    """Find an app, and convert nothing yet.

    :raises AppError: There is no such app, or no samples for it where the plan has them.
    """
    app = resolve.resolve(word, shapes={}, ranges={}, seed=plan.seed)
    resolve.sample_files(app, plan.data)  # none of its rows could be measured without them
    return Prepared(app, "", to_convert=plan.convert, converts=plan.convert)


def _needs(engines: Sequence[str]) -> list[Need]:
    """Return what engines need, each once."""
    needs: dict[Need, None] = {}
    for words in engines:
        with contextlib.suppress(LpbenchError, ValueError):  # it is a row with the reason
            needs[Need.of(words)] = None
    return list(needs)


def _supplied(app: App, need: Need, tell: Tell) -> tuple[App, dict[str, LpbenchError]]:
    from lpbench.jobs.conversion import supply

    return supply(
        app,
        engine_choice.usable(app, [need.engine]),
        shapes={},
        variant=need.variant,
        tile=need.tile,
        progress=lambda name, step: tell(app.name, f"{name}: {step}"),
    )


def original(app: App) -> App:
    """Return an app without its conversions, which may be made at any time."""
    components = (
        dataclasses.replace(each, models=tuple(model for model in each.models if not model.provenance))
        for each in app.components
    )
    return dataclasses.replace(app, components=tuple(components))


def reference_of(app: App, plan: SweepPlan) -> str:
    """Return the words of what all configurations of an app are compared with.

    :raises LpbenchError: It cannot be measured.
    """
    words = plan.reference
    if not words:
        try:
            words = default_engines(app)[app.components[0].name].spec.name
        except (AmbiguousEngineError, UnavailableEngineError) as error:
            error.hint = f"{error.hint}; or name what is compared with: {setting('reference', 'ENGINE')}"
            raise
    words = reference_words(words)
    require_reference(app, words)
    return words


def require_reference(app: App, words: str) -> None:
    """Raise where a reference cannot be measured, as far as that is known without opening a model.

    :raises LpbenchError: Its engine is not ready, or reads no model of the app.
    """
    engine_choice.targets(app, [words], EngineConfiguration(""))


def swept(word: str, ready: Prepared, plan: SweepPlan) -> SweptApp:
    """Return what a sweep keeps of an app."""
    return SweptApp(word, ready.app.name, ready.digest, reference_of(ready.app, plan))


def entries(plan: SweepPlan, ready: Mapping[str, Prepared], apps: Sequence[SweptApp]) -> list[Entry]:
    """Return every configuration of a plan with the block that measures it, or the reason why none does."""
    return again(dict(enumerate(asked_of(plan), 1)), plan, ready, apps)


def again(
    asked: Mapping[int, Asked], plan: SweepPlan, ready: Mapping[str, Prepared], apps: Sequence[SweptApp]
) -> list[Entry]:
    """Return some configurations of a plan by their numbers, as ``entries`` does, with blocks of their own."""
    found = [_entry(number, each, ready[each.app]) for number, each in asked.items()]
    return _in_blocks(found, {each.word: each.reference for each in apps}, plan.block)


def _entry(number: int, asked: Asked, ready: Prepared) -> Entry:
    try:
        words = words_of(asked)
        _require(ready, words)
    except LpbenchError as error:
        return Entry(number, asked, "", None, IMPOSSIBLE, _reason(error))
    return Entry(number, asked, words)


def _require(ready: Prepared, words: str) -> None:
    """Raise for what cannot be measured, as far as that is known without opening a model."""
    need = Need.of(words)
    if need in ready.failed:
        raise ready.failed[need]
    require_ready(installed(need.engine))  # no conversion helps an engine that is not there
    try:
        target = engine_choice.targets(ready.app, [words], EngineConfiguration(""))[0]
        for component in ready.app.components:
            target.model(component)
    except EngineError:
        possible = _can_be_made(ready.app, need)
        if ready.converts and need.variant and not possible:
            raise _not_made(ready.app, need) from None
        if not (ready.to_convert and possible):
            raise


def _can_be_made(app: App, need: Need) -> bool:
    """Say whether a converter makes what an engine needs."""
    from lpbench.jobs.conversion import can_supply

    spec = registry.current().get(registry.ENGINES, need.engine).spec
    return can_supply(app, spec, variant=need.variant, tile=need.tile)


def _not_made(app: App, need: Need) -> EngineError:
    """Return the error of a variant that nothing makes, whatever else the engine reads of the app."""
    models = [model for component in app.components for model in component.models]
    have = dict.fromkeys(model.format for model in [each for each in models if not each.provenance] or models)
    what = f'no converter makes "{need.variant}" of {" or ".join(have)} for engine "{need.engine}"'
    return EngineError(what, hint=f'it needs a model of its own: "variant": "{need.variant}" under models')


def _reason(error: LpbenchError) -> str:
    """Return why a configuration cannot be, with the remedy."""
    return "; ".join(filter(None, (error.what, error.hint)))


def _in_blocks(found: Sequence[Entry], references: Mapping[str, str], most: int) -> list[Entry]:
    """Return entries with their blocks: of one app and one number of threads, in the order of the plan.

    What is measured in any case, since it is the reference, takes no place in a block.
    """
    groups: dict[tuple[str, int | None], list[Entry]] = {}
    for each in found:
        if each.state != IMPOSSIBLE:
            groups.setdefault((each.asked.app, each.asked.threads), []).append(each)
    numbers: dict[int, int] = {}
    block = 0
    for (app, _), members in groups.items():
        free = [each for each in members if same(each.words, references[app])]
        others = [each for each in members if each not in free]
        parts = [others[at : at + most] for at in range(0, len(others), most)] or [[]]
        parts[0] = [*free, *parts[0]]
        for part in parts:
            block += 1
            numbers |= {each.number: block for each in part}
    return [dataclasses.replace(each, block=numbers.get(each.number)) for each in found]
