"""What an engine states of itself and of its tensors, checked before anything relies on it or keeps it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, EngineError
from lpbench.plugin.engine import TensorInfo
from lpbench.util import dataclass_config
from lpbench.util.jsonable import to_json
from lpbench.util.text import abridge, brief, clean
from lpbench.worker import engine_faults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.plugin.engine import Session

TEXT = str | None
FACTS: dict[str, Any] = {
    "version": TEXT,
    "device": TEXT,
    "processor": TEXT,
    "precision": TEXT,
    "threads": int | None,
    "from_cache": bool | None,
    "build_s": float | None,
    "components": Mapping[str, Mapping[str, Any]],
    "makers": Mapping[str, str],
}
"""Types of facts that others rely on; a fact that is not known is null or left out."""
LONGEST = 200
"""Characters of the name of a field that an error shows."""
MOST_NUMBERS = 1000
"""Values that one mapping of names to numbers may hold."""
PROBED: dict[str, Any] = {
    "version": TEXT,
    "devices": tuple[str, ...],
    "unusable": Mapping[str, str],
    "hint": TEXT,
    "hints": Mapping[str, str],
}
"""Types of what a probe returns; it may add facts of its own."""


def check_tensors(session: Session, engine: str) -> None:
    """Check what a session says of its inputs and outputs.

    :raises EngineError: Naming the engine, the field and what was found there.
    """
    for side in ("inputs", "outputs"):
        with stated_by(engine):
            infos = getattr(session, side, None)
            if not isinstance(infos, (list, tuple)):
                raise ConfigError(f"found {brief(infos)}; expected a list of TensorInfo", where=side)
            for at, info in enumerate(infos):
                _check_tensor(info, f"{side}[{at}]")


def plain(tensors: Sequence[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Return tensors without what an engine's own class adds to them."""
    names = [item.name for item in dataclasses.fields(TensorInfo)]
    return tuple(TensorInfo(**{name: getattr(each, name) for name in names}) for each in tensors)


def facts(session: Session, engine: str) -> dict[str, Any]:
    """Return what a session says of itself, as JSON.

    :raises EngineError: Naming the engine, the fact and what was found there.
    """
    with engine_faults.told(engine, "describe"):
        said = session.describe()
    return stated(said, FACTS, "describe()", f'engine "{engine}"')


def stated(value: object, types: Mapping[str, Any], where: str, who: str) -> dict[str, Any]:
    """Return a mapping as JSON once the keys that are known have their types.

    :param where: What returned it.
    :param who: Whose it is, in words.
    :raises EngineError: Naming who, the key and what was found there.
    """
    with stated_by(who, quoted=False):
        if not isinstance(value, Mapping):
            raise ConfigError(f"found {brief(value)}; expected an object", where=where)
        record: dict[str, Any] = to_json(value, where)
        for name, kind in types.items():
            if name in record:
                dataclass_config.convert(kind, record[name], where=f"{where}.{name}")
        return record


def whole_numbers(value: object, where: str, engine: str) -> dict[str, int]:
    """Return a mapping of names to whole numbers of 0 or more, such as bytes or nanoseconds.

    :param where: What returned it.
    :raises EngineError: Naming the engine, the key and what was found there.
    """
    found = stated(value, {}, where, f'engine "{engine}"')
    with stated_by(engine):
        if len(found) > MOST_NUMBERS:
            raise ConfigError(f"found {len(found)} values; expected at most {MOST_NUMBERS}", where=where)
        for name, number in found.items():
            place = f"{where}.{clean(name)}"
            if len(name) > LONGEST:
                raise ConfigError(f"found a name of {len(name)} characters", where=place)
            if dataclass_config.convert(int, number, where=place) < 0:
                raise ConfigError(f"found {number}; expected 0 or more", where=place)
    return found


def _check_tensor(info: object, where: str) -> None:
    if not isinstance(info, TensorInfo):
        raise ConfigError(f"found {brief(info)}; expected TensorInfo", where=where)
    record = {item.name: getattr(info, item.name) for item in dataclasses.fields(TensorInfo)}
    plain = {name: to_json(value, f"{where}.{name}") for name, value in record.items()}
    checked = dataclass_config.build(TensorInfo, plain, where=where)
    for axis, (size, given) in enumerate(zip(checked.shape, info.shape, strict=True)):
        if isinstance(size, int) and size < 0:
            raise ConfigError(f"found {size}; expected 0 or more, a name or null", where=f"{where}.shape[{axis}]")
        if isinstance(size, int) and not isinstance(given, int):  # of numpy: it would count as open
            raise ConfigError(f"found {type(given).__name__} {size}; expected an int", where=f"{where}.shape[{axis}]")


@contextlib.contextmanager
def stated_by(who: str, *, quoted: bool = True) -> Iterator[None]:
    """Make the error of a value that was refused one that names who stated it.

    :param who: An engine's name, or whose it is in words.
    :param quoted: Whether it is an engine's name.
    """
    try:
        yield
    except ConfigError as error:
        name = f'engine "{who}"' if quoted else who
        raise EngineError(f"{name} states {abridge(error.where, LONGEST)}: {error.what}") from error
