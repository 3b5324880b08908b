"""Models and tensors from their descriptions in JSON: an entry of a config, or a request to another process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import Model, TensorInfo
from lpbench.util.tiles import parse_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def model_entry(name: str, config: Mapping[str, Any], find: Callable[[str], Path]) -> Model:
    """Return the model of a config's entry.

    :param name: Its format.
    :param find: Returns the path of a file, given its name in the entry.
    """
    extra = tuple(map(find, dict.fromkeys(config.get("extra", ()))))
    inputs, outputs = (tuple(map(tensor, config.get(key, ()))) for key in ("inputs", "outputs"))
    told = {key: config.get(key, "") for key in ("variant", "version", "precision")}
    tile = parse_tile(config["tile"]) if "tile" in config else None
    return Model(name, find(config["file"]), extra, inputs, outputs, config.get("provenance", {}), **told, tile=tile)


def tensor(config: Mapping[str, Any]) -> TensorInfo:
    """Return a tensor from its JSON description; type and shape are empty if the description omits them."""
    return TensorInfo(
        name=config["name"],
        dtype=config.get("dtype", ""),
        shape=tuple(config.get("shape", ())),
        layout=config.get("layout", ""),
        scale=config.get("scale"),
        zero_point=config.get("zero_point"),
        alias=config.get("alias", ""),
        optional=config.get("optional", False),
    )


def model_from_request(request: Mapping[str, Any]) -> Model:
    """Return the model that a request describes: its fields as JSON values, paths as strings."""
    extra = tuple(map(Path, request["extra"]))
    inputs, outputs = (tuple(map(tensor, request[key])) for key in ("inputs", "outputs"))
    told = {
        name: str(request.get(name, "")) for name in ("variant", "version", "precision")
    }  # old conversions lack them
    tile = tuple(request["tile"]) if request.get("tile") else None
    return Model(
        request["format"], Path(request["path"]), extra, inputs, outputs, request["provenance"], **told, tile=tile
    )
