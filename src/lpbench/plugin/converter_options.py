"""A converter's options: checked, as its config, and as what a conversion depends on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError
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
    """
    where = f"options of {name}"
    if target:
        return dataclass_config.build(load(target, who=name), options, where=where)
    if options:
        raise ConfigError(f'unknown key "{next(iter(options))}"', where=where, hint="this converter has no options")
    return None


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
    kind = load(spec.config, who=spec.name)
    fields = [field for field in dataclasses.fields(kind) if field.init]
    return {field.name: _default(kind, field.name) for field in fields}


def _default(config: Any, name: str) -> Any:
    field = next(field for field in dataclasses.fields(config) if field.name == name)
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default
