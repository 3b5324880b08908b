"""Makes an ``Algorithm`` of whatever a user names: a class of a plugin, a function or a class of a file, a command."""

from __future__ import annotations

import importlib.util
import inspect
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConfigError, LpbenchError
from lpbench.plugin.algorithm import INSTANCE, Algorithm
from lpbench.plugin.specs import load
from lpbench.util.text import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.plugin.algorithm import Values
    from lpbench.worker.algorithms.messages import Request

LAST = 1000
"""Characters of a program's last words that an error repeats."""


def algorithm_of(request: Request) -> Algorithm:
    """Return the algorithm that a request names.

    :raises LpbenchError: It is not there, or is none.
    """
    if request.command:
        return Command(request.command, request.folder, request.targets)
    found = _of_file(Path(request.file), request.function) if request.file else load(request.target, who=request.name)
    if isinstance(found, type) and issubclass(found, Algorithm):
        return found()
    if request.file and callable(found):
        return Function(found, request.targets)
    raise ConfigError(f"is a {type(found).__name__}; expected a function or an Algorithm", where=request.name)


class Function(Algorithm):
    """A function that takes values as keywords, and the instance's number if it has an argument of that name."""

    def __init__(self, function: Callable[..., Any], targets: Sequence[str]) -> None:
        self._function, self._targets = function, targets
        self._numbered = INSTANCE in inspect.signature(function).parameters

    def run(self, values: Values, prepared: Any) -> Any:
        """Call the function."""
        return self._function(**values, **({INSTANCE: prepared} if self._numbered else {}))

    def judge(self, values: Values, prepared: Any, answer: Any) -> Mapping[str, float | None]:
        """Return what the function returned: a mapping, or one number for the only target."""
        return answer if isinstance(answer, Mapping) or not self._targets else {self._targets[0]: answer}


class Command(Algorithm):
    """A program; its last line of output is a JSON object of the targets, where there are any."""

    def __init__(self, words: Sequence[str], folder: str, targets: Sequence[str]) -> None:
        self._words, self._folder, self._targets = words, folder, targets

    def prepare(self, values: Values, instance: int) -> list[str]:
        """Return the command line."""
        places = {f"{{{name}}}": str(value) for name, value in {**values, INSTANCE: instance}.items()}
        return [_filled(word, places) for word in self._words]

    def run(self, values: Values, prepared: Sequence[str]) -> str:
        """Run the program, and return what it printed."""
        child = self.start(prepared)
        return self.output(child, prepared[0])

    def start(self, words: Sequence[str]) -> subprocess.Popen[str]:
        """Start the program."""
        try:
            return subprocess.Popen(
                words, cwd=self._folder or None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
            )
        except OSError as error:
            raise LpbenchError(f"cannot be started: {error.strerror}", where=words[0]) from error

    def output(self, child: subprocess.Popen[str], name: str) -> str:
        """Return what a program printed, once it has ended well."""
        printed, _ = child.communicate()
        if child.returncode:
            status = child.returncode
            ended = f"exit status {status}" if status > 0 else f"ended by signal {-status}"
            raise LpbenchError(ended, where=name)
        return printed

    def judge(self, values: Values, prepared: Any, answer: str) -> Mapping[str, float | None]:
        """Return the object in the last line."""
        if not self._targets:
            return {}
        last = next((line for line in reversed(answer.splitlines()) if line.strip()), "")
        try:
            found = json.loads(last)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise LpbenchError(f"its last line is no JSON object: {brief(last[:LAST])}", where=prepared[0])
        return found


def _filled(word: str, places: Mapping[str, str]) -> str:
    for place, text in places.items():
        word = word.replace(place, text)
    return word


def _of_file(path: Path, name: str) -> Any:
    """Return what a file of Python calls by a name; its folder can be imported from, as if Python had run it."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigError("is no file of Python", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses and pickle look their module up
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise ConfigError(f'has no "{name}"', where=str(path))
    return getattr(module, name)
