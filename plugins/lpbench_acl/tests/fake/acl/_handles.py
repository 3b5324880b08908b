"""Handles: numbers that nobody can guess, each valid from the call that makes it to the call that ends it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._api import INVALID, account, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")
_random = random.SystemRandom()


class Table(Generic[T]):
    """The things of one kind.

    :param kind: What the ledger calls them.
    :param code: What a call with a handle of something else returns.
    :param bits: Of the largest handle: 32 for identifiers of models.
    """

    def __init__(self, kind: str, code: int = INVALID, bits: int = 46) -> None:
        self.kind, self.code = kind, code
        self._next = _random.randrange(1 << (bits - 2), 1 << (bits - 1)) & ~0xF
        self._live: dict[int, T] = {}
        self._ended: set[int] = set()
        self._stuck: set[int] = set()
        self._lent: set[int] = set()

    def add(self, thing: T) -> int:
        """Return a handle for something new."""
        self._next += 16 * _random.randrange(1, 64)
        self._live[self._next] = thing
        account.made(self.kind, self._next)
        return self._next

    def lend(self, thing: T) -> int:
        """Return a handle for something that ends with what it belongs to; the ledger does not know it."""
        self._next += 16
        self._live[self._next] = thing
        self._lent.add(self._next)
        return self._next

    def take_back(self, handle: int) -> None:
        """End something that was lent."""
        self._lent.discard(handle)
        del self._live[handle]
        self._ended.add(handle)

    def __getitem__(self, handle: int) -> T:
        try:
            return self._live[handle]
        except KeyError:
            said = f"{self.kind} used after it was destroyed" if handle in self._ended else f"not a {self.kind}"
            raise wrong(f"{said}: {handle:#x}", self.code) from None

    def find(self, handle: int) -> T | None:
        """Return what a handle stands for, or None."""
        return self._live.get(handle)

    def remove(self, handle: int) -> T:
        """End something that must be there."""
        thing = self[handle]
        if handle in self._lent:
            raise wrong(f"{self.kind} belongs to something else: {handle:#x}", self.code)
        del self._live[handle]
        self._ended.add(handle)
        self._stuck.discard(handle)
        account.gone(self.kind, handle)
        return thing

    def drop(self, handle: int, *_: Any) -> None:
        """End something if it is there, as a lost device does."""
        if handle in self._live:
            self.remove(handle)

    def stick(self, handle: int, *_: Any) -> None:
        """Note that something stays because ending it was asked to fail: nothing else is to blame for it."""
        if handle in self._live:
            self._stuck.add(handle)

    def left(self, things: Iterable[T] | None = None) -> list[T]:
        """Return what is there and could be ended, of these things or of all."""
        among = None if things is None else {id(each) for each in things}
        free = [each for handle, each in self._live.items() if handle not in self._stuck]
        return free if among is None else [each for each in free if id(each) in among]

    def end_all(self) -> None:
        """End everything."""
        for handle in list(self._live):
            self._lent.discard(handle)
            self.remove(handle)

    def forget(self) -> list[T]:
        """Forget what could not be ended, and return it: a new account begins."""
        found = [self._live.pop(handle) for handle in self._stuck if handle in self._live]
        self._stuck.clear()
        return found
