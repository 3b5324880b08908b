"""Makes every tensor that is named in a model's file an output."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench_openvino import _ports
from lpbench_openvino._session import Loaded, OpenvinoSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.plugin.engine import Feeds, Outputs

STILL = frozenset({"Constant", "Parameter", "Result"})
"""Operations that compute nothing."""


@dataclass(frozen=True)
class Made:
    """A tensor that an operation of the network computes.

    :param names: Its names in the file; several if OpenVINO removed operators that have no effect.
    :param operation: OpenVINO's type and name of the operation that computes it.
    """

    names: tuple[str, ...]
    operation: str


def expose(network: Any) -> list[Made]:
    """Add outputs to a network and return their tensors in computing order.

    Tensors without a name in the file, which OpenVINO inserted, and tensors of unsupported types are left out.
    """
    ports = [
        (operation, port)
        for operation in network.get_ordered_ops()
        if operation.get_type_name() not in STILL
        for port in operation.outputs()
        if port.get_names() and port.element_type.get_type_name() in _ports.TYPES
    ]
    existing = {name for port in network.outputs for name in port.get_names()}
    network.add_outputs([port for _, port in ports if not port.get_names() & existing])
    return [Made(tuple(sorted(port.get_names())), _words(operation)) for operation, port in ports]


class ExposedSession(OpenvinoSession):
    """A model that outputs every tensor under each of its names in the file.

    :param made: The exposed tensors in order.
    """

    def __init__(self, loaded: Loaded, made: list[Made]) -> None:
        super().__init__(loaded, profile=False)
        known = {info.name: info for info in self.outputs}
        self._names = {
            name: next(own for own in tensor.names if own in known) for tensor in made for name in tensor.names
        }
        self._makers = {name: tensor.operation for tensor in made for name in tensor.names}
        self.outputs = tuple(dataclasses.replace(known[own], name=name) for name, own in self._names.items())

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference."""
        outputs = super().run(feeds)
        return {name: outputs[own] for name, own in self._names.items()}

    def describe(self) -> Mapping[str, Any]:
        """Return the facts of the session, with the operation that computes each tensor under ``makers``."""
        return {**super().describe(), "makers": self._makers}


def _words(operation: Any) -> str:
    return f"{operation.get_type_name()} {operation.get_friendly_name()}"
