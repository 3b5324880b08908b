"""Validates an AI app: its config, its files, and the plugins that it needs."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app import dataset
from lpbench.app.bare_model import formats
from lpbench.app.default_engine import default_engines
from lpbench.app.files import METADATA, components_of, config_file, find_samples, inside, models_of, object_in, once
from lpbench.app.files import read_config as _read_config
from lpbench.app.files import read_labels as _read_labels
from lpbench.app.labels import UNNAMED
from lpbench.app.metadata import metadata_problems
from lpbench.app.model import load_app, structure_problems, suffixes_of
from lpbench.app.model_choice import REASON
from lpbench.app.resolve import LABELLED
from lpbench.app.stated_options import option_problems
from lpbench.errors import (
    AmbiguousEngineError,
    AppError,
    LpbenchError,
    NotInstalledError,
    PluginError,
    UnknownNameError,
)
from lpbench.plugin import registry
from lpbench.plugin.discovery import brought_by
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config as settings
from lpbench.util.problems import Problem, Problems
from lpbench.util.regular_files import irregular
from lpbench.util.text import abridge, clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpbench.plugin.registry import Kind
    from lpbench.plugin.specs import EngineSpec, ProcessorSpec

SHOWN = 3
"""Number of repeated labels that a note names."""


def validate(path: Path | str) -> Problems:
    """Return all problems of the app in a folder, and notes on what could not be checked.

    The plugins' config classes are imported to check settings; no engine, no processor and no model is loaded.
    ``lpbench.jobs.validation.validate`` goes further.

    :param path: The app's folder, or its config.
    """
    try:
        file = config_file(Path(path))
        config = _read_config(file)
    except AppError as error:
        return Problems([Problem("", error.what, error.hint, error.where or str(path))])
    problems = structure_problems(config, file)
    sound = not problems
    if isinstance(config, dict):
        content = [*_content_problems(config, file.parent), *(_ambiguity_notes(file) if sound else ())]
        problems += [dataclasses.replace(problem, file=str(file)) for problem in content]
    return Problems([*problems, *metadata_problems(file.parent / METADATA)])


def _content_problems(config: Mapping[str, Any], root: Path) -> Iterator[Problem]:
    """Yield what the schema cannot check: names that plugins offer, their settings, labels, samples."""
    kinds = (("preprocessing", registry.PREPROCESSORS), ("postprocessing", registry.POSTPROCESSORS))
    for place, component in components_of(config):
        steps = [(f"{place}.{key}", object_in(component, key), kind) for key, kind in kinds]
        absent = any(_absent(kind, step.get("type")) for _, step, kind in steps)
        for here, step, kind in steps:
            for problem in _step_problems(here, step, kind, config.get("ai_app_class")):
                yield dataclasses.replace(problem, note=problem.note or (absent and problem.path == f"{here}.type"))
        yield from _engine_problems(f"{place}.inference.engine", object_in(component, "inference").get("engine"))
        yield from _unread_problems(f"{place}.inference.engine", component)
        yield from _option_problems(f"{place}.inference.options", object_in(component, "inference"))
        yield from _format_notes(f"{place}.inference.models", component)
        yield from _unchecked_notes(f"{place}.inference.models", component)
    yield from _label_notes(config.get("labels"), root)
    yield from _sample_problems(config, root)
    yield from _labelled_problems(config, root)
    yield from _metric_notes(object_in(config, "quality").get("metric"))


def _step_problems(
    place: str, step: Mapping[str, Any], kind: Kind[ProcessorSpec], app_class: object
) -> Iterator[Problem]:
    name = step.get("type")
    if not isinstance(name, str) or not name:
        return  # the schema reports it
    try:
        offer = registry.current().get(kind, name)
    except NotInstalledError as error:
        yield Problem(f"{place}.type", f"{error.what}; its settings are not checked", error.hint, note=True)
        return
    except (UnknownNameError, PluginError) as error:
        yield Problem(f"{place}.type", error.what, error.hint)
        return
    spec, available = offer.spec, offer.availability()
    if not available:
        yield Problem(
            f"{place}.type", f'{kind.word} "{name}" is not ready: {available.reason}', available.hint, note=True
        )
    if isinstance(app_class, str) and spec.classes and app_class not in spec.classes:
        what = f'{kind.word} "{name}" does not support the class "{app_class}"'
        yield Problem(f"{place}.type", what, f"it supports {', '.join(spec.classes)}")
    yield from _setting_problems(place, step, spec)


def _absent(kind: Kind[ProcessorSpec], name: object) -> bool:
    """Return whether a processor's plugin is not installed; its other processors are then unknown, not wrong."""
    try:
        registry.current().get(kind, str(name))
    except NotInstalledError:
        return True
    except (UnknownNameError, PluginError):
        return False
    return False


def _setting_problems(place: str, step: Mapping[str, Any], spec: ProcessorSpec) -> Iterator[Problem]:
    values = {key: value for key, value in step.items() if key != "type"}
    if not spec.config:
        return
    try:
        kind = load(spec.config, who=spec.name)
    except PluginError as error:
        yield Problem(place, f"the settings are not checked: {error.what}", spec.hint, note=True)
        return
    for refusal in settings.errors(kind, values, where=place):
        yield Problem(refusal.where or place, refusal.what, refusal.hint)


def _engine_problems(place: str, name: object) -> Iterator[Problem]:
    if not isinstance(name, str) or not name:
        return
    try:
        available = registry.current().get(registry.ENGINES, name).availability()
    except NotInstalledError as error:
        yield Problem(place, error.what, error.hint, note=True)
    except (UnknownNameError, PluginError) as error:
        yield Problem(place, error.what, error.hint)
    else:
        if not available:
            yield Problem(place, f'engine "{name}" is not ready here: {available.reason}', available.hint, note=True)


def _option_problems(place: str, inference: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the options that a component states for its engine, if the engine is known here."""
    name = str(inference.get("engine", ""))
    spec = next((offer.spec for offer in registry.offers_where(registry.ENGINES, lambda of: _called(of, name))), None)
    if spec is not None:
        yield from option_problems(place, object_in(inference, "options"), spec)


def _ambiguity_notes(file: Path) -> Iterator[Problem]:
    """Yield a note where a run would ask for an engine."""
    try:
        default_engines(load_app(file))
    except AmbiguousEngineError as error:
        yield Problem("components", error.what, "state one as inference.engine, or name one with each run", note=True)
    except LpbenchError:
        return  # other problems say so


def _unread_problems(place: str, component: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem if a component names an engine that reads none of its models."""
    name = str(object_in(component, "inference").get("engine", ""))
    spec = next(
        (offer.spec for offer in registry.offers_where(registry.ENGINES, lambda each: _called(each, name))), None
    )
    have = {model.format for model in models_of(component)}
    if spec and have and not have & spec.formats.keys():
        what = f'engine "{spec.name}" reads {", ".join(spec.formats) or "nothing"}'
        hint = "name an engine that reads one of them, or add a model that this one reads"
        yield Problem(place, f"{what}; the component has {', '.join(sorted(have))}", hint)


def _called(spec: EngineSpec, name: str) -> bool:
    return name in {spec.name, *spec.aliases}


def _format_notes(place: str, component: Mapping[str, Any]) -> Iterator[Problem]:
    known = formats()
    for path, name, _ in models_of(component):
        if name not in known:
            what = f'no installed engine reads the format "{name}"'
            readable = f"the installed engines read {', '.join(sorted(known))}" if known else ""
            plugins = registry.current()
            right = plugins.remedy(brought_by(name)) or readable or plugins.beginning(registry.ENGINES)
            yield Problem(f"{place}{path}", what, right, note=True)


def _unchecked_notes(place: str, component: Mapping[str, Any]) -> Iterator[Problem]:
    for path, _, model in models_of(component):
        if why := object_in(model, "provenance").get("unchecked"):
            what = f"the converted model was not compared with its source: {clean(abridge(str(why), REASON))}"
            right = "lpbench run checks it first, on a machine that can run it"
            yield Problem(f"{place}{path}", what, right, note=True)


def _label_notes(labels: Any, root: Path) -> Iterator[Problem]:
    """Yield a note on repeated labels: ImageNet has some (crane, maillot), but they may be a mistake."""
    if not isinstance(labels, str) and not (isinstance(labels, list) and all(isinstance(name, str) for name in labels)):
        return
    try:
        names = _read_labels(root, labels)
    except AppError:
        return  # file_problems reports it
    twice = [name for name, count in Counter(name for name in names if name not in {"", UNNAMED}).items() if count > 1]
    if twice:
        shown = ", ".join(f'"{name}"' for name in twice[:SHOWN])
        more = f" and {len(twice) - SHOWN} more" if len(twice) > SHOWN else ""
        yield Problem("labels", f"found twice: {shown}{more}", "this is fine if two classes share a name", note=True)


def _sample_problems(config: Mapping[str, Any], root: Path) -> Iterator[Problem]:
    """Yield a problem for each folder of samples that has no file that the preprocessor reads."""
    samples = config.get("samples")
    _, first = next(components_of(config), ("", {}))
    name = object_in(first, "preprocessing").get("type")
    suffixes = suffixes_of(name) if isinstance(name, str) else ()
    for at, place in once(samples):
        try:
            path = inside(root, place)
        except AppError:
            continue  # file_problems reports it
        if not path.is_dir():
            continue
        found = find_samples([path], suffixes)
        for odd in filter(irregular, found):
            what = f"found {str(odd.relative_to(root))!r}, which is {irregular(odd)}, not a file"
            yield Problem(f"samples[{at}]", what, "remove it")
        if not found:
            right = f"{name} reads {', '.join(suffixes)}" if suffixes else "put samples there"
            yield Problem(f"samples[{at}]", f'found no sample in "{place}"', right)


def _labelled_problems(config: Mapping[str, Any], root: Path) -> Iterator[Problem]:
    """Yield what ``run --quality`` would refuse of the app's own labelled samples."""
    if not (root / LABELLED).is_dir():
        return
    _, first = next(components_of(config), ("", {}))
    name, labels = object_in(first, "preprocessing").get("type"), config.get("labels", [])
    with contextlib.suppress(AppError):  # labels that cannot be read are reported by file_problems
        names = _read_labels(root, labels) if isinstance(labels, (str, list)) else ()
        try:
            dataset.load(root / LABELLED, suffixes_of(name) if isinstance(name, str) else (), names)
        except LpbenchError as error:
            yield Problem(LABELLED, f"{error.where}: {error.what}" if error.where else error.what, error.hint)


def _metric_notes(metric: object) -> Iterator[Problem]:
    known = registry.current().all(registry.METRICS)
    if isinstance(metric, str) and metric and metric not in known:
        what = f'no installed plugin offers the metric "{metric}"; the gate cannot be checked here'
        remedy = registry.current().remedy(brought_by(metric, group=registry.METRICS.extras))
        yield Problem("quality.metric", what, remedy or (f"known: {', '.join(known)}" if known else ""), note=True)
