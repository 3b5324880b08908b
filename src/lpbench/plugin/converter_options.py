"""A converter's options: checked, as its config, and as what a conversion depends on."""

from __future__ import annotations

import dataclasses
import typing
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, LpbenchError, PluginError
from lpbench.plugin.failures import reason_of
from lpbench.plugin.specs import load
from lpbench.util import dataclass_config
from lpbench.util.jsonable import to_jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.specs import ConverterSpec


def config_of(target: str, name: str, options: Mapping[str, Any]) -> Any:
    """Return a converter's config with these options; None of one that has no options.

    :param target: The ``config`` of the converter's spec.
    :param name: The converter's, for errors.
    :raises LpbenchError: The converter has no such option, or the value is of another type.
    :raises PluginError: Its config cannot be built.
    """
    where = f"options of {name}"
    if target:
        return _built(kind_of(target, name), options, where)
    if options:
        raise ConfigError(f'unknown key "{next(iter(options))}"', where=where, hint="this converter has no options")
    return None


def kind_of(target: str, name: str) -> type[Any]:
    """Return the class of a converter's config.

    :raises PluginError: It cannot be imported, or is none.
    """
    kind = load(target, who=name)
    try:
        dataclasses.fields(kind)
        typing.get_type_hints(kind)
    except Exception as error:
        raise PluginError(f"{name}: {target} is not a dataclass with types: {reason_of(error)}") from error
    return typing.cast("type[Any]", kind)


def _built(kind: type[Any], options: Mapping[str, Any], where: str) -> Any:
    try:
        return dataclass_config.build(kind, options, where=where)
    except LpbenchError:
        raise
    except Exception as error:
        raise PluginError(f"{where}: building them raised {reason_of(error)}") from error


def stated(spec: ConverterSpec, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that differ from the converter's defaults, as JSON values.

    :raises LpbenchError: The converter has no such option, or the value is of another type.
    """
    config = config_of(spec.config, spec.name, options)
    if config is None:
        return {}
    given = {field.name: getattr(config, field.name) for field in dataclasses.fields(config) if field.init}
    differing = {key: value for key, value in given.items() if value != _default(config, key)}
    found: dict[str, Any] = to_jsonable(differing)
    return found


def listed(spec: ConverterSpec) -> dict[str, Any]:
    """Return the converter's options with their defaults, None where there is none; empty of one that has no options.

    :raises PluginError: Its config cannot be imported.
    """
    if not spec.config:
        return {}
    kind = kind_of(spec.config, spec.name)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    return {field.name: _default(kind, field.name) for field in fields}


def _default(config: Any, name: str) -> Any:
    field = next(field for field in dataclasses.fields(config) if field.name == name)
    if field.default_factory is not dataclasses.MISSING:
        try:
            return field.default_factory()
        except Exception as error:
            raise PluginError(f'the default of "{name}" cannot be made: {reason_of(error)}') from error
    return None if field.default is dataclasses.MISSING else field.default
