"""Outputs of a detector as tables with one row for each possible box."""

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
    """One output, ``[N, width]`` with any number of leading dimensions of 1.

    :param width: Numbers in a row; None accepts any width.
    :param transposed: Whether the output is ``[width, N]``.
    :raises ProcessorError: The output has a fixed shape, which is not of this form.
    """

    def __init__(self, info: TensorInfo, width: int | None, *, transposed: bool = False) -> None:
        self.info = info
        self._width, self._transposed = width, transposed
        self._shape: Any = None  # the last one that was checked
        self.fixed = False
        """Whether ``extent`` is known before the first output and constant."""
        self.extent = (0, 0)
        """Rows and width of the last output."""
        if not info.dynamic:
            self._check(info.shape)  # type: ignore[arg-type] # none is dynamic
            self.fixed = True

    def view(self, outputs: Outputs) -> Array:
        """Return the output as ``(N, width)``, in the engine's type."""
        values = outputs[self.info.name]
        if values.shape != self._shape:
            self._check(values.shape)
        table: Array = values.reshape(self.extent[::-1] if self._transposed else self.extent)
        return table.T if self._transposed else table

    def floats(self, outputs: Outputs) -> Floats:
        """Return the output as ``(N, width)`` in real numbers."""
        return real(self.view(outputs), self.info)

    def take(self, outputs: Outputs, rows: Indices, columns: slice | None) -> Floats:
        """Return some rows in real numbers, with all columns if ``columns`` is None."""
        view = self.view(outputs)
        if columns is not None:
            view = view[:, columns]
        # numpy's take is faster, but copies a table that is not contiguous
        return real(view.take(rows, axis=0) if view.flags.c_contiguous else view[rows], self.info)

    def _check(self, shape: Sequence[int]) -> None:
        extent = self._measured(shape)
        output = f'output "{self.info.called}" {list(shape)}'
        if self._width not in {None, extent[1]}:
            raise ProcessorError(
                f"{output} has rows of {extent[1]} numbers; the config requires {self._width}", where=WHERE
            )
        if self.fixed and extent != self.extent:
            raise ProcessorError(
                f"{output} differs from the shape that the model declares, {list(self.info.shape)}", where=WHERE
            )
        self._shape, self.extent = tuple(shape), extent

    def _measured(self, shape: Sequence[int]) -> tuple[int, int]:
        """Return rows and width of a shape."""
        sizes = list(shape)
        while len(sizes) > 2 and sizes[0] == 1:  # noqa: PLR2004 - rows and width
            del sizes[0]
        if len(sizes) == 1:
            sizes.append(1)
        if len(sizes) != 2:  # noqa: PLR2004 - rows and width
            raise ProcessorError(
                f'output "{self.info.called}" {list(shape)} is not a table of boxes, '
                f"[1, N, {self._width or 'classes'}]",
                where=WHERE,
            )
        rows, width = reversed(sizes) if self._transposed else sizes
        return (width, rows) if self._width == rows == 1 else (rows, width)


class Tables:
    """One output or several, whose rows are numbered consecutively.

    :param key: The config's key for their names, for errors.
    :param width: Numbers in a row; None accepts any width.
    :param transposed: Whether the outputs are ``[width, N]``.
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
        infos = [choose(name, outputs, key) for name in ((names,) if isinstance(names, str) else names)]
        self.tables = [Table(info, width, transposed=transposed) for info in infos]

    @property
    def fixed(self) -> bool:
        """Whether all extents are known before the first output."""
        return all(table.fixed for table in self.tables)

    @property
    def words(self) -> str:
        """The outputs' names, for errors."""
        return ", ".join(f'"{table.info.called}"' for table in self.tables)

    @property
    def rows(self) -> list[int]:
        """Number of rows of each output, as last read."""
        return [table.extent[0] for table in self.tables]

    def look(self, outputs: Outputs) -> None:
        """Update the extents from these outputs."""
        for table in self.tables:
            table.view(outputs)

    def take(self, outputs: Outputs, rows: Indices, columns: slice | None = None) -> Floats:
        """Return some rows in real numbers, ``(n, width)``.

        :param rows: Ascending.
        :param columns: Those to return; None for all.
        """
        if len(self.tables) == 1:
            return self.tables[0].take(outputs, rows, columns)
        parts, begin, start = [], 0, 0
        for table in self.tables:
            end = int(rows.searchsorted(start + table.extent[0]))
            if end > begin:
                parts.append(table.take(outputs, rows[begin:end] - start, columns))
            begin, start = end, start + table.extent[0]
        return np.concatenate(parts)
