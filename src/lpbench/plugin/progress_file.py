"""Progress of a child process that has no other way to tell: a small file that its parent looks at."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.plugin.progress import Activity, listening
from lpbench.util import dataclass_config
from lpbench.util.json_files import read_json

if TYPE_CHECKING:
    from pathlib import Path

NAME = "progress"
"""What such a file is called, beside the request of its child."""
LIMIT = 1 << 12
"""Bytes of such a file."""


def kept_in(path: Path) -> contextlib.AbstractContextManager[None]:
    """Write what plugins report into a file while a block runs."""

    def write(activity: Activity) -> None:
        # Put in its place whole, and a new file each time: the parent sees by that that something was reported.
        part = path.with_name(f"{path.name}.part")
        with contextlib.suppress(OSError):  # the disk is full: the work itself will say so
            part.write_text(json.dumps(dataclasses.asdict(activity)), encoding="utf-8")
            part.replace(path)

    return listening(write)


class Reports:
    """The parent's view of such a file.

    :param path: Where the child writes; nothing need be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None

    def news(self) -> Activity | None:
        """Return what was reported since the last call; None if nothing was.

        The child may write anything there: what is not a report is passed over.
        """
        try:
            state = self._path.stat()
            if (seen := (state.st_mtime_ns, state.st_ino)) == self._seen:
                return None
            self._seen = seen
            found = read_json(self._path, limit=LIMIT)
            return dataclass_config.build(Activity, found) if isinstance(found, dict) else None
        except (OSError, LpbenchError):
            return None
