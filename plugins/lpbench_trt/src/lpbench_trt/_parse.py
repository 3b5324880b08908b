"""Reads an ONNX file into a network of TensorRT, and names the nodes that it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.untrusted import shorten
from lpbench_trt import _sources
from lpbench_trt._library import library, trt
from lpbench_trt._logger import log

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 8
"""Refused nodes that an error names."""
MOST = 10_000
"""Refused nodes that are listed."""
LENGTH = 300
"""Characters of the reason for one of them."""
REMEDY = 'export the model without these operators, or name the library that has them in the option "plugins"'
AGAIN = "fetch or export it again, with its weights beside it"


class RefusedError(EngineError):
    """TensorRT refuses nodes of a model.

    :param nodes: The operator of each, its name and the reason.
    """

    def __init__(self, nodes: tuple[tuple[str, str, str], ...], what: str, where: str) -> None:
        super().__init__(what, where=where, hint=REMEDY)
        self.nodes = nodes


@dataclass(frozen=True)
class Draft:
    """What is needed to build a plan.

    :param network: What the file describes.
    :param parser: Holds the weights, so it has to live until the network is built.
    :param config: The builder's settings.
    """

    builder: trt.Builder
    network: trt.INetworkDefinition
    parser: trt.OnnxParser
    config: trt.IBuilderConfig

    def layers(self) -> list[trt.ILayer]:
        """Return the network's layers."""
        return [self.network.get_layer(number) for number in range(self.network.num_layers)]

    def inputs(self) -> list[trt.ITensor]:
        """Return the network's inputs."""
        return [self.network.get_input(number) for number in range(self.network.num_inputs)]

    def outputs(self) -> list[trt.ITensor]:
        """Return the network's outputs."""
        return [self.network.get_output(number) for number in range(self.network.num_outputs)]


def parse(builder: trt.Builder, path: Path, *, typed: bool) -> Draft:
    """Read a file.

    :param typed: Whether each layer is to compute as the model types its tensors, where the library asks.
    :raises EngineError: It cannot be read; every node that TensorRT refuses is named with its operator.
    """
    log().clear()
    network: trt.INetworkDefinition = log().made(builder.create_network(_flags(typed=typed)), "a network")
    config: trt.IBuilderConfig = log().made(builder.create_builder_config(), "settings for the builder")
    parser = trt.OnnxParser(network, log())
    read = parser.parse_from_file(str(path))
    if parser.num_errors:
        raise _refused(parser, path)
    if not read:
        raise log().explained("cannot read the model", str(path), AGAIN)
    if not network.num_outputs:  # what is no ONNX at all reads as a model without anything
        raise _sources.damaged(path, "it has no outputs")
    return Draft(builder, network, parser, config)


def _flags(*, typed: bool) -> int:
    """Return how a network is to be made: with the batch in its shapes, which 8 asks for, and typed if asked for."""
    known = trt.NetworkDefinitionCreationFlag
    names = ("EXPLICIT_BATCH", "STRONGLY_TYPED" if typed else "")
    return sum(1 << int(getattr(known, name)) for name in names if hasattr(known, name))


def _refused(parser: trt.OnnxParser, path: Path) -> EngineError:
    """Return the error that names the refused nodes, or what else is wrong with the file."""
    count = parser.num_errors
    errors = [parser.get_error(number) for number in range(count)]
    named = list(dict.fromkeys(f"{_place(error, path)}{_reason(error)}" for error in errors[:SHOWN]))
    more = [f"and {count - SHOWN} more"] if count > SHOWN else []
    what = f"{library().called} cannot read the model: {'; '.join([*named, *more])}"
    nodes = tuple((*_node(error, path), _reason(error)) for error in errors[:MOST] if error.node() >= 0)
    return RefusedError(nodes, what, str(path)) if nodes else EngineError(what, where=str(path), hint=AGAIN)


def _place(error: trt.ParserError, path: Path) -> str:
    """Return the node of an error in words."""
    if error.node() < 0:
        return ""
    operator, name = _node(error, path)
    return f'node {error.node()} "{name}" ({operator}): '


def _node(error: trt.ParserError, path: Path) -> tuple[str, str]:
    """Return the operator and the name of a refused node; versions that do not tell them tell its number."""
    name = error.node_name() if hasattr(error, "node_name") else ""
    operator = error.node_operator() if hasattr(error, "node_operator") else ""
    if not operator:
        name, operator = _sources.node(path, error.node())
    return operator or "operator unknown", name


def _reason(error: trt.ParserError) -> str:
    kind = str(getattr(error.code(), "name", error.code()))
    return shorten(f"{kind}: {' '.join(error.desc().split())}", LENGTH)
