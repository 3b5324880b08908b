"""What a version of the module ``tensorrt`` has, as ``read_api.py`` printed it, and whether a use fits it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Call:
    """The arguments of a call, without ``self``.

    :param positional: How many there are.
    :param keywords: Their names.
    :param open: Whether there are more, by ``*`` or ``**``.
    """

    positional: int
    keywords: tuple[str, ...] = ()
    open: bool = False


@dataclass(frozen=True)
class Signature:
    """One way to call a function.

    :param parameters: Names with whether each is required, without ``self``.
    :param returns: The type's name; empty if it is not told.
    """

    parameters: tuple[tuple[str, bool], ...]
    returns: str

    def accepts(self, call: Call) -> bool:
        """Say whether a call has the right number of arguments and only keywords that exist."""
        names = [name for name, _ in self.parameters]
        if call.positional > len(names) or not set(call.keywords) <= set(names[call.positional :]):
            return False
        lacking = [name for name, required in self.parameters[call.positional :] if required]
        return call.open or set(lacking) <= set(call.keywords)


@dataclass(frozen=True)
class Member:
    """A name of the module or of one of its classes.

    :param kind: ``class``, ``property``, ``function`` or ``value``.
    :param type: Of a property or value; a class's qualified name.
    """

    kind: str
    type: str = ""
    signatures: tuple[Signature, ...] = ()


@dataclass(frozen=True)
class Class:
    """A class of the module.

    :param callbacks: Methods that subclasses define, and how many arguments each gets.
    """

    members: Mapping[str, Member]
    callbacks: Mapping[str, int]


@dataclass(frozen=True)
class Api:
    """A version of the module.

    :param names: The module's own names; those of nested classes are qualified.
    """

    version: str
    names: Mapping[str, Member]
    classes: Mapping[str, Class] = field(default_factory=dict)

    def find(self, owner: str, name: str) -> Member | None:
        """Return a member of a class, or with ``owner`` empty of the module; None if there is none."""
        if not owner:
            return self.names.get(name)
        return self.classes[owner].members.get(name) if owner in self.classes else None

    def has(self, owner: str) -> bool:
        """Say whether the module has a class; it has what the module itself holds."""
        return not owner or owner in self.classes


def parsed(version: str, record: Mapping[str, Any]) -> Api:
    """Return what was printed as an object."""
    classes = {name: _class(each) for name, each in record.items() if each["kind"] == "class"}
    names = {name: Member("class", name) if each["kind"] == "class" else _member(each) for name, each in record.items()}
    return Api(version, names, classes)


def merged(apis: Iterable[Api]) -> Api:
    """Return one that has what any of the versions has; a later version decides what a name is."""
    names: dict[str, Member] = {}
    classes: dict[str, Class] = {}
    for api in apis:
        names |= api.names
        for name, each in api.classes.items():
            before = classes.get(name, Class({}, {}))
            classes[name] = Class({**before.members, **each.members}, {**before.callbacks, **each.callbacks})
    return Api("any", names, classes)


def _class(record: Mapping[str, Any]) -> Class:
    members = {name: _member(each) for name, each in record["members"].items()}
    return Class(members, record["callbacks"])


def _member(record: Mapping[str, Any]) -> Member:
    signatures = tuple(_signature(each) for each in record.get("signatures", ()))
    return Member(record["kind"], record.get("type", ""), signatures)


def _signature(record: Mapping[str, Any]) -> Signature:
    parameters = [(name, required) for name, required in record["parameters"] if name != "self"]
    return Signature(tuple(parameters), record["returns"])
