"""An AI app as one object: a folder with a config, metadata and models in one or more formats.

``load_app`` reads a folder; ``lpbench.app.bare_model.model_app`` makes an app of a
model file alone.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.files import (
    CONFIG,
    METADATA,
    components_of,
    config_file,
    file_of,
    file_problems,
    find_samples,
    folder_of,
    inside,
    inside_file,
    name_problems,
    object_in,
    read_config,
)
from lpbench.app.files import read_labels as _read_labels
from lpbench.app.model_described import model_entry, model_from_request
from lpbench.app.model_entries import entries, entry_problems
from lpbench.errors import AppError, either
from lpbench.util.arguments import checked
from lpbench.util.digests import file_digest
from lpbench.util.jsonable import whole_text
from lpbench.util.problems import Problem
from lpbench.util.schema import iter_problems, published
from lpbench.util.shown import Shown, several

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lpbench.plugin.engine import Model
    from lpbench.util.unavailable import Unavailable


@dataclass(frozen=True)
class Step:
    """A processor by its name, with its settings from the config.

    In a setting ``{"file": NAME}``, which names a file of the app, NAME is replaced by the file's path.
    """

    type: str
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Component:
    """One model of an app with the steps around it.

    :param engine: Engine to use if the user names none; may be empty.
    :param options: Options of that engine, as far as its spec lets apps state them; the user's own have precedence.
    :param models: The model's files, by format and variant.
    :param labels: The component's own class names, or None if it uses the app's.
    """

    name: str
    preprocessing: Step
    engine: str
    models: tuple[Model, ...]
    postprocessing: Step
    labels: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class App(Shown):
    """An AI app that can be measured.

    :param name: The folder's name, or the model file's name without its extension.
    :param app_class: For example ``image_classification``; ``model`` for a bare model.
    :param root: The app's folder.
    :param labels: Class names in the order of the outputs; may be empty.
    :param quality: The quality gate (``metric``, ``reference``, ``at_least_of_reference``), or None.
    :param samples: Files to measure if the user gives no data; may be empty.
    :param decode_in_region: Whether decoding a file is part of the timed region.
    :param untrained: Whether the weights are random, so that predictions carry no meaning.
    :param config: The unchanged content of the config file.
    """

    name: str
    app_class: str
    root: Path
    components: tuple[Component, ...]
    labels: tuple[str, ...] = ()
    quality: Mapping[str, Any] | None = None
    samples: tuple[Path, ...] = ()
    decode_in_region: bool = False
    untrained: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)

    def in_short(self) -> str:
        """Return its name, its class, and the formats and variants of its models."""
        models = [model for each in self.components for model in each.models]
        words = dict.fromkeys(" ".join(filter(None, (model.format, model.variant))) for model in models)
        return f"{self.name}, {self.app_class}: {several(list(words))}"

    def request(self) -> dict[str, Any]:
        """Return the app as JSON values, the argument of ``from_request``."""
        plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self), default=str))
        return plain

    @classmethod
    def from_request(cls, request: Mapping[str, Any]) -> App:
        """Return the app that ``request`` describes."""
        known = {
            name: request[name] for name in ("name", "app_class", "quality", "decode_in_region", "untrained", "config")
        }
        return cls(
            **known,
            root=Path(request["root"]),
            components=tuple(map(_component_from_request, request["components"])),
            labels=tuple(request["labels"]),
            samples=tuple(map(Path, request["samples"])),
        )

    def digest(self) -> str:
        """Return the sha256, in hexadecimal, of the config, the labels and every file they name; reads all the files.

        Converted models outside the app's folder do not count: they were made for one benchmark, and the app is
        still the same.
        """
        total, digest = hashlib.sha256(), functools.cache(file_digest)  # a file may be named many times
        content = {"config": self.config, "labels": self.labels}
        total.update(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())
        for component in self.components:
            total.update("\n".join(component.labels or ()).encode())
            for model in component.models:
                if model.provenance and not model.path.is_relative_to(self.root):
                    continue
                for path in (model.path, *model.extra):
                    total.update(f"\n{model.format} {whole_text(path.name)} {digest(path)}".encode())
            settings = (*component.preprocessing.config.values(), *component.postprocessing.config.values())
            for path in map(Path, filter(None, map(file_of, settings))):
                total.update(f"\n{whole_text(path.name)} {digest(path)}".encode())
        return total.hexdigest()

    def metadata(self) -> Mapping[str, Any] | Unavailable:
        """Return the content of ``ai_app.yml``, or why it was not read: no such file, or PyYAML is not installed.

        :raises AppError: The file is not YAML, or is not a mapping.
        """
        from lpbench.app.metadata import read_metadata

        return read_metadata(self.root / METADATA)


@checked
def load_app(path: Path | str) -> App:
    """Return the app in a folder, or of a config file.

    Needs no plugin: ``lpbench.app.check.validate`` checks whether the processors and
    engines that the app names are installed, and so does a run.

    :raises AppError: Naming the file, the path inside it, what was found and what is expected; the first of several
        errors.
    """
    file = config_file(Path(path))
    return app_of(read_config(file), file)


def app_of(config: Any, file: Path) -> App:
    """Return the app of a config's content; errors as of ``load_app``.

    :param file: The config's place.
    """
    problems = structure_problems(config, file)
    if problems:
        raise _first(problems)
    root = folder_of(file)
    return assemble(config, name=root.name, root=root, find=lambda name: inside_file(root, name))


def structure_problems(config: Any, file: Path) -> list[Problem]:
    """Return the problems that keep a config from loading: violations of its schema, and of the files it names."""
    problems = list(iter_problems(config, published("lpbench.app", "ai_app")))
    if isinstance(config, dict):
        problems += file_problems(config, file.parent)
        problems += _repeated_names(config)
        problems += name_problems(config)
        problems += _unlike_problems(config)
    return [dataclasses.replace(problem, file=str(file)) for problem in problems]


def assemble(config: Mapping[str, Any], *, name: str, root: Path, find: Callable[[str], Path]) -> App:
    """Return the app of a config that has no problems.

    :param find: Returns the path of a file, given its name in the config.
    """
    components = tuple(_component(component, root, find) for component in config["components"])
    return App(
        name=name,
        app_class=config["ai_app_class"],
        root=root,
        components=components,
        labels=_read_labels(root, config.get("labels", [])),
        quality=config.get("quality"),
        samples=_samples(root, config.get("samples", ()), components[0].preprocessing.type),
        decode_in_region=config.get("decode_in_region", False),
        untrained=config.get("untrained", False),
        config=config,
    )


def _samples(root: Path, names: Sequence[str], preprocessor: str) -> tuple[Path, ...]:
    if not names:
        return ()
    paths = find_samples([inside(root, name) for name in dict.fromkeys(names)], suffixes_of(preprocessor))
    try:
        return tuple(inside(root, str(path.relative_to(root))) for path in dict.fromkeys(paths))
    except AppError as error:
        error.where = f"{root / CONFIG}: samples"
        raise


def suffixes_of(preprocessor: str) -> tuple[str, ...]:
    """Return the file extensions that a preprocessor reads; empty if no installed plugin offers it."""
    from lpbench.plugin.registry import PREPROCESSORS, current

    offer = current().all(PREPROCESSORS).get(preprocessor)
    return offer.spec.suffixes if offer else ()


def _first(problems: Sequence[Problem]) -> AppError:
    first, more = problems[0], len(problems) - 1
    folder = Path(first.file).parent
    every = either(f"lpbench validate {shlex.quote(str(folder))}", f'lpbench.validate("{folder}")')
    rest = f"{more} more: {every} lists them" if more else ""
    where = ": ".join(filter(None, (first.file, first.path)))
    return AppError(first.found, where=where, hint="\n  ".join(filter(None, (first.right, rest))))


def _unlike_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    for place, component in components_of(config):
        for problem in entry_problems(object_in(component, "inference").get("models")):
            yield dataclasses.replace(problem, path=f"{place}.inference.models{problem.path}")


def _repeated_names(config: Mapping[str, Any]) -> list[Problem]:
    seen: dict[str, str] = {}
    problems = []
    for place, component in components_of(config):
        name = component.get("name")
        if isinstance(name, str) and name in seen:
            problems.append(
                Problem(f"{place}.name", f'found "{name}", the name of {seen[name]}', "give it another name")
            )
        elif isinstance(name, str):
            seen[name] = place
    return problems


def _component(config: Mapping[str, Any], root: Path, find: Callable[[str], Path]) -> Component:
    inference = config["inference"]
    models = tuple(model_entry(name, model, find) for _, name, model in entries(inference["models"]))
    pre, post = (_step(config[key], find) for key in ("preprocessing", "postprocessing"))
    labels = _read_labels(root, config["labels"]) if "labels" in config else None
    options = inference.get("options", {})
    return Component(config["name"], pre, inference.get("engine", ""), models, post, labels, options)


def _step(config: Mapping[str, Any], find: Callable[[str], Path]) -> Step:
    def with_path(value: Any) -> Any:
        name = file_of(value)
        return {"file": str(find(name))} if name else value

    return Step(config["type"], {key: with_path(value) for key, value in config.items() if key != "type"})


def _component_from_request(request: Mapping[str, Any]) -> Component:
    return Component(
        name=request["name"],
        preprocessing=Step(**request["preprocessing"]),
        engine=request["engine"],
        models=tuple(map(model_from_request, request["models"])),
        postprocessing=Step(**request["postprocessing"]),
        labels=None if request["labels"] is None else tuple(request["labels"]),
        options=request["options"],
    )
