"""What the core's program attacks of this plugin: the reader of .param files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tests.attack.kinds import text_of
from tests.attack.models import Models

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Params(Models):
    """Networks as ncnn's text."""

    name: ClassVar[str] = "ncnn-param"
    needs: ClassVar[tuple[str, ...]] = ("numpy", "lpbench_ncnn")
    format: ClassVar[str] = "ncnn"
    suffix: ClassVar[str] = ".param"

    def read(self, folder: Path) -> Iterable[str]:
        """Read the graph, and infer its shapes."""
        from lpbench_ncnn import _infer, _param

        graph = _param.read(folder / "model.param")
        yield text_of((graph.outputs, len(list(_param.weighted(graph.layers))))) and ""
        _infer.shapes(graph, {layer.tops[0]: (16, 8, 8) for layer in graph.inputs if layer.tops})


KINDS = (Params,)
