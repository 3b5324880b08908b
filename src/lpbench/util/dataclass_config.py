"""Turns a mapping from a file or a caller into a frozen dataclass of settings.

Every error names the key, the value found and the value expected; for an unknown
key it suggests the nearest known one.  Building a config has no side effects.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import typing
import weakref
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from lpbench.errors import ConfigError, OutOfRangeError, nearest
from lpbench.util.jsonable import refuse_not_finite
from lpbench.util.text import amount, brief, clean

T = TypeVar("T")

INTEGERS = 1 << 63
"""Whole numbers have 64 bits: libraries take no others."""


def build(kind: type[T], values: Mapping[str, Any], *, where: str = "") -> T:
    """Return ``kind(**values)`` once every key is known and every value has its field's type.

    Lists become tuples, mappings become nested dataclasses where the field is one,
    and integers become floats where the field is a float.  A dataclass may check more
    in ``__post_init__`` by raising ValueError.

    :param where: Path of ``values`` in its file, for errors.
    :raises ConfigError: Naming the key, the value found and the value expected.
    """
    settings, problems = _gather(kind, values, where)
    if problems:
        raise problems[0]
    try:
        return kind(**settings)
    except OutOfRangeError as error:
        raise ConfigError(error.what, where=error.where or where, hint=error.hint) from error
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error).replace(f"{kind.__name__}.__init__() ", ""), where=where) from error


def convert(kind: Any, value: Any, *, where: str = "") -> Any:
    """Return a value as an annotation has it: lists become tuples, mappings dataclasses where it is one.

    :param where: Path of the value, for errors.
    :raises ConfigError: It is of another type.
    """
    return _convert(kind, value, where)


def errors(kind: type[Any], values: Mapping[str, Any], *, where: str = "") -> list[ConfigError]:
    """Return one error for each key that ``build`` would refuse; empty if it would succeed."""
    _, problems = _gather(kind, values, where)
    if problems:
        return problems
    try:
        build(kind, values, where=where)
    except ConfigError as error:
        return [error]
    return []


def _gather(kind: type[Any], values: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[ConfigError]]:
    """Return the values converted to their fields' types, and an error for each key that is wrong or missing."""
    types = _types(kind)
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    settings: dict[str, Any] = {}
    problems: list[ConfigError] = []
    for key, value in values.items():
        if key not in fields:
            problems.append(ConfigError(f'unknown key "{key}"', where=where, hint=nearest(str(key), fields)))
            continue
        try:
            settings[key] = _convert(types[key], value, f"{where}.{key}".lstrip("."))
        except ConfigError as error:
            problems.append(error)
    missing = [name for name, field in fields.items() if name not in values and _required(field)]
    problems += [ConfigError(f'missing key "{name}"', where=where, hint=_expected(types[name])) for name in missing]
    return settings, problems


def _types(kind: type[Any]) -> Mapping[str, Any]:
    """Return the types of a dataclass's fields: evaluating the annotations takes longer than checking values."""
    if kind not in _KNOWN:
        _KNOWN[kind] = typing.get_type_hints(kind)
    return _KNOWN[kind]


_KNOWN: weakref.WeakKeyDictionary[type[Any], Mapping[str, Any]] = weakref.WeakKeyDictionary()


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def parse(kind: type[Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return values for ``build`` from the words of a command line, such as ``threads=2``.

    A word that is valid JSON is parsed, any other is text; where a list is wanted, ``1,4`` is one.  An unknown key is
    left for ``build`` to refuse.
    """
    types = _types(kind)
    return {key: text if types.get(key) is str else _parsed(types.get(key), text) for key, text in texts.items()}


def _parsed(kind: Any, text: str) -> object:
    """Return a word as JSON; as the items of a list if the field is one and the word has no brackets."""
    import json

    listed = get_origin(kind) is tuple and not text.lstrip().startswith("[")
    for words in (f"[{text}]", text) if listed else (text,):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(words)
    return text


def _convert(kind: Any, value: Any, where: str) -> Any:
    inner_errors: list[ConfigError] = []
    for option in _options(kind):
        try:
            converted = _match(option, value, where)
        except ConfigError as error:  # noqa: PERF203 - the type matches but a nested value does not: try the others
            inner_errors.append(error)
        else:
            if converted is not _NO_MATCH:
                return converted
    if inner_errors:
        raise inner_errors[0]
    choices = _choices(_options(kind))
    hint = nearest(value, choices) if isinstance(value, str) and choices else ""
    raise ConfigError(f"found {_shown(value)}; {_expected(kind)}", where=where, hint=hint)


_NO_MATCH = object()


def _match(kind: Any, value: Any, where: str) -> Any:  # noqa: PLR0911 - one line for each kind of field
    if kind is Any:
        refuse_not_finite(value, where)
        return value
    if get_origin(kind) is Literal:
        return value if any(value == choice and type(value) is type(choice) for choice in get_args(kind)) else _NO_MATCH
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return build(kind, value, where=where) if isinstance(value, dict) else _NO_MATCH
    if get_origin(kind) is tuple:
        return _sequence(kind, value, where) if isinstance(value, (list, tuple)) else _NO_MATCH
    if get_origin(kind) in {dict, Mapping}:
        return _mapping(kind, value, where) if isinstance(value, Mapping) else _NO_MATCH
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) <= sys.float_info.max else _NO_MATCH
    plain = get_origin(kind) or kind
    if plain is float:
        refuse_not_finite(value, where)
    if isinstance(value, bool) and plain is not bool:
        return _NO_MATCH
    if plain is int and isinstance(value, int) and not -INTEGERS <= value < INTEGERS:
        raise ConfigError(f"found {_shown(value)}; expected a whole number of at most 64 bits", where=where)
    return value if isinstance(value, plain) else _NO_MATCH


def _sequence(kind: Any, value: Any, where: str) -> tuple[Any, ...]:
    inner = get_args(kind)
    if inner[-1] is Ellipsis:
        inner = (inner[0],) * len(value)
    if len(inner) != len(value):
        raise ConfigError(f"found {amount(len(value), 'value')}; expected {len(inner)}", where=where)
    return tuple(
        _convert(option, item, f"{where}[{at}]") for at, (option, item) in enumerate(zip(inner, value, strict=True))
    )


def _mapping(kind: Any, value: Any, where: str) -> dict[str, Any]:
    _, inner = get_args(kind)
    return {key: _convert(inner, item, f"{where}.{clean(key)}") for key, item in value.items()}


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)


def _choices(options: tuple[Any, ...]) -> list[str]:
    literals = [choice for option in options if get_origin(option) is Literal for choice in get_args(option)]
    return [choice for choice in literals if isinstance(choice, str)]


def _shown(value: object) -> str:
    """Return a value as text, with null, true and false as in JSON, truncated if it is long."""
    words = {True: "true", False: "false"}
    return "null" if value is None else words[value] if isinstance(value, bool) else brief(value)


def _expected(kind: Any) -> str:
    return f"expected {' or '.join(map(_name, _options(kind)))}"


def _name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(repr(choice) for choice in get_args(kind))
    if kind is NoneType:
        return "null"
    words = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
        tuple: "a list",
        Mapping: "an object",
    }
    return words.get(get_origin(kind) or kind, getattr(kind, "__name__", str(kind)))
