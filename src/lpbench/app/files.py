"""Finds and reads the files of an AI app's folder: bounded in size, and never outside the folder."""

from __future__ import annotations

import itertools
import os
import shlex
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from lpbench.app import labels
from lpbench.app.model_entries import entries
from lpbench.errors import AppError, either
from lpbench.util.json_files import read_json, read_text
from lpbench.util.paths import no_such_file, unusable
from lpbench.util.problems import Problem
from lpbench.util.schema import published
from lpbench.util.text import BRIEF, brief, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lpbench.app.model_entries import Place
    from lpbench.plugin.engine import TensorInfo

CONFIG = "ai_app_config.json"
METADATA = "ai_app.yml"
CONFIG_LIMIT = 8 << 20
"""Largest size of a config in bytes; the names of 20,000 classes take half a MiB."""
LABELS_LIMIT = 8 << 20
MOST = 32
"""Components that are looked at; the schema allows no more."""
REFUSALS = 100
"""Files that are reported as wrong, at most: each is looked for in its folder."""
LISTED = 20
"""Files of a folder that a remedy names, ``AMONG`` so many."""
AMONG = 1000


def config_file(path: Path) -> Path:
    """Return the config file of an app, given its folder or its config file.

    :raises AppError: There is no config file.
    """
    if path.is_dir():
        file = path / CONFIG
        if file.is_file():
            return file
        raise AppError(
            f"is not an AI app: it has no {CONFIG}",
            where=str(path),
            hint=either("lpbench new-app DIR --model FILE", "lpbench.new_app(DIR, …, model=FILE)")
            + " writes one around a model",
        )
    if not path.exists():
        raise no_such_file(path, AppError, what="file or folder")
    if path.suffix.lower() != ".json":
        raise AppError(
            f"is not an AI app: expected a folder with {CONFIG}, or that file",
            where=str(path),
            hint="to run a model file without an app: "
            + either(f"lpbench run {shlex.quote(str(path))}", f'lpbench.benchmark("{path}")'),
        )
    return path


def folder_of(file: Path) -> Path:
    """Return the real path of a config's folder, outside of which nothing of the app is read or written."""
    root = file.parent.resolve()
    if not file.resolve().is_relative_to(root):
        real = file.resolve().parent
        raise AppError(
            "is a link that points outside the app's folder", where=str(file), hint=f"name the folder {real}"
        )
    return root


def read_config(file: Path) -> Any:
    """Return the content of a config, not yet validated.

    :raises AppError: The file cannot be read, or is not JSON.
    """
    return read_json(file, limit=CONFIG_LIMIT)


def inside(root: Path, name: str) -> Path:
    """Return the path of a file or folder in the app's folder.

    :raises AppError: The name points outside the app's folder, or does not exist.
    """
    plain = PurePosixPath(name)
    hint = "copy it into the app's folder and name it relative to that"
    if plain.is_absolute() or ".." in plain.parts:
        raise AppError(f"found {brief(name)}, which points outside the app's folder", hint=hint)
    if reason := unusable(root / plain):
        raise AppError(
            f"found {brief(name)}, which is not a path: {reason}", hint="give the file a shorter, plain name"
        )
    path = root / plain
    try:
        real = path.resolve(strict=True)
    except FileNotFoundError:
        raise AppError(f"found {brief(name)}, which does not exist", hint=_listing(root)) from None
    except (OSError, RuntimeError) as error:  # a loop of links is a RuntimeError up to Python 3.12
        raise AppError(
            f"found {brief(name)}, which cannot be read: {getattr(error, 'strerror', None) or 'a loop of links'}",
            hint=_listing(root),
        ) from error
    if not real.is_relative_to(root.resolve()):
        raise AppError(f"found {brief(name)}, a link that points outside the app's folder", hint=hint)
    if not (real.is_file() or real.is_dir()):
        raise AppError(f"found {brief(name)}, which is neither a file nor a folder", hint=hint)
    return path


def refuse_leading_out(root: Path, place: Path) -> None:
    """Refuse to write to a place that is named in an app's folder and, by a link planted there, lies elsewhere.

    The folder of a bare model is whatever folder it lies in, and is the user's own.

    :raises AppError: Naming the link.
    """
    home, whole = root.resolve(), Path(os.path.abspath(place))  # noqa: PTH100 - links are kept
    steps = (whole, *whole.parents)
    within = next((at for at, step in enumerate(steps) if step.resolve() == home), None)
    if within is None or not (home / CONFIG).is_file():
        return
    link = next((step for step in reversed(steps[:within]) if not step.resolve().is_relative_to(home)), None)
    if link is not None:
        hint = "nothing was written; remove the link, or name another place"
        raise AppError("is a link that leads out of the app's folder", where=str(link), hint=hint)


def inside_file(root: Path, name: str) -> Path:
    """Return the path of a file in the app's folder that is not empty.

    :raises AppError: The file does not exist, is not a regular file, is empty, or is outside the folder.
    """
    path = inside(root, name)
    if not path.is_file():
        raise AppError(f"found {brief(name)}, which is not a file", hint=_listing(root))
    if path.stat().st_size == 0:
        raise AppError(f"found {brief(name)}, which is empty", hint="fetch or export it again")
    return path


def read_labels(root: Path, stated: str | list[str]) -> tuple[str, ...]:
    """Return class names from a config's list, as they are, or from a file.

    :raises AppError: The file cannot be read, or its numbers leave the order open.
    """
    if isinstance(stated, list):
        return tuple(stated)
    return labels_of(inside_file(root, stated))


def labels_of(file: Path) -> tuple[str, ...]:
    """Return the class names in a file, one per line; see ``lpbench.app.labels`` for lines with numbers.

    :raises AppError: The file cannot be read, or its numbers leave the order open.
    """
    return labels.parse(read_text(file, limit=LABELS_LIMIT), file.name)


def find_samples(places: Iterable[Path], suffixes: Iterable[str]) -> list[Path]:
    """Return files and, for folders, the files under them that can be read, sorted within each folder.

    :param suffixes: File extensions that the preprocessor reads, lower case with the dot; none means every file.
    """
    endings = tuple(suffixes) or ("",)
    samples: list[Path] = []
    for place in places:
        samples.extend(_under(place, endings) if place.is_dir() else [place])
    return samples


def _under(folder: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(parent, name) for name in sorted(files) if not name.startswith("."))
        # broken links, pipes and devices are kept, so that they are reported
        yield from (path for path in paths if path.name.lower().endswith(endings))


def file_problems(config: Mapping[str, Any], root: Path) -> Iterator[Problem]:
    """Yield the problems of the files that a config names; the config need not fit its schema."""
    yield from itertools.islice(_refusals(config, root), REFUSALS)
    yield from _labels_problems("labels", config.get("labels"), root)
    for place, component in components_of(config):
        yield from _labels_problems(f"{place}.labels", component.get("labels"), root)


def name_problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each component that writes options into its engine's name, or states them for no engine."""
    for place, component in components_of(config):
        inference = object_in(component, "inference")
        engine = inference.get("engine")
        if isinstance(engine, str) and ":" in engine:
            shown = shorten(engine, BRIEF)
            whose = either(f"--engine '{shown}'", f"engine={shown!r}")
            right = f"state the name alone; the options are for whoever runs the app: {whose}"
            yield Problem(
                f"{place}.inference.engine", f'found "{shown}": an app names an engine and nothing else', right
            )
        elif inference.get("options") and not engine:
            yield Problem(f"{place}.inference.options", "found options for no engine", 'name it: "engine"')


def _refusals(config: Mapping[str, Any], root: Path) -> Iterator[Problem]:
    """Yield what is wrong with each file of models, settings and samples; of one that is repeated, once."""
    for path, name in _named(config):
        yield from _refusal(path, inside_file, root, name)
    for at, name in once(config.get("samples")):
        yield from _refusal(f"samples[{at}]", inside, root, name)


def _refusal(path: str, find: Callable[[Path, str], Path], root: Path, name: str) -> Iterator[Problem]:
    try:
        find(root, name)
    except AppError as error:
        yield Problem(path, error.what, error.hint)


def _labels_problems(place: str, stated: Any, root: Path) -> Iterator[Problem]:
    if not isinstance(stated, (str, list)) or (isinstance(stated, list) and stated != _texts(stated)):
        return
    try:
        names = read_labels(root, stated)
    except AppError as error:
        yield Problem(place, error.what, error.hint)
        return
    if not names:
        yield Problem(place, f"found no name in {stated!r}", "write one name per line")
    for at, found, right in labels.label_problems(names):
        if isinstance(stated, str) or names[at]:  # the schema reports empty names in a list
            yield Problem(f"{place}[{at}]", found, right)


def components_of(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield path and object of each component, skipping values that are not objects."""
    components = config.get("components")
    for at, component in enumerate(components[:MOST] if isinstance(components, list) else ()):
        if isinstance(component, dict):
            yield f"components[{at}]", component


def models_of(component: Mapping[str, Any]) -> Iterator[Place]:
    """Yield the models of a component, skipping values that are not objects."""
    return entries(object_in(component, "inference").get("models"))


def object_in(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under a key, or an empty one if the key is missing or its value is not an object."""
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def file_of(setting: Any) -> str:
    """Return NAME if a processor's setting names a file of the app, ``{"file": NAME}``; else an empty string."""
    name = setting["file"] if isinstance(setting, dict) and set(setting) == {"file"} else None
    return name if isinstance(name, str) else ""


def _step_files(component: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield path and name of each file that the settings of a component's processors name."""
    for step in ("preprocessing", "postprocessing"):
        yield from ((f"{step}.{key}.file", file_of(value)) for key, value in object_in(component, step).items())


def _named(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield path and name of each file of the models and of the processors' settings."""
    for place, component in components_of(config):
        yield from ((f"{place}.{path}", name) for path, name in _step_files(component) if name)
        for path, _, model in models_of(component):
            here = f"{place}.inference.models{path}"
            if isinstance(model.get("file"), str) and model["file"]:
                yield f"{here}.file", model["file"]
            for at, name in once(model.get("extra")):
                yield f"{here}.extra[{at}]", name


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def once(names: Any) -> Iterator[tuple[int, str]]:
    """Yield index and text of each text in a list, those that are repeated once; nothing for other values."""
    first: dict[str, int] = {}
    for at, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str):
            first.setdefault(name, at)
    return ((at, name) for name, at in first.items())


def _listing(root: Path) -> str:
    with os.scandir(root) as entries:
        few = itertools.islice(entries, AMONG)
        there = (entry.name for entry in few if os.path.isfile(entry))  # noqa: PTH113 - false for a loop of links
        names = sorted(name for name in there if not name.startswith("."))
    return f"files there: {', '.join(names[:LISTED])}" if names else "the folder is empty"


def statement(info: TensorInfo) -> dict[str, Any]:
    """Return a tensor as the config states it; only its name if the schema lacks its type, so the model decides."""
    dtypes = published("lpbench.app", "ai_app")["$defs"]["tensor"]["properties"]["dtype"]["enum"]
    fields: dict[str, Any] = {"name": info.name, "dtype": info.dtype, "shape": list(info.shape), "layout": info.layout}
    fields |= {"scale": info.scale, "zero_point": info.zero_point, "alias": info.alias}
    known = {key: value for key, value in fields.items() if value not in ("", None)}
    return known if info.dtype in {"", *dtypes} else {"name": info.name}
