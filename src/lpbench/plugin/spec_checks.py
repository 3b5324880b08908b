"""Refuses what a plugin registers that is no spec, or whose fields are not of the types that they state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from lpbench.errors import PluginError
from lpbench.plugin.converter import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.specs import Spec

S = TypeVar("S")

MOST = 1_000
"""Offers of one kind by one plugin."""
LONGEST = 100
"""Characters of a name."""
MOST_SECONDS = 86_400
"""A day: numbers with a point are seconds."""


def keep(specs: list[S], spec: S) -> None:
    """Add what a plugin registers to what it has registered, up to a number that no plugin needs."""
    if len(specs) >= MOST:
        raise PluginError(f"registered more than {MOST:,} of one kind")
    specs.append(spec)


def refuse_wrong(spec: object, kind: type[Spec]) -> None:
    """Raise PluginError for what is no spec of a kind, or has a field that is not of its type."""
    if not isinstance(spec, kind):
        raise PluginError(f"registered {spec!r}; expected {kind.__name__}")
    for name, field in kind.__dataclass_fields__.items():
        value = getattr(spec, name)
        if not _TYPES.get(str(field.type), _anything)(value):
            raise PluginError(f"registered {kind.__name__} with {name}={value!r}; expected {field.type}")
    if not spec.name.isprintable() or not 0 < len(spec.name) <= LONGEST or " " in spec.name:
        raise PluginError(f"registered {kind.__name__} with the name {spec.name!r}; expected a word, such as my-engine")


def _anything(_value: Any) -> bool:
    return True


def _text(value: Any) -> bool:
    return type(value) is str  # a subclass may compare and print as it likes


def _texts(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(map(_text, value))


def _mapping(value: Any, of: Callable[[Any], bool] = _anything) -> bool:
    return isinstance(value, Mapping) and all(_text(key) and of(item) for key, item in value.items())


def _limits(value: Any) -> bool:
    """Say whether a value is an ``lpbench.plugin.converter.Limits`` of numbers that can be limits."""
    numbers = isinstance(value, tuple) and all(type(each) in {int, float} for each in value)
    return numbers and len(value) == len(Limits._fields) and value[0] >= 0 <= value[1] and -1 <= value[2] <= 1


def _signature(value: Any) -> bool:
    from lpbench.plugin.algorithm import Signature  # which only a plugin with algorithms has imported

    return isinstance(value, Signature)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "str": _text,
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: type(value) is int,
    "float": lambda value: type(value) in {int, float} and 0 <= value < MOST_SECONDS,
    "tuple[str, ...]": _texts,
    "frozenset[str]": lambda value: isinstance(value, frozenset) and all(map(_text, value)),
    "Signature | None": _signature,
    "Mapping[str, str]": lambda value: _mapping(value, _text),
    "Mapping[str, Limits]": lambda value: _mapping(value, _limits),
    "Mapping[str, tuple[str, ...]]": lambda value: _mapping(value, _texts),
    "Mapping[str, Any] | None": lambda value: value is None or _mapping(value),
}
"""What a value of a field has to be, by the field's annotation."""
