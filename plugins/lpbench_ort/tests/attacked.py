"""What the core's program attacks of this plugin: its own reader of ONNX, which looks before the library does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tests.attack.models import Onnx

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


KINDS = (Structures,)
