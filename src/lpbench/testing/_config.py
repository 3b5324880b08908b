"""Checks of an engine's or processor's options: no side effects, validation, documentation."""

from __future__ import annotations

import re
import sys
import typing
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, EngineError
from lpbench.plugin import specs
from lpbench.testing import _process
from lpbench.testing._checks import NotApplicable, named, refused, require, short
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.testing._subject import EngineSubject, Subject

    Any_ = Subject[Any, Any]

WRONG = ({"no": {"such": "value"}}, ["no", ["such"]], "no such value", -1234.5, object())
"""Every option must refuse at least one of these values."""
FAR_OUT = -(10**9)
NOWHERE = "no-such-device"


def config_builds_without_side_effects(subject: Any_) -> None:
    """Building the default config has no side effects and does not import the library."""
    if not subject.config_path:
        raise NotApplicable("the plugin has no options")
    values: dict[str, Any] = {}

    def build() -> None:
        kind = specs.load(subject.config_path, who=subject.spec.name)
        if values or not dataclass_config.errors(kind, {}):
            dataclass_config.build(kind, values)

    _refuse_changes(build)
    libraries = {name for requirement in subject.spec.requires for name in requirement.split("|")} & set(sys.modules)
    require(not libraries, f"building the config imports {', '.join(sorted(libraries))}")
    values.update(_given(subject))  # required options; making the case may import the library
    _refuse_changes(build)


def _refuse_changes(build: Callable[[], None]) -> None:
    before, threads = _process.state(), _process.threads()
    build()
    changed = _process.changes(before, _process.state())
    require(not changed, "; ".join(changed))
    require(_process.threads() == threads, "building the config started a thread")


def config_is_a_frozen_dataclass(subject: Any_) -> None:
    """The config is a frozen dataclass, so that a result can record the settings in force."""
    kind = subject.config_class()
    require(kind.__dataclass_params__.frozen, f"{subject.config_path} is not frozen")


def unknown_option_is_refused(subject: Any_) -> None:
    """A misspelt option is refused, and the error suggests the nearest name."""
    kind = subject.config_class()
    for name in subject.options() or ("nothing",):
        errors = dataclass_config.errors(kind, {**_given(subject), f"{name}x": 1})
        require(errors, f'"{name}x" was accepted as an option')
        close = not subject.options() or "did you mean" in errors[0].hint
        require(close, f'"{name}x" was refused without a suggestion of the nearest name: {short(errors[0])}')


def wrong_value_is_refused(subject: Any_) -> None:
    """A value of a wrong type is refused, and the error names the option."""
    kind = subject.config_class()
    for name in subject.options():
        errors = [error for value in WRONG for error in dataclass_config.errors(kind, {**_given(subject), name: value})]
        require(errors, f'"{name}" accepts values of any type')
        require(
            any(named(name, str(error)) for error in errors), f'the error does not name "{name}": {short(errors[0])}'
        )


def options_are_documented(subject: Any_) -> None:
    """The config's docstring describes each option."""
    text = "\n".join(
        str(base.__doc__) for base in subject.config_class().__mro__
    )  # a base class documents its own options
    undocumented = [name for name in subject.options() if not re.search(rf":param {name}: +\S", text)]
    require(
        not undocumented,
        f"the docstring does not describe {', '.join(undocumented)}; add a line :param NAME: what it does",
    )


def number_out_of_range_is_refused(subject: EngineSubject) -> None:
    """A number far out of range is refused by the config or when opening, and the error names the option."""
    numbers = [name for name, field in subject.options().items() if field.type in ("int", int, "float", float)]
    if not numbers:
        raise NotApplicable("no option is a number")
    for name in numbers:
        _refused_somewhere(subject, name, FAR_OUT, name)


def absent_device_is_refused(subject: EngineSubject) -> None:
    """A device that does not exist is refused by name, never silently replaced by another one."""
    if "device" not in subject.options():
        raise NotApplicable('the engine has no option "device"')
    _refused_somewhere(subject, "device", NOWHERE, NOWHERE)


def options_for_apps_are_harmless(subject: EngineSubject) -> None:
    """What the spec lets apps state are options of the engine, each a number, a switch, a choice or a name."""
    stated = subject.spec.app_options
    if not stated:
        raise NotApplicable("the spec lets apps state no option")
    types = typing.get_type_hints(subject.config_class())
    unknown = [name for name in stated if name not in types]
    require(not unknown, f"app_options names no option of the engine: {', '.join(unknown)}")
    wide = [name for name in stated if not _is_plain(types[name])]
    require(not wide, f"an app could hand anything on to the library by {', '.join(wide)}")
    require("device" not in stated, "an app must not choose the device")


def _is_plain(kind: Any) -> bool:
    if typing.get_origin(kind) in {typing.Union, UnionType}:
        return all(map(_is_plain, typing.get_args(kind)))
    return kind in {bool, int, float, str, NoneType} or typing.get_origin(kind) is typing.Literal


def _refused_somewhere(subject: EngineSubject, option: str, value: object, name: str) -> None:
    try:
        subject.settings({option: value})
    except ConfigError as error:
        require(named(name, str(error)), f'the error does not name "{name}": {short(error)}')
        return
    refused(lambda: subject.open(options={option: value}), f"opening with {option} = {value}", name, EngineError)


def _given(subject: Any_) -> dict[str, Any]:
    """Return the config's required options, taken from the case; empty if none are required."""
    if not any(dataclass_config.errors(subject.config_class(), {})):
        return {}
    return dict(getattr(subject.case, "config", None) or getattr(subject.case, "options", {}))
