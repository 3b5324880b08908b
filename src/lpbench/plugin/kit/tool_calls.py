"""Calls of a tool in an environment of its own (``tool_environments``): a request and an answer, both files of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConversionError
from lpbench.plugin.kit import tool_environments
from lpbench.util import processes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lpbench.plugin.engine import Feeds

TIMEOUT = 1800.0
"""Seconds that a tool may take."""
WORDS = 300
"""Characters of the last line that a tool printed which an error repeats."""


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool.

    :param tool: Its name, for errors.
    :param model: The model, for errors.
    :param scratch: A folder for its files, in which it runs.
    """

    tool: str
    model: Path
    scratch: Path

    def answer(self, python: Path, script: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run ``python SCRIPT REQUEST ANSWER`` and return the answer.

        A script that fails answers with ``error`` and ``hint``; what it prints is kept for ``--debug``.

        :param script: Path of a file that imports nothing of lpbench, which the environment does not have.
        :raises ConversionError: It failed, crashed, took too long or gave no answer.
        """
        asked, answered, log = (self.scratch / f"{self.tool}.{end}" for end in ("request", "answer", "log"))
        asked.write_text(json.dumps(request), "utf-8")
        try:
            status = processes.run(
                [str(python), "-I", script, str(asked), str(answered)],
                log=log,
                timeout=TIMEOUT,
                tick=lambda _: None,
                environment=tool_environments.ALONE,
                folder=self.scratch,
            )
        except TimeoutError as error:
            raise ConversionError(f"{self.tool} {error}", where=str(self.model)) from error
        if status < 0 or not answered.is_file():
            last = processes.last_line(log)[:WORDS] or "none"
            what = f"{self.tool} {processes.ending(status)}; the last line it printed: {last}"
            raise ConversionError(what, where=str(self.model))
        found: dict[str, Any] = json.loads(answered.read_text("utf-8"))
        if "error" in found:
            # the tool's own traceback, for --debug
            words = RuntimeError(log.read_text("utf-8", "replace"))
            raise ConversionError(found["error"], where=str(self.model), hint=found["hint"]) from words
        return found


def written(samples: Iterable[Feeds], folder: Path) -> list[dict[str, str]]:
    """Write samples for a tool to read, one file of numpy's for each array; return the files by input name.

    :param folder: Must not exist yet.
    :raises ConversionError: There are no samples.
    """
    import numpy as np

    folder.mkdir()
    files: list[dict[str, str]] = []
    for number, feeds in enumerate(samples):
        files.append({name: str(folder / f"{number}-{place}.npy") for place, name in enumerate(feeds)})
        for name, file in files[-1].items():
            np.save(Path(file), feeds[name])
    if not files:
        raise ConversionError("no samples to take ranges from", hint="give typical inputs")
    return files
