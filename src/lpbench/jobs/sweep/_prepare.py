"""What is done once before a sweep begins: apps are found, models converted, combinations that cannot be told apart.

Nothing is measured yet; what cannot be measured gets its reason here as far as that is known without opening a model.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.app import resolve
from lpbench.app.default_engine import default_engines
from lpbench.errors import AmbiguousEngineError, LpbenchError, UnavailableEngineError, UnknownNameError, setting
from lpbench.jobs import engine_choice, engine_mistakes
from lpbench.jobs.sweep._product import configurations
from lpbench.jobs.sweep._queue import Entry, SweptApp
from lpbench.jobs.sweep._words import reference_words, same, words_of
from lpbench.plugin import registry
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.results.sweep import IMPOSSIBLE, Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import App
    from lpbench.jobs.sweep._plan import SweepPlan

    Tell = Callable[[str, str], None]
    """Called with an app and what is done for it."""


@dataclass(frozen=True)
class Prepared:
    """An app that is ready to be measured.

    :param app: With the models that were converted.
    :param digest: Of the app without them.
    :param failed: Why no model could be made for an engine, by the engine's name.
    """

    app: App
    digest: str
    failed: Mapping[str, LpbenchError]


def engines_of(plan: SweepPlan) -> tuple[str, ...]:
    """Return the engines of a plan; of ``all``, every one that is known.

    :raises LpbenchError: Nobody offers one, or it has no such option.
    """
    if plan.engines == (engine_choice.ALL,):
        return tuple(registry.current().all(registry.ENGINES))
    engine_mistakes.refuse_mistakes(plan.engines, {})
    return plan.engines


def prepared(word: str, plan: SweepPlan, tell: Tell) -> Prepared:
    """Find an app, and convert its model for the engines that do not read it.

    :param word: As the plan has it.
    """
    app = resolve.resolve(word, shapes={}, ranges={}, seed=plan.seed)
    digest = original(app).digest()
    if not plan.convert:
        return Prepared(app, digest, {})
    from lpbench.jobs.conversion import supply

    engines = engine_choice.usable(app, plan.engines)
    app, failed = supply(app, engines, shapes={}, progress=lambda name, step: tell(app.name, f"{name}: {step}"))
    return Prepared(app, digest, failed)


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
    engine_choice.targets(app, [words], EngineConfiguration(""))
    return words


def swept(word: str, ready: Prepared, plan: SweepPlan) -> SweptApp:
    """Return what a sweep keeps of an app."""
    return SweptApp(word, ready.app.name, ready.digest, reference_of(ready.app, plan))


def entries(plan: SweepPlan, ready: Mapping[str, Prepared], apps: Sequence[SweptApp]) -> list[Entry]:
    """Return every configuration of a plan with the block that measures it, or the reason why none does."""
    expanded = dataclasses.replace(plan, engines=engines_of(plan))
    found = [_entry(number, asked, ready[asked.app]) for number, asked in enumerate(configurations(expanded), 1)]
    return _in_blocks(found, {each.word: each.reference for each in apps}, plan.block)


def _entry(number: int, asked: Asked, ready: Prepared) -> Entry:
    try:
        words = words_of(asked)
        engine_choice.targets(ready.app, [words], EngineConfiguration(""), ready.failed)
    except LpbenchError as error:
        return Entry(number, asked, "", None, IMPOSSIBLE, _reason(error))
    return Entry(number, asked, words)


def _reason(error: LpbenchError) -> str:
    """Return why a configuration cannot be, with the remedy."""
    missing = isinstance(error, UnknownNameError) and not error.what
    return "; ".join(filter(None, (error.what if not missing else "no such engine", error.hint)))


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
