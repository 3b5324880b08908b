"""What the core's program attacks of this plugin: its own reader of ONNX, which looks before the library does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tests.attack.models import Onnx

from lpbench.errors import AnalysisError
from lpbench.plugin.engine import Model

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Structures(Onnx):
    """Operators, types and tensors of an ONNX file."""

    name: ClassVar[str] = "ort-structure"
    needs: ClassVar[tuple[str, ...]] = ("numpy", "lpbench_ort")

    def read(self, folder: Path) -> Iterable[str]:
        """Read them, and the graph with all tensors as outputs."""
        from lpbench_ort import _exposed, _model

        path = folder / "model.onnx"
        _model.Structure(path)
        made = _model.made_tensors(path)
        _exposed.content(path, [each.tensor for each in made][:10])
        return ()


class Analyses(Onnx):
    """What an ONNX file says that an inference costs."""

    name: ClassVar[str] = "ort-analysis"
    needs: ClassVar[tuple[str, ...]] = ("numpy", "onnx", "lpbench_ort")
    refusals: ClassVar[tuple[type[Exception], ...]] = (AnalysisError,)

    def read(self, folder: Path) -> Iterable[str]:
        """Analyse it with 1 for each open dimension."""
        from lpbench_ort.analysis.analyzer import OnnxAnalyzer

        analyzer = OnnxAnalyzer(Model("onnx", folder / "model.onnx"))
        shapes = {
            info.name: tuple(size if isinstance(size, int) else 1 for size in info.shape) for info in analyzer.inputs
        }
        analyzer.analyze(shapes)
        return ()


KINDS = (Structures, Analyses)
