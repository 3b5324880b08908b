"""Makes every tensor that has a name in a model's file one of its outputs."""

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

    :param names: What the file calls it: several where OpenVINO dropped operators that change nothing.
    :param operation: What computes it, in OpenVINO's words, with the operation's name.
    """

    names: tuple[str, ...]
    operation: str


def expose(network: Any) -> list[Made]:
    """Add outputs to a network and return what they are, in the order of computing.

    Tensors that OpenVINO made, without a name in the file, and those of types that cannot be handed over are left
    out.
    """
    ports = [
        (operation, port)
        for operation in network.get_ordered_ops()
        if operation.get_type_name() not in STILL
        for port in operation.outputs()
        if port.get_names() and port.element_type.get_type_name() in _ports.TYPES
    ]
    there = {name for port in network.outputs for name in port.get_names()}
    network.add_outputs([port for _, port in ports if not port.get_names() & there])
    return [Made(tuple(sorted(port.get_names())), _words(operation)) for operation, port in ports]


class ExposedSession(OpenvinoSession):
    """A model that shows every tensor, each under every name that the file has for it.

    :param made: What it shows, in order.
    """

    def __init__(self, loaded: Loaded, made: list[Made]) -> None:
        super().__init__(loaded, profile=False)
        known = {info.name: info for info in self.outputs}
        self._names = {name: next(each for each in one.names if each in known) for one in made for name in one.names}
        self._makers = {name: one.operation for one in made for name in one.names}
        self.outputs = tuple(dataclasses.replace(known[own], name=name) for name, own in self._names.items())

    def run(self, feeds: Feeds, /) -> Outputs:
        """Run one inference."""
        found = super().run(feeds)
        return {name: found[own] for name, own in self._names.items()}

    def describe(self) -> Mapping[str, Any]:
        """Return what ran where, and what computes each tensor under ``makers``."""
        return {**super().describe(), "makers": self._makers}


def _words(operation: Any) -> str:
    return f"{operation.get_type_name()} {operation.get_friendly_name()}"
