"""Checks of the options: built without side effects, wrong ones refused, each documented."""

from __future__ import annotations

import re
import sys
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
"""Values of which every option must refuse at least one."""
FAR_OUT = -(10**9)
NOWHERE = "no-such-device"


def config_builds_without_side_effects(subject: Any_) -> None:
    """Building the default config changes nothing and loads no library: it is done where nothing is measured."""
    if not subject.config_path:
        raise NotApplicable("it has no options")
    given: dict[str, Any] = {}

    def build() -> None:
        kind = specs.load(subject.config_path, who=subject.spec.name)
        if given or not dataclass_config.errors(kind, {}):
            dataclass_config.build(kind, given)

    _refuse_changes(build)
    libraries = {name for each in subject.spec.requires for name in each.split("|")} & set(sys.modules)
    require(not libraries, f"building the config imports {', '.join(sorted(libraries))}")
    given.update(_given(subject))  # what the case says that it must be given; making the case may load anything
    _refuse_changes(build)


def _refuse_changes(build: Callable[[], None]) -> None:
    before, threads = _process.state(), _process.threads()
    build()
    changed = _process.changes(before, _process.state())
    require(not changed, "; ".join(changed))
    require(_process.threads() == threads, "building the config started a thread")


def config_is_a_frozen_dataclass(subject: Any_) -> None:
    """The config is a frozen dataclass, so that a result can say what was in force."""
    kind = subject.config_class()
    require(kind.__dataclass_params__.frozen, f"{subject.config_path} is not frozen")


def unknown_option_is_refused(subject: Any_) -> None:
    """A misspelt option is refused, with the nearest name."""
    kind = subject.config_class()
    for name in subject.options() or ("nothing",):
        errors = dataclass_config.errors(kind, {**_given(subject), f"{name}x": 1})
        require(errors, f'"{name}x" is taken for an option')
        close = not subject.options() or "did you mean" in errors[0].hint
        require(close, f'"{name}x" is refused without the nearest name: {short(errors[0])}')


def wrong_value_is_refused(subject: Any_) -> None:
    """A value of a wrong type is refused, naming the option."""
    kind = subject.config_class()
    for name in subject.options():
        errors = [error for value in WRONG for error in dataclass_config.errors(kind, {**_given(subject), name: value})]
        require(errors, f'"{name}" takes any value')
        require(any(named(name, str(each)) for each in errors), f'"{name}" is not named: {short(errors[0])}')


def options_are_documented(subject: Any_) -> None:
    """The config's docstring says what each option does."""
    text = "\n".join(str(each.__doc__) for each in subject.config_class().__mro__)  # a base documents what it brings
    silent = [name for name in subject.options() if not re.search(rf":param {name}: +\S", text)]
    require(not silent, f"no line in the docstring for {', '.join(silent)}; write :param NAME: what it does")


def number_out_of_range_is_refused(subject: EngineSubject) -> None:
    """A number far out of range is refused, by the config or when opening, naming the option."""
    numbers = [name for name, each in subject.options().items() if each.type in ("int", int, "float", float)]
    if not numbers:
        raise NotApplicable("no option is a number")
    for name in numbers:
        _refused_somewhere(subject, name, FAR_OUT, name)


def absent_device_is_refused(subject: EngineSubject) -> None:
    """A device that is not there is refused by its name, never replaced by another one in silence."""
    if "device" not in subject.options():
        raise NotApplicable('it has no option "device"')
    _refused_somewhere(subject, "device", NOWHERE, NOWHERE)


def _refused_somewhere(subject: EngineSubject, option: str, value: object, name: str) -> None:
    try:
        subject.settings({option: value})
    except ConfigError as error:
        require(named(name, str(error)), f'the error does not name "{name}": {short(error)}')
        return
    refused(lambda: subject.open(options={option: value}), f"opening with {option} = {value}", name, EngineError)


def _given(subject: Any_) -> dict[str, Any]:
    """Return what the config must be given, from the case where it says."""
    if not any(dataclass_config.errors(subject.config_class(), {})):
        return {}
    return dict(getattr(subject.case, "config", None) or getattr(subject.case, "options", {}))
