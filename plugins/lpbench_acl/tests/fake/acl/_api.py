"""How the functions of the module are called: arguments are parsed as a C extension does, failures are codes."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.testing.ledger import Account

from ._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

MASK = (1 << 64) - 1
ANY, INITIALISED, CURRENT = 0, 1, 2
"""What a function needs: nothing; ``acl.init``; a context that is current in the calling thread too."""

INVALID, UNINITIALISED, REPEATED, NOT_CURRENT, LOST = 100000, 100001, 100002, 107002, 507010
OLD_CODES = {145002: 100003, 145003: 100011, 145006: 100005, 145012: 100000, 145013: 100019, 207004: 500004}
"""What older generations say in place of a newer code."""


class Refusal(Exception):  # noqa: N818 - not an error of the fake, but one that it reports
    """A call that fails.

    :param message: What ``acl.get_recent_err_msg`` says.
    :param misuse: What the caller did wrong, for the ledger; empty if it did nothing wrong.
    """

    def __init__(self, code: int, message: str, misuse: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.misuse = code, message, misuse


def wrong(what: str, code: int = INVALID) -> Refusal:
    """Return the refusal of a call that no correct program makes."""
    return Refusal(code, f"EE1001: The argument is invalid.Reason: {what}", what)


class Thread(threading.local):
    """What each thread has of its own."""

    context: Any = None
    message: str | None = None


class State:
    """What the process has once."""

    def __init__(self) -> None:
        self.settings = Settings.read()
        self.initialised = 0
        """how often ``acl.init`` was called since the last ``acl.finalize``"""
        self.calls = 0
        """since the account began"""
        self.process = os.getpid()
        self.ready = False

    def update(self) -> None:
        """Say whether calls may go straight on."""
        self.ready = bool(self.initialised) and not self.settings.lost_at and self.process == os.getpid()

    @property
    def lost(self) -> bool:
        return bool(self.settings.lost_at) and self.calls >= self.settings.lost_at


account = Account()
state = State()
thread = Thread()
lock = threading.RLock()
"""The real functions keep Python's lock; this one does the same for them."""


def _forked() -> None:
    global lock  # noqa: PLW0603 - the parent's may be held by a thread that is not here
    lock = threading.RLock()
    state.update()


os.register_at_fork(after_in_child=_forked)


def reread() -> None:
    """Take over the environment as it is now."""
    state.settings = Settings.read()
    state.update()


class Returns:
    """How a function tells its result.

    :param done: Makes the answer out of what the body returns.
    :param failed: Makes the answer out of a code.
    """

    def __init__(self, done: Callable[[Any], Any], failed: Callable[[int], Any]) -> None:
        self.done, self.failed = done, failed


CODE = Returns(lambda value: value or 0, lambda code: code)


def value(empty: object) -> Returns:
    """Return what makes ``(value, code)``."""
    return Returns(lambda found: (found, 0), lambda code: (empty, code))


def values(*empty: object) -> Returns:
    """Return what makes ``(value, value, ..., code)``."""
    return Returns(lambda found: (*found, 0), lambda code: (*empty, code))


def bare(empty: object) -> Returns:
    """Return what makes the value alone; what says that the call failed differs."""
    return Returns(lambda found: found, lambda _: empty)


_KINDS: dict[str, type] = {"k": int, "K": int, "I": int, "i": int, "b": int, "s": str, "O": object}
_RANGES = {"i": (-(1 << 31), (1 << 31) - 1), "b": (0, 255)}


def _parsed(name: str, kinds: str, least: int, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Do what PyArg_ParseTuple does, which refuses an array's integer as a pointer and any float."""
    if not least <= len(given) <= len(kinds):
        raise TypeError(f"{name} args parse failed")
    return tuple(_one(name, kind, each) for kind, each in zip(kinds, given, strict=False))


def _one(name: str, kind: str, given: Any) -> Any:
    fits = {"O": True, "s": isinstance(given, str), "k": isinstance(given, int), "K": isinstance(given, int)}
    if not fits.get(kind, hasattr(given, "__index__")):
        raise TypeError(f"{name} args parse failed")
    if kind in "sO":
        return given
    number = int(given.__index__())
    low, high = _RANGES.get(kind, (number, number))
    if not low <= number <= high:
        raise TypeError(f"{name} args parse failed")
    return number & (0xFFFF_FFFF if kind == "I" else MASK) if kind in "kKI" else number


def say(text: str) -> None:
    """Set the message of this thread, in the form that CANN gives it."""
    stamp = time.strftime("%Y-%m-%d-%H:%M:%S")
    code, _, rest = text.partition(": ")
    where = "        TraceBack (most recent call last):\n        (fake)[FUNC:Call][FILE:fake.cc][LINE:1]"
    thread.message = f"{code}: [PID: {os.getpid()}] {stamp}.000.000 {rest}\n{where}\n"


def _check_ready(name: str, needs: int) -> None:
    """Refuse a call that cannot even begin."""
    if state.lost:
        for each in on_loss:
            each()
    if state.lost and (needs == CURRENT or name.startswith("acl.rt.")):
        raise Refusal(LOST, "EZ9999: Inner Error! the heartbeat of the device is lost (fake)")
    if state.process != os.getpid():
        raise wrong(f"{name} in a process that was forked after acl.init", UNINITIALISED)
    if not state.initialised:
        raise wrong(f"{name} before acl.init", UNINITIALISED)


def context() -> Any:
    """Return the context that is current in this thread."""
    current = thread.context
    if current is None:
        raise wrong("no context is current in this thread: check set_context or set_device", NOT_CURRENT)
    if not current.alive:
        raise wrong("the context that is current in this thread is destroyed", NOT_CURRENT)
    return current


on_loss: list[Callable[[], None]] = []
"""What happens when the device is lost."""
functions: dict[str, Callable[..., Any]] = {}
"""By their names in the module, for example ``acl.rt.malloc``."""
newer: set[str] = set()
"""Names that older generations lack."""


@dataclass(frozen=True)
class Spec:
    """What distinguishes the functions.

    :param name: With its module, for example ``acl.rt.malloc``.
    :param code: What the function returns when it is asked to fail.
    :param failed: Called with the arguments where the function is asked to fail: what stays behind then.
    :param dropped: Called with the arguments on a lost device: what is gone although the call fails.
    """

    name: str
    kinds: str
    least: int
    returns: Returns
    needs: int = CURRENT
    code: int = 500000
    failed: Callable[..., None] | None = None
    dropped: Callable[..., None] | None = None


def _begin(spec: Spec, args: tuple[Any, ...]) -> None:
    """Count a call; refuse it if it is to fail, or cannot even begin."""
    state.calls += 1
    if state.settings.counted and account.call(spec.name):
        if spec.failed:
            spec.failed(*args)
        raise Refusal(spec.code, f"EE9999: Inner Error! {spec.name}: a failure that was asked for")
    if spec.needs and not state.ready:
        _check_ready(spec.name, spec.needs)
    if spec.needs == CURRENT:
        context()


def _refused(spec: Spec, args: tuple[Any, ...], refusal: Refusal) -> Any:
    """Return what a call that fails returns."""
    if state.lost and spec.dropped:
        spec.dropped(*args)
    say(refusal.message)
    if refusal.misuse:
        account.misuse(spec.name, refusal.misuse)
    old = state.settings.api == "old"
    return spec.returns.failed(OLD_CODES.get(refusal.code, refusal.code) if old else refusal.code)


def _made(spec: Spec, body: Callable[..., Any]) -> Callable[..., Any]:
    exact = tuple(_KINDS[each] for each in spec.kinds)
    done = spec.returns.done

    def function(*args: Any) -> Any:
        if tuple(map(type, args)) != exact:
            args = _parsed(spec.name, spec.kinds, spec.least, args)
        with lock:
            try:
                _begin(spec, args)
                return done(body(*args))
            except Refusal as refusal:
                return _refused(spec, args, refusal)

    function.__name__ = function.__qualname__ = spec.name.rpartition(".")[2]
    return function


def api(
    name: str, kinds: str, returns: Returns = CODE, **how: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function one of the module's.

    :param name: With its module; a ``+`` before it marks what older generations lack.
    :param kinds: How PyArg_ParseTuple reads the arguments; those after ``|`` may be left out.
    :param how: Further members of ``Spec``.
    """
    if name.startswith("+"):
        name = name[1:]
        newer.add(name)
    needed, _, optional = kinds.partition("|")
    spec = Spec(name, needed + optional, len(needed), returns, **how)

    def decorate(body: Callable[..., Any]) -> Callable[..., Any]:
        functions[name] = _made(spec, body)
        return body

    return decorate
