"""Calls a converter's code in a process of its own, and says how that ended."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench import errors
from lpbench.errors import ConversionError
from lpbench.util import processes
from lpbench.util.text import clean, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.plugin.specs import ConverterSpec

WORDS = 300
"""Characters of the last line of a converter's output that an error repeats."""
BOUND_TIMEOUT = 120.0
"""Seconds that a function may take to say what a product depends on: the first start of a GPU's library is slow."""
BOUND_MOST, BOUND_LONGEST = 20, 200
"""Number of things that a product depends on, and characters of each."""


def bound_to(spec: ConverterSpec, options: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what of this machine a converter's product depends on, as the function that its spec names says.

    :param options: As JSON values.
    :raises ConversionError: The function failed, crashed, hung, or returned something else than texts by name.
    """
    if not spec.bound:
        return {}
    request = {"name": spec.name, "bound": spec.bound, "config": spec.config, "options": dict(options)}
    with tempfile.TemporaryDirectory(prefix="lpbench-") as folder:
        call = Call(spec.name, "", Path(folder))
        found = call.answer(request, timeout=BOUND_TIMEOUT)["bound"]
        texts = isinstance(found, dict) and len(found) <= BOUND_MOST
        if not texts or not all(isinstance(value, str) for value in found.values()):
            raise call.failed("returned something else than texts by name, at most 20")
    return {shorten(clean(name), BOUND_LONGEST): shorten(clean(value), BOUND_LONGEST) for name, value in found.items()}


@dataclass(frozen=True)
class Call:
    """A call of a converter's code in a process of its own.

    :param name: The converter's.
    :param where: The source file, for errors; empty where it is about this machine.
    :param folder: For the request, the answer and the log.
    """

    name: str
    where: str
    folder: Path

    def answer(
        self, request: Mapping[str, Any], *, timeout: float, tick: Callable[[float], None] = lambda _: None
    ) -> Mapping[str, Any]:
        """Return what the process answered.

        :param timeout: Seconds after which it is killed.
        :raises ConversionError: It answered with an error, crashed, hung or gave no answer.
        """
        asked, answered = self.folder / "request", self.folder / "answer"
        asked.write_text(json.dumps(request, default=str), encoding="utf-8")
        command = processes.python("-m", "lpbench.jobs.conversion.child", str(asked), str(answered))
        try:
            status = processes.run(command, log=self._log, timeout=timeout, tick=tick)
        except TimeoutError as error:
            raise self.failed(f"hung: it {error}") from error
        if status != 0:
            raise self.failed(f"{'ended: ' if status > 0 else ''}{processes.ending(status)}")
        return self._read(answered)

    def failed(self, outcome: str) -> ConversionError:
        """Return the error that says how the call ended, with the last line that it printed."""
        said = processes.last_line(self._log)[:WORDS]
        hint = f"the last line it printed: {said}" if said else ""
        error = ConversionError(f'converter "{self.name}" {outcome}', where=self.where, hint=hint)
        error.__cause__ = RuntimeError(self._log.read_text("utf-8", "replace")[-20_000:])  # for --debug
        return error

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _read(self, answer: Path) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = json.loads(answer.read_text("utf-8"))
        except (OSError, ValueError):
            raise self.failed("ended with exit status 0, but returned nothing") from None
        if "error" not in found:
            return found
        error = found["error"]
        what = error["what"] if hasattr(errors, error["kind"]) else f"{error['kind']}: {error['what']}"
        refusal, where = f'converter "{self.name}": {what}', error["where"] or self.where
        raise ConversionError(refusal, where=where, hint=error["hint"]) from RuntimeError(error["trace"])
