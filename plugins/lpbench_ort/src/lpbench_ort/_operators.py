"""Finds the operators of a model that ONNX Runtime does not have, or that its provider leaves to another one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from onnxruntime.capi import onnxruntime_pybind11_state as native

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import onnx_nodes
from lpbench.plugin.operators import UnsupportedOperator, grouped
from lpbench_ort import _providers
from lpbench_ort._engine import OrtEngine
from lpbench_ort.config import OrtConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lpbench.plugin.engine import Model
    from lpbench.plugin.kit.onnx_nodes import Node, Nodes
    from lpbench_ort._session import OrtSession

    Schemas = Mapping[tuple[str, str], list[Any]]

NO_KERNEL = re.compile(r"Could not find an implementation for (\S+?)\(\d+\) node with name '(.*?)'")
WRONG_TYPE = re.compile(r"Type '(\S+)' of input parameter \(.*?\) of operator \((\S+?)\) in node \((.*?)\) is invalid")
UNNAMED = re.compile(r"No Op registered for (\S+)")


def operators(model: Model, config: OrtConfig | None) -> tuple[UnsupportedOperator, ...]:
    """Return the operators that ONNX Runtime does not know, else those that the config's provider does not run.

    :raises EngineError: The model cannot be loaded for another reason.
    """
    config = config or OrtConfig()
    try:
        unknown = list(_unknown(onnx_nodes.read(model.path)))
    except (OSError, ValueError):  # in ORT format, or damaged: loading it tells
        unknown = []
    if unknown:
        return grouped(unknown)
    try:
        with OrtEngine().open(model, config, shapes={}) as session:
            return grouped(_elsewhere(cast("OrtSession", session).assigned(), config))
    except EngineError as error:
        return grouped([_refused(error)])


def _unknown(found: Nodes) -> Iterator[tuple[str, str, str]]:
    """Yield the nodes whose operators are not registered in this build, as type, name and reason."""
    schemas: dict[tuple[str, str], list[Any]] = {}
    for schema in native.get_all_operator_schema():
        schemas.setdefault((schema.domain, schema.name), []).append(schema)
    for node in found.nodes:
        if (node.domain, node.operator) in found.functions:
            continue
        if reason := _obstacle(node, found.opsets, schemas):
            yield node.kind, node.name, reason


def _obstacle(node: Node, opsets: Mapping[str, int], schemas: Schemas) -> str:
    """Return why an operator is not there in the version that the model asks for; empty if it is."""
    known, version = schemas.get((node.domain, node.operator), []), opsets.get(node.domain, 0)
    if not known:
        return "ONNX Runtime does not have it"
    fitting = [schema for schema in known if schema.since_version <= version]
    if not fitting:
        return f"ONNX Runtime has it since opset {min(schema.since_version for schema in known)}"
    latest = max(fitting, key=lambda schema: schema.since_version)
    return f"deprecated since opset {latest.since_version}" if latest.deprecated else ""


def _elsewhere(assigned: dict[str, list[tuple[str, str]]] | None, config: OrtConfig) -> Iterator[tuple[str, str, str]]:
    """Yield the nodes that run on another provider than the config's.

    :raises EngineError: This version of onnxruntime does not tell, and the provider is not the CPU's.
    """
    wanted = _providers.resolve(config)
    if assigned is None and wanted != _providers.CPU:
        what = "this onnxruntime does not report which provider runs a node"
        raise EngineError(what, hint="pip install --upgrade onnxruntime")
    for provider, nodes in (assigned or {}).items():
        if provider != wanted:
            yield from ((kind, name, f"runs on {_providers.short(provider)} instead") for kind, name in nodes)


def _refused(error: EngineError) -> tuple[str, str, str]:
    """Return the operator that an error of loading is about.

    :raises EngineError: The error itself, if it is about something else.
    """
    if match := NO_KERNEL.search(error.what):
        return match[1], match[2], "no implementation for the types of this node; ONNX Runtime tells the first only"
    if match := WRONG_TYPE.search(error.what):
        return match[2], match[3], f"not defined for {match[1]}; ONNX Runtime tells the first only"
    if match := UNNAMED.search(error.what):  # of a file in ORT format
        return match[1], "", "ONNX Runtime does not have it; it tells the first only"
    raise error
