"""Values as JSON can carry them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def to_jsonable(value: Any) -> Any:
    """Return a value as JSON can carry it: arrays become lists, what is not finite null, the unknown its text."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): to_jsonable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_jsonable(each) for each in value]
    return to_jsonable(value.tolist()) if hasattr(value, "tolist") else str(value)
