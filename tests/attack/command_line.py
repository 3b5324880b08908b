"""Words of the command line, of every command; and the commands that measure nothing, run with them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import apps
from tests.attack.kinds import Kind, command, text_of

from lpbench.cli import _options, command_module
from lpbench.cli._parser import Parser
from lpbench.plugin.builtin.commands import COMMANDS
from lpbench.results.settings import RunSettings
from lpbench.testing import mutations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from random import Random

WORDS = (
    *(
        "",
        " ",
        "-",
        "--",
        "---",
        "=",
        "a=",
        "=a",
        "a=b",
        "a=b=c",
        "x=1,2",
        "x=1,-2",
        "x=scalar",
        "=scalar",
        "x=",
        "x=1,a",
    ),
    *(
        "0",
        "1",
        "-1",
        "2",
        "1e999",
        "nan",
        "inf",
        "-inf",
        "99.9999999",
        "p99",
        "100",
        "1e-320",
        "0x10",
        "1_000",
        "9" * 5000,
    ),
    *(
        "0-1",
        "1-0",
        "0-99999999999",
        "0,0,0",
        "-1-2",
        "0-",
        "99999999999999999999",
        ",",
        ",,",
        "0-1-2",
        "5%",
        "-5%",
        "nan%",
    ),
    *(
        "\x1b[31m",
        "a\nb",
        "\udcff",
        "ü" * 200,
        "x" * 300,
        "x" * 5000,
        "a/" * 2000,
        "../..",
        "/dev/null",
        "/proc/self/mem",
        "~",
    ),
    *(
        "last",
        "tensors",
        "onnxruntime:threads=2",
        "a:b:c",
        "a:b=c:d",
        ":",
        "all",
        "all,all",
        "[1, 2",
        '{"a": 1e999}',
        "null",
    ),
    *("x=" + "[" * 900, "threads=NaN", "threads=1e999", 'device="x', "a={}", "a=[{}]", "x=1," + "1," * 2000),
)
HARMLESS = ("show", "compare", "validate", "new-plugin", "new-app", "results")
"""Commands that start nothing."""
MOST = 6
"""Words of a command line."""


class CommandLine(Kind):
    """Commands with options in any order, and values of any kind."""

    name: ClassVar[str] = "command-line"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._options: dict[str, list[str]] = {}
        for name in COMMANDS:
            parser = Parser(name)
            command_module(name).configure(parser)
            self._options[name] = [option.flag for option in parser.options() if option.flag not in {"-h", "--help"}]
        self._app = home / "app"
        self._app.mkdir()
        apps.write_files(self._app)
        (self._app / "ai_app_config.json").write_text(json.dumps(apps.SMALL), encoding="utf-8")

    def write(self, random: Random, folder: Path) -> None:
        """Write words."""
        name = random.choice((*COMMANDS, *HARMLESS))
        words = [name]
        for _ in range(random.randrange(1, MOST)):
            option = random.choice(self._options[name] or [""])
            value = random.choice((*WORDS, str(self._app)))
            words += random.choice(([option, value], [f"{option}={value}"], [value], [option]))
        (folder / "words.json").write_text(json.dumps(words), encoding="utf-8")

    def read(self, folder: Path) -> Iterable[str]:
        """Parse them; run the command if it is harmless."""
        name, *words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        place = folder / "here"
        place.mkdir()
        os.chdir(place)
        if name in HARMLESS and "--debug" not in words:
            yield command(folder, name, *words)[1]
        parser = Parser(name)
        command_module(name).configure(parser)
        try:
            options = parser.parse(words)
        except SystemExit:  # --version, --help
            return
        yield text_of(options) and ""


class EngineWords(Kind):
    """Words that name an engine with its options, and those of ``--set``."""

    name: ClassVar[str] = "engine-words"

    def write(self, random: Random, folder: Path) -> None:
        """Write words."""
        engine = random.choice(("tensors", "onnxruntime", "ncnn", "tflite", "openvino", *WORDS))
        pairs = [
            f"{random.choice(('threads', 'device', 'precision', *WORDS))}={random.choice(WORDS)}"
            for _ in range(random.randrange(4))
        ]
        words = {"engine": random.choice((":", ",", "")).join([engine, *pairs]), "set": pairs}
        (folder / "words.json").write_text(json.dumps(words), encoding="utf-8")

    def read(self, folder: Path) -> Iterable[str]:
        """Choose the engine, build its config."""
        import argparse

        import lpbench
        from lpbench.jobs import engine_choice, engine_mistakes
        from lpbench.plugin.configuration import EngineConfiguration

        found = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        app = lpbench.load_app(self._app(folder))
        try:
            texts = dict(map(_options.pair, found["set"]))
            asked = _options.names(found["engine"])
        except argparse.ArgumentTypeError:
            return ()
        typed = _options.engine_options(texts, app, asked)
        engine_mistakes.refuse_mistakes(asked, typed)
        engine_choice.targets(app, asked, EngineConfiguration("", options=typed))
        return ()

    def _app(self, folder: Path) -> Path:
        place = folder / "app"
        place.mkdir()
        apps.write_files(place)
        (place / "ai_app_config.json").write_text(json.dumps(apps.SMALL), encoding="utf-8")
        return place


class Settings(Kind):
    """Settings of a benchmark, as the command line reads their words and as Python passes values."""

    name: ClassVar[str] = "settings"

    def write(self, random: Random, folder: Path) -> None:
        """Write a word for each of some settings."""
        words = {name: mutations.mutated(random.choice(SOUND).encode(), random) for name in random.sample(NAMES, 3)}
        texts = {name: random.choice((word.decode("utf-8", "replace"), *WORDS)) for name, word in words.items()}
        (folder / "words.json").write_text(json.dumps(texts), encoding="utf-8")

    def read(self, folder: Path) -> Iterable[str]:
        """Read each by each type of the options, and make settings of the values."""
        import argparse

        from lpbench.errors import LpbenchError

        for name, text in json.loads((folder / "words.json").read_text(encoding="utf-8")).items():
            for read in READS:
                with contextlib.suppress(argparse.ArgumentTypeError, LpbenchError):
                    value: Any = read(text)
                    pairs = isinstance(value, tuple) and bool(value) and isinstance(value[0], str)
                    yield text_of(RunSettings.of({name: dict([value]) if pairs else value})) and ""


SOUND = (
    "0,2-3",
    "99.9",
    "x=1,3,224,224",
    "x=0,1.5",
    "12",
    "1e5",
    "a=b",
    "5%",
    "-3",
    "p99.9",
    "x=scalar",
    "onnxruntime",
)
"""Words of options as people write them."""
NAMES = tuple(each.name for each in dataclasses.fields(RunSettings))
READS: tuple[Callable[[str], Any], ...] = (
    *(_options.cores, _options.percentage, _options.shape, _options.limits, _options.from_zero, _options.from_one),
    *(_options.above_zero, _options.niceness, _options.share, _options.pair, _options.names, str),
)
KINDS = (CommandLine, EngineWords, Settings)
