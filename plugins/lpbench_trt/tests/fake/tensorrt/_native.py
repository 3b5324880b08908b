"""What objects made by pybind11 have in common: checked arguments, a lifetime, a base that must be initialised."""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, TypeVar, cast

from . import _cuda

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._logger import ILogger

T = TypeVar("T", bound="Callable[..., Any]")
ERROR = 1
WARNING = 2
INFO = 3


class Kind(type):
    """An enumeration's class: it has its members, and cannot be iterated over."""

    if TYPE_CHECKING:
        __members__: dict[str, Enumeration]

        def __getattr__(cls, name: str) -> Enumeration: ...


class Enumeration(metaclass=Kind):
    """A member of an enumeration as pybind11 makes them: equal to no number, and converted by ``int`` alone."""

    name: str
    value: int

    def __init__(self, value: int) -> None:
        member = next((each for each in type(self).__members__.values() if each.value == value), None)
        self.name = member.name if member else "???"
        self.value = value

    def __int__(self) -> int:
        return self.value

    __index__ = __int__

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.value == self.value

    def __hash__(self) -> int:
        return self.value

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    def __repr__(self) -> str:
        return f"<{self}: {self.value}>"


def enumeration(name: str, members: dict[str, int]) -> Kind:
    """Make an enumeration."""
    made = Kind(name, (Enumeration,), {"__members__": {}})
    for key, value in members.items():
        member = cast("Enumeration", object.__new__(cast("type", made)))
        member.name, member.value = key, value
        made.__members__[key] = member
        setattr(made, key, member)
    return made


class Overridable(type):
    """The class of interfaces that are implemented in Python."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__call__(*args, **kwargs)
        if "_initialised" not in made.__dict__:
            base = next(each.__name__ for each in cls.__mro__ if each.__module__.partition(".")[0] == "tensorrt")
            raise TypeError(f"tensorrt.{base}.__init__() must be called when overriding __init__")
        return made


class Interface(metaclass=Overridable):
    """An interface whose ``__init__`` an implementation must call."""

    def __init__(self) -> None:
        self._initialised = True


class Life:
    """Whether the object that the program holds is still there, and what may not outlive it."""

    def __init__(self, kind: str, parents: tuple[Life, ...]) -> None:
        self.kind = kind
        self.alive = True
        self.busy = 0
        self.children: weakref.WeakSet[Life] = weakref.WeakSet()
        self._number = _cuda.made(kind)
        for each in parents:
            each.children.add(self)

    def end(self) -> None:
        """Count the object no more."""
        self.alive = False
        if not _cuda.gone(self._number):
            return
        for each in self.children:
            if each.alive:
                _cuda.misuse(self.kind, f"deleted before its {each.kind}")
        if self.busy and not _cuda.lost():
            _cuda.misuse(self.kind, "deleted while its work is pending")


class Native:
    """An object of the library: counted until Python collects it."""

    _life: Life

    def __init__(self, logger: ILogger | None = None, *parents: Native) -> None:
        self._logger = logger
        self._life = Life(type(self).__name__, tuple(each._life for each in parents))
        weakref.finalize(self, self._life.end).atexit = False

    def _say(self, severity: int, text: str) -> None:
        if self._logger is not None:
            self._logger.say(severity, text)


class _Way:
    """A way to fail that is not a value."""


RAISES = _Way()
NEVER = _Way()
"""Marks what cannot fail, and is not counted."""


def _fits(value: object, kind: Any) -> bool:
    if kind is int:
        return hasattr(value, "__index__") and not isinstance(value, Enumeration)
    return isinstance(value, kind)


def _refuse(name: str, values: tuple[object, ...]) -> TypeError:
    given = ", ".join(type(each).__name__ for each in values)
    return TypeError(f"{name}(): incompatible function arguments. Invoked with: {given}")


def api(*kinds: Any, fails: Any = RAISES, needed: int | None = None) -> Callable[[T], T]:
    """Make a method one of the library's: arguments are checked, calls are counted, and one of them may fail.

    :param kinds: The classes of the arguments.
    :param fails: What the method returns when it fails; RAISES for RuntimeError, and NEVER.
    :param needed: How many arguments it must have; by default all.
    """
    least = len(kinds) if needed is None else needed

    def decorate(method: T) -> T:
        names = method.__code__.co_varnames[1 : method.__code__.co_argcount]
        label = method.__qualname__

        @functools.wraps(method)
        def wrapped(self: Native, *args: Any, **kwargs: Any) -> Any:
            if kwargs:
                args += tuple(kwargs.pop(each) for each in names[len(args) :] if each in kwargs)
            if kwargs or not least <= len(args) <= len(kinds) or not all(map(_fits, args, kinds)):
                raise _refuse(label, (*args, *kwargs))
            if fails is not NEVER and _cuda.fails(label):
                if fails is RAISES:
                    raise RuntimeError(f"{label} failed")
                self._say(ERROR, f"{label}: Error Code 1: Cuda Runtime (a failure that was asked for)")
                return fails
            return method(self, *args)

        return cast("T", wrapped)

    return decorate
