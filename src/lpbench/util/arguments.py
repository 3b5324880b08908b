"""Refuses arguments of wrong types by what a function's annotations say, before minutes are spent on measuring."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from lpbench.errors import ArgumentError, nearest
from lpbench.util.bounds import ITEMS, refuse_many, refuse_outside, refuse_shapes
from lpbench.util.paths import unusable
from lpbench.util.text import brief

F = TypeVar("F", bound=Callable[..., Any])

AS_GOOD_AS: dict[str, Callable[[Any], bool]] = {
    "Any": lambda _: True,
    "int": lambda value: hasattr(value, "__index__") and not isinstance(value, bool),
    "float": lambda value: hasattr(value, "__float__") and not isinstance(value, bool),
    "Path": lambda value: isinstance(value, os.PathLike),
}
"""Whether a value counts as of a class without being of it, as numbers of numpy do."""


def checked(function: F) -> F:
    """Return a function that refuses arguments that it does not have, and values that its annotations exclude.

    Annotations are texts, as ``from __future__ import annotations`` leaves them: numbers and paths of other libraries
    count as what they can be turned into, classes by their names.

    :raises ArgumentError: When it is called, naming the argument, what it got and what it takes.
    """
    signature = inspect.signature(function)
    trees = {
        name: ast.parse(parameter.annotation, mode="eval").body
        for name, parameter in signature.parameters.items()
        if isinstance(parameter.annotation, str)
    }

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for name, value in _bound(signature, args, kwargs).items():
            refuse_many(name, value)
            if name in trees and not _fits(trees[name], value):
                takes = signature.parameters[name].annotation
                raise ArgumentError(f"found {brief(value)}, a {type(value).__name__}; it takes {takes}", where=name)
            _refuse_excess(name, value)
            if isinstance(value, (str, os.PathLike)) and "Path" in str(signature.parameters[name].annotation):
                _refuse_unusable(name, value)
        return function(*args, **kwargs)

    return call  # type: ignore[return-value] # it takes and returns what the function does


def _refuse_excess(name: str, value: Any) -> None:
    """Refuse numbers, lists and shapes that are too large for any use, by the names of arguments."""
    if name == "shapes" and isinstance(value, Mapping):
        refuse_shapes(value)
    refuse_outside(name, value)


def _refuse_unusable(name: str, path: str | os.PathLike[str]) -> None:
    if reason := unusable(path):
        raise ArgumentError(f"found {brief(str(path))}: {reason}", where=name)


def _bound(signature: inspect.Signature, args: Any, kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return arguments by the names of their parameters."""
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        unknown = next((word for word in kwargs if word not in signature.parameters), None)
        what = str(error) if unknown is None else f"there is no argument {unknown}"
        hint = "" if unknown is None else nearest(unknown, signature.parameters)
        raise ArgumentError(what, hint=hint) from None


def _fits(tree: ast.expr, value: Any) -> bool:
    """Say whether a value is what an annotation says."""
    if isinstance(tree, ast.BinOp):
        return _fits(tree.left, value) or _fits(tree.right, value)
    if isinstance(tree, ast.Constant):
        return value is tree.value
    if isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name):
        return _fits_inside(tree.value.id, tree.slice, value)
    return _is(ast.unparse(tree), value)


def _fits_inside(name: str, inner: ast.expr, value: Any) -> bool:
    """Say whether a value is a collection of what an annotation says, or of a class with parameters."""
    if name == "Sequence":
        return _collection(value) and all(_fits(inner, each) for each in _items(value))
    if name == "Mapping" and isinstance(inner, ast.Tuple):
        return isinstance(value, Mapping) and all(
            _fits(inner.elts[0], key) and _fits(inner.elts[1], each) for key, each in value.items()
        )
    return callable(value) if name == "Callable" else _is(name, value)


def _collection(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, os.PathLike))


def _items(value: Any) -> Iterable[Any]:
    """Return the first items of a collection, as many as any argument takes; none of what can be read only once."""
    return itertools.islice(value, ITEMS) if hasattr(value, "__len__") else ()


def _is(name: str, value: Any) -> bool:
    """Say whether a value is of a class with a name, or as good as one."""
    if name in AS_GOOD_AS:
        return AS_GOOD_AS[name](value)
    return any(kind.__name__ == name for kind in type(value).__mro__)
