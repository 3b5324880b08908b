"""Prints what the module ``tensorrt`` of this process has, as JSON; run in a process of its own.

pybind11 states the signatures of functions, and the types of properties, in their docstrings.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from typing import Any

MODULE = "tensorrt"
LINE = re.compile(r"^(?:\d+\. )?(?P<name>\w+)?\((?P<parameters>.*)\)(?: -> (?P<returns>.+))?$")
OPEN, CLOSE = "([{<", ")]}>"
Record = dict[str, Any]


def split(parameters: str) -> list[str]:
    """Split at the commas that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(parameters):
        depth += (letter in OPEN) - (letter in CLOSE)
        if letter == "," and depth == 0:
            parts.append(parameters[start:index])
            start = index + 1
    return [part.strip() for part in [*parts, parameters[start:]] if part.strip()]


def plain(type_: str | None) -> str:
    """Return a type as the module's users write it: ``nvonnxparser::IParserError`` is ``ParserError``."""
    name = (type_ or "").replace(f"{MODULE}.{MODULE}.", "").rpartition("::")[2]
    module = importlib.import_module(MODULE)
    return name[1:] if not hasattr(module, name) and hasattr(module, name[1:]) else name


def signatures(function: Any) -> list[Record]:
    """Return each signature of a function: its parameters as pairs of name and whether it is required, and its type."""
    if inspect.isfunction(function):
        found = inspect.signature(function).parameters.values()
        return [{"parameters": [(each.name, each.default is each.empty) for each in found], "returns": ""}]
    matches = (LINE.match(line) for line in (function.__doc__ or "").splitlines())
    lines = [match for match in matches if match and match["name"] in {None, function_name(function)}]
    overloads = [match for match in lines if match["parameters"] != "*args, **kwargs"]
    return [
        {
            "parameters": [
                (re.split(r"[:=]", part)[0].strip(), "=" not in part) for part in split(match["parameters"])
            ],
            "returns": plain(match["returns"]),
        }
        for match in overloads
    ]


def function_name(function: Any) -> str:
    """Return the name that stands in a function's docstring."""
    return str(getattr(function, "__name__", ""))


def member(owner: type, name: str) -> Record:
    """Describe a member of a class by kind: ``class``, ``property``, ``function`` or ``value``."""
    found = inspect.getattr_static(owner, name)
    value = getattr(owner, name)
    if isinstance(found, property):
        getter = signatures(found.fget)
        return {"kind": "property", "type": getter[0]["returns"] if getter else ""}
    if isinstance(value, type):
        return {"kind": "class", "type": value.__qualname__}
    if callable(value):
        return {"kind": "function", "signatures": signatures(value)}
    return {"kind": "value", "type": type(value).__qualname__}


def callbacks(owner: type) -> dict[str, int]:
    """Return the methods that subclasses define, with the number of arguments: those shown, or all."""
    shown = re.findall(r"def (\w+)\(self,? ?(.*?)\):", owner.__doc__ or "")
    found = {name: len(split(parameters)) for name, parameters in shown if name != "__init__"}
    methods = {name: signatures(each) for name, each in vars(owner).items() if callable(each) and name[0] != "_"}
    return found or {name: len(each[0]["parameters"]) - 1 for name, each in methods.items() if each}


def class_(owner: type) -> Record:
    """Describe a class."""
    return {
        "kind": "class",
        "members": {name: member(owner, name) for name in dir(owner)},
        "callbacks": callbacks(owner),
    }


def described(value: Any) -> Record:
    """Describe what the module holds under a name."""
    if isinstance(value, type):
        return class_(value)
    if callable(value):
        return {"kind": "function", "signatures": signatures(value)}
    return {"kind": "value", "type": type(value).__qualname__}


def main() -> None:
    """Print the module's names; nested classes stand beside the others under their qualified names."""
    module = importlib.import_module(MODULE)
    names = {name: getattr(module, name) for name in dir(module)}
    nested = {
        each.__qualname__: each
        for owner in names.values()
        if isinstance(owner, type)
        for each in vars(owner).values()
        if isinstance(each, type) and "." in each.__qualname__
    }
    json.dump({name: described(value) for name, value in {**nested, **names}.items()}, sys.stdout)


if __name__ == "__main__":
    main()
