"""Outputs of a detector as tables: a row for each box that it may have found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench.errors import ProcessorError
from lpbench_image._outputs import WHERE, choose, real

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from lpbench.plugin.engine import Outputs, TensorInfo
    from lpbench_image.boxes.config import Names

    Array = npt.NDArray[Any]
    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]


class Table:
    """One output, ``[N, width]`` with any dimensions of 1 in front.

    :param width: Of a row; None takes any.
    :param transposed: The output is ``[width, N]``.
    :raises ProcessorError: The output's shape, where it is fixed, is none such.
    """

    def __init__(self, info: TensorInfo, width: int | None, *, transposed: bool = False) -> None:
        self.info = info
        self._width, self._transposed = width, transposed
        self._shape: Any = None  # the last one that was checked
        self.fixed = False
        """Whether ``extent`` is known before the first output, and stays."""
        self.extent = (0, 0)
        """Rows and width of the last output."""
        if not info.dynamic:
            self._check(info.shape)  # type: ignore[arg-type] # none is dynamic
            self.fixed = True

    def view(self, outputs: Outputs) -> Array:
        """Return the output as ``(N, width)``, in the numbers that the engine gave."""
        values = outputs[self.info.name]
        if values.shape != self._shape:
            self._check(values.shape)
        table: Array = values.reshape(self.extent[::-1] if self._transposed else self.extent)
        return table.T if self._transposed else table

    def floats(self, outputs: Outputs) -> Floats:
        """Return the output as ``(N, width)`` in real numbers."""
        return real(self.view(outputs), self.info)

    def take(self, outputs: Outputs, rows: Indices, columns: slice | None) -> Floats:
        """Return some rows in real numbers; of all columns where none are given."""
        view = self.view(outputs)
        if columns is not None:
            view = view[:, columns]
        # numpy's take is faster, but copies a table whose numbers do not lie together
        return real(view.take(rows, axis=0) if view.flags.c_contiguous else view[rows], self.info)

    def _check(self, shape: Sequence[int]) -> None:
        extent = self._measured(shape)
        found = f'output "{self.info.called}" {list(shape)}'
        if self._width not in {None, extent[1]}:
            raise ProcessorError(f"{found} has rows of {extent[1]}; the config says {self._width}", where=WHERE)
        if self.fixed and extent != self.extent:
            raise ProcessorError(f"{found} is not what the model says, {list(self.info.shape)}", where=WHERE)
        self._shape, self.extent = tuple(shape), extent

    def _measured(self, shape: Sequence[int]) -> tuple[int, int]:
        """Return rows and width of a shape."""
        sizes = list(shape)
        while len(sizes) > 2 and sizes[0] == 1:  # noqa: PLR2004 - rows and width
            del sizes[0]
        if len(sizes) == 1:
            sizes.append(1)
        if len(sizes) != 2:  # noqa: PLR2004 - likewise
            raise ProcessorError(
                f'output "{self.info.called}" {list(shape)} is no table of boxes, [1, N, {self._width or "classes"}]',
                where=WHERE,
            )
        rows, width = reversed(sizes) if self._transposed else sizes
        return (width, rows) if self._width == rows == 1 else (rows, width)


class Tables:
    """One output or several, whose rows are counted on from one to the next.

    :param key: The config's key that names them, for errors.
    :param width: Of a row; None takes any.
    :param transposed: The outputs are ``[width, N]``.
    """

    def __init__(
        self,
        key: str,
        names: Names,
        outputs: Sequence[TensorInfo],
        width: int | None = None,
        *,
        transposed: bool = False,
    ) -> None:
        found = [choose(name, outputs, key) for name in ((names,) if isinstance(names, str) else names)]
        self.tables = [Table(each, width, transposed=transposed) for each in found]

    @property
    def fixed(self) -> bool:
        """Whether all extents are known before the first output."""
        return all(each.fixed for each in self.tables)

    @property
    def words(self) -> str:
        """The outputs' names, for errors."""
        return ", ".join(f'"{each.info.called}"' for each in self.tables)

    @property
    def rows(self) -> list[int]:
        """Rows of each, as they were last."""
        return [each.extent[0] for each in self.tables]

    def look(self, outputs: Outputs) -> None:
        """Take the extents from these outputs."""
        for each in self.tables:
            each.view(outputs)

    def take(self, outputs: Outputs, rows: Indices, columns: slice | None = None) -> Floats:
        """Return some rows in real numbers, ``(n, width)``.

        :param rows: Ascending.
        :param columns: Those to return; None for all.
        """
        if len(self.tables) == 1:
            return self.tables[0].take(outputs, rows, columns)
        found, begin, start = [], 0, 0
        for table in self.tables:
            end = int(rows.searchsorted(start + table.extent[0]))
            if end > begin:
                found.append(table.take(outputs, rows[begin:end] - start, columns))
            begin, start = end, start + table.extent[0]
        return np.concatenate(found)
