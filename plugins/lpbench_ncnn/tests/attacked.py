"""What the core's program attacks of this plugin: the reader of .param files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ClassVar

from tests.attack.kinds import text_of
from tests.attack.models import Models

from lpbench.errors import LpbenchError

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
        """Read the graph, infer its shapes, and plan a session with the shapes of the file and with others."""
        from lpbench.plugin.engine import Model
        from lpbench_ncnn import _infer, _param, _shapes, _weights

        path = folder / "model.param"
        graph = _param.read(path)
        yield text_of((graph.outputs, len(list(_param.weighted(graph.layers))))) and ""
        for shape in ((16, 8, 8), (1, 16, 8, 8), (3,)):
            with contextlib.suppress(LpbenchError):
                _infer.shapes(graph, {layer.tops[0]: shape for layer in graph.inputs})
            with contextlib.suppress(LpbenchError):
                _shapes.plan(graph, Model(self.format, path), {layer.tops[0]: shape for layer in graph.inputs})
        _weights.check(graph, path)


KINDS = (Params,)
