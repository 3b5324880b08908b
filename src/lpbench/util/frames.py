"""Records and columns as pandas takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def frame(data: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any]]) -> Any:
    """Return a pandas DataFrame of records, or of columns by name.

    :raises ResultError: pandas is not installed.
    """
    try:
        import pandas as pd  # type: ignore[import-not-found, import-untyped, unused-ignore] # optional
    except ImportError as error:
        raise ResultError("pandas is not installed", hint="pip install pandas") from error
    return pd.DataFrame(data)
