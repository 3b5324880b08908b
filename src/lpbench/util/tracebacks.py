"""Where an error comes from."""

from __future__ import annotations

import traceback
from pathlib import Path


def place(error: BaseException, *, outside: str) -> str:
    """Return ``file.py:line`` of the innermost frame of an error that is not in a folder; empty if there is none.

    :param outside: The folder, such as that of the code that called a plugin.
    """
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(outside)]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
