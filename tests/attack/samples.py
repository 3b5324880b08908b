"""Samples of models: arrays in files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack.datasets import damaged_npy
from tests.attack.kinds import Kind

from lpbench.testing import mutations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random


class Arrays(Kind):
    """``.npy`` and ``.npz`` by the preprocessor ``tensors``."""

    name: ClassVar[str] = "arrays"
    needs: ClassVar[tuple[str, ...]] = ("numpy",)

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        import numpy as np

        x: Any = np.arange(6, dtype=np.float32).reshape(2, 3)
        for at, array in enumerate(
            (x, np.asfortranarray(x), x.astype(">f4"), x.astype(np.int64), np.array(["a", "b"]))
        ):
            np.save(home / f"{at}.npy", array)
        np.savez(home / "0.npz", x=x, y=x)
        np.savez_compressed(home / "1.npz", x=np.zeros((2, 3), np.float32))
        self._seeds = {
            ending: [path.read_bytes() for path in sorted(home.glob(f"*{ending}"))] for ending in (".npy", ".npz")
        }

    def write(self, random: Random, folder: Path) -> None:
        """Write a damaged file."""
        ending = random.choice((".npy", ".npy", ".npz"))
        seed, others = random.choice(self._seeds[ending]), self._seeds[ending]
        damage = damaged_npy if ending == ".npy" else mutations.mutated
        (folder / f"sample{ending}").write_bytes(damage(seed, random, others))

    def read(self, folder: Path) -> Iterable[str]:
        """Load it for a model of one input and for one of two."""
        from lpbench.plugin.builtin.tensors import TensorConfig, TensorPreprocessor
        from lpbench.plugin.engine import TensorInfo

        (path,) = folder.iterdir()
        x, y = (TensorInfo(name, "float32", (2, 3)) for name in "xy")
        for inputs in ([x, y], [x]) if path.suffix == ".npz" else ([x],):
            preprocessor = TensorPreprocessor(TensorConfig(), inputs)
            preprocessor(preprocessor.load(path))
        return ()


KINDS = (Arrays,)
