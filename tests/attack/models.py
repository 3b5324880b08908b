"""Model files by the readers of the kit, which look at them before an engine's library does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack.kinds import Kind, text_of

from lpbench.app import bare_model
from lpbench.errors import LpbenchError
from lpbench.plugin import registry, specs
from lpbench.plugin.kit import onnx_shapes, tflite_file
from lpbench.testing import mutations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

SMALL = 1 << 16
"""Bytes of a model up to which its mutants are many a second."""


def case_models(folder: Path) -> dict[str, list[Path]]:
    """Return the models of the conformance cases of all usable engines, by format; files in ``folder``."""
    found: dict[str, list[Path]] = {}
    for name, offer in registry.current().all(registry.ENGINES).items():
        if not offer.spec.case or not offer.availability():
            continue
        place = folder / name
        place.mkdir()
        case = specs.load(offer.spec.case, who=name)(place, {})
        for model in filter(None, (case.model, case.identity)):
            found.setdefault(model.format, []).append(model.path)
    return found


class Models(Kind):
    """Base of the kinds that read one format."""

    needs: ClassVar[tuple[str, ...]] = ("numpy",)
    format: ClassVar[str]
    suffix: ClassVar[str]

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.seeds = [
            path.read_bytes() for path in case_models(home).get(self.format, []) if path.stat().st_size < SMALL
        ]
        self.seeds += self.more()
        if not self.seeds:
            raise LpbenchError(f"no installed engine brings a model in the format {self.format}")

    def more(self) -> list[bytes]:
        """Return further valid models."""
        return []

    def write(self, random: Random, folder: Path) -> None:
        """Write a damaged model."""
        content = mutations.mutated(random.choice(self.seeds), random, self.seeds)
        (folder / f"model{self.suffix}").write_bytes(content)


class Onnx(Models):
    """ONNX without the onnx package: shapes, and what the file looks like."""

    name: ClassVar[str] = "onnx"
    format: ClassVar[str] = "onnx"
    suffix: ClassVar[str] = ".onnx"
    refusals: ClassVar[tuple[type[Exception], ...]] = (LpbenchError, ValueError)

    def more(self) -> list[bytes]:
        """Return models with other operators and types, where the onnx package can write them."""
        try:
            from lpbench.testing.onnx_models import Graphs

            made = Graphs(self.home)
            return [path.read_bytes() for path in (made.two(), made.convolution(), made.optional())]
        except ImportError:
            return []

    def read(self, folder: Path) -> Iterable[str]:
        """Read shapes and names."""
        path = folder / "model.onnx"
        bare_model.looks_like(path)
        onnx_shapes.input_shapes(path)
        onnx_shapes.output_shapes(path)
        onnx_shapes.unranked_inputs(path)
        return ()


class OnnxPrepared(Onnx):
    """ONNX as converters get it, rewritten with the onnx package."""

    name: ClassVar[str] = "onnx-prepared"
    needs: ClassVar[tuple[str, ...]] = ("numpy", "onnx")
    refusals: ClassVar[tuple[type[Exception], ...]] = (LpbenchError,)

    def read(self, folder: Path) -> Iterable[str]:
        """Rewrite it, as it is and with a shape; converters turn the refusal into an error of ours."""
        from lpbench.plugin.kit.onnx_prepare import SourceError, prepare

        try:
            prepare(folder / "model.onnx", folder / "again.onnx", {"x": [2, 8]})
        except SourceError as error:
            raise LpbenchError(error.what, hint=error.hint) from error
        return ()


class Tflite(Models):
    """TFLite, whose structure is checked before native code reads it."""

    name: ClassVar[str] = "tflite-file"
    format: ClassVar[str] = "tflite"
    suffix: ClassVar[str] = ".tflite"

    def read(self, folder: Path) -> Iterable[str]:
        """Read its structure and what is asked of it."""
        found: Any = tflite_file.read(folder / "model.tflite")
        yield text_of([graph.repeated_names() for graph in found.graphs][:1] and "")


class Bare(Kind):
    """A file of any name and content as a model without an app."""

    name: ClassVar[str] = "bare-model"

    def write(self, random: Random, folder: Path) -> None:
        """Write a file with the first bytes of some format."""
        ending = random.choice((".onnx", ".bin", "", ".ONNX", ".tar.gz", ".\x1b[31m", ".json", ".pt"))
        content = random.choice(mutations.MAGIC) + random.randbytes(random.choice((0, 1, 40)))
        (folder / f"model{ending}").write_bytes(content if random.random() < 0.95 else b"")

    def read(self, folder: Path) -> Iterable[str]:
        """Make an app of it."""
        (path,) = folder.iterdir()
        yield bare_model.looks_like(path)
        yield bare_model.model_app(path).in_short()


KINDS = (Onnx, OnnxPrepared, Tflite, Bare)
