"""Descriptors of published data: deliverable D6.4, appendix 7.1, read with the variations that were published."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lpbench.errors import ResultError, nearest
from lpbench.util.json_files import read_json
from lpbench.util.problems import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lpbench.results.table import Type

Number = float | int
LARGEST = 4 << 20
"""Bytes of a descriptor."""
MOST = 2_000
"""Columns."""
LONGEST = 200
"""Characters of a name."""
SECTIONS = ("inputs", "hyperparams", "targets")
KEYS = ("name", "HW_ID", "HW_price", *SECTIONS)
OF_VARIABLE = ("ID", "description", "type", "LB", "UB")
TYPES = ("int", "float", "bin", "str")


@dataclass(frozen=True)
class Variable:
    """A column as a descriptor tells of it.

    :param lower: Least value, None where it is that of the data; ``upper`` likewise.
    """

    name: str
    type: Type = "float"
    description: str | None = None
    lower: Number | None = None
    upper: Number | None = None

    def document(self, *, typed: bool) -> dict[str, Any]:
        """Return it as it stands in a descriptor; targets have no type there."""
        kind = {"type": self.type} if typed else {}
        return {"ID": self.name, "description": self.description, **kind, "LB": self.lower, "UB": self.upper}


@dataclass(frozen=True)
class Descriptor:
    """What one dataset is about, and its columns.

    :param platform: ``HW_ID``.
    :param price: Of the platform, None where it is not known.
    :param inputs: Empty in the case that does not depend on inputs.
    :param typed: Targets that were published with a type.
    """

    name: str
    platform: str
    price: Number | None
    hyperparameters: tuple[Variable, ...]
    targets: tuple[Variable, ...]
    inputs: tuple[Variable, ...] = ()
    typed: int = 0

    @property
    def stem(self) -> str:
        """Name of its files, without the suffix."""
        return f"{self.name}_{self.platform}"

    @property
    def variables(self) -> tuple[Variable, ...]:
        """All columns, in the order of the dataset."""
        return (*self.inputs, *self.hyperparameters, *self.targets)

    def text(self) -> str:
        """Return the content of its file."""
        head = {"name": self.name, "HW_ID": self.platform, "HW_price": self.price}
        inputs = {"inputs": [each.document(typed=True) for each in self.inputs]} if self.inputs else {}
        document = {
            **head,
            **inputs,
            "hyperparams": [each.document(typed=True) for each in self.hyperparameters],
            "targets": [each.document(typed=False) for each in self.targets],
        }
        return f"{json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)}\n"


def read_descriptor(path: Path) -> Descriptor:
    """Return what a descriptor's file says.

    :raises ResultError: It is no descriptor, or contradicts itself or its file's name.
    """
    where = str(path)
    document = _object(read_json(path, limit=LARGEST, error=ResultError), KEYS, where)
    missing = [key for key in KEYS if key not in document and key not in {"inputs", "HW_price"}]
    if missing:
        raise ResultError(f'has no "{missing[0]}"', where=where, hint="docs/how-to/exchange.md shows a descriptor")
    name, platform = _id(document, "name", where), _id(document, "HW_ID", where)
    if path.stem != f"{name}_{platform}":
        hint = "the file is called NAME_HWID, as it says inside"
        raise ResultError(f'describes "{name}" on "{platform}"', where=where, hint=hint)
    price = _number(document, "HW_price", where)
    if price is not None and price < 0:
        raise ResultError(f"HW_price is {price}", where=where, hint="a price is 0 or more, or null")
    inputs, hyperparameters, targets = (_variables(document.get(key, []), key, where) for key in SECTIONS)
    _refuse_twice((*inputs, *hyperparameters, *targets), where)
    if not targets or not (inputs or hyperparameters):
        raise ResultError("has no targets, or nothing that they depend on", where=where, hint="name the columns")
    typed = sum("type" in each for each in document["targets"])
    return Descriptor(name, platform, price, hyperparameters, targets, inputs, typed)


def refuse_name(word: str, what: str, where: str = "") -> None:
    """Refuse an algorithm or a platform that no file can be called by.

    :raises ResultError: It is empty, or has an underscore, a slash or something unprintable in it.
    """
    if not word or len(word) > LONGEST or not word.isprintable() or set(word) & set('_/\\ "') or word[0] in ".-":
        hint = f"an underscore separates algorithm and platform in file names: {word.replace('_', '-')[:LONGEST]}"
        if "_" not in word:
            hint = "letters, digits, dots and hyphens make a name"
        raise ResultError(f"{what} {show(word)} cannot be part of a file's name", where=where, hint=hint)


def _object(value: Any, known: Iterable[str], where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ResultError(f"found {show(value)}, no object", where=where)
    unknown = next((key for key in value if key not in known), None)
    if unknown is not None:
        raise ResultError(f"has an unknown key {show(unknown)}", where=where, hint=nearest(unknown, known))
    return cast("dict[str, Any]", value)


def _id(document: Mapping[str, Any], key: str, where: str) -> str:
    value = document[key]
    if not isinstance(value, str):
        raise ResultError(f"{key} is {show(value)}", where=where, hint="it takes a text")
    refuse_name(value, key, where)
    return value


def _number(document: Mapping[str, Any], key: str, where: str) -> Number | None:
    value = document.get(key)
    if value is None or (type(value) in {int, float} and math.isfinite(value)):
        return cast("Number | None", value)
    raise ResultError(f"{key} is {show(value)}", where=where, hint="it takes a number or null")


def _variables(section: Any, key: str, where: str) -> tuple[Variable, ...]:
    if not isinstance(section, list):
        raise ResultError(f"{key} is {show(section)}", where=where, hint="it takes a list of columns")
    if len(section) > MOST:
        raise ResultError(f"{key} has {len(section)} columns", where=where, hint=f"at most {MOST} are read")
    return tuple(_variable(each, key, f"{where}: {key}[{at}]") for at, each in enumerate(section))


def _variable(value: Any, section: str, where: str) -> Variable:
    document = _object(value, OF_VARIABLE, where)
    name, description = document.get("ID"), document.get("description")
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > LONGEST:
        raise ResultError(f"ID is {show(name)}", where=where, hint="it takes the name of a column")
    if description is not None and not isinstance(description, str):
        raise ResultError(f"description is {show(description)}", where=where, hint="it takes a text or null")
    kind = document.get("type", "float" if section == "targets" else None)
    if kind not in TYPES or (section == "targets" and kind == "str"):
        raise ResultError(f"type is {show(kind)}", where=where, hint=f"it takes {', '.join(TYPES)}; a target is float")
    lower, upper = (_number(document, key, where) for key in ("LB", "UB"))
    bounds = [bound for bound in (lower, upper) if bound is not None]
    if bounds != sorted(bounds) or (bounds and kind == "str"):
        raise ResultError(f"is bounded by {lower} and {upper}", where=where, hint="LB is at most UB; words have none")
    of_type = "float" if section == "targets" else kind
    return Variable(name.strip(), cast("Type", of_type), description, lower, upper)


def _refuse_twice(variables: Iterable[Variable], where: str) -> None:
    name, times = Counter(each.name for each in variables).most_common(1)[0] if variables else ("", 1)
    if times > 1:
        hint = "names of inputs, hyperparams and targets must differ"
        raise ResultError(f"has the column {show(name)} {times} times", where=where, hint=hint)
