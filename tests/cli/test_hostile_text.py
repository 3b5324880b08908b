"""Text from outside, on every way to a terminal: nothing in it acts there, and no error prints megabytes.

Names of files, apps, labels, samples and tensors, values of options and variables, messages of engines and plugins,
results of other people; through every command, every rendering, errors, tracebacks and notebooks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lpbench
from lpbench.cli import _console, main
from lpbench.plugin import registry
from lpbench.testing.setups import write_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Capture = pytest.CaptureFixture[str]
    Install = Callable[..., Path]

pytestmark = pytest.mark.long

CONTROL = "\x07\x08\x0b\x7f\x1b[2J\x1b]0;title\x07\x1b]8;;http://example.org\x1b\\\x9b31m\r"
UNSEEN = "\u202a\u202e\u2066\u2069\u200b\u200f\u2028\u2029\ufeff"
EVIL = f"evil{CONTROL}{UNSEEN}\nerror: forged"
NAME = EVIL.replace("/", "").replace("\\", "")
"""The same as part of a name of a file."""
RESULTS = Path(__file__).parents[1] / "data" / "results-v1"
FEW = ("--number", "12", "--runs", "1")


def harmless(text: str) -> bool:
    return all(letter in "\n\u200c\u200d\xa0\u202f\u3000" or letter.isprintable() for letter in text)


def check(captured: Any, *, forged: bool = False) -> None:
    """Assert that both streams hold nothing that acts on a terminal, and no line of somebody else's making."""
    for text in captured:
        assert harmless(text), ascii(text)
        assert forged or "\nerror: forged" not in text, text
        assert len(text) < 200_000


LINES: dict[str, tuple[str, ...]] = {
    "command": (EVIL,),
    "option of nothing": (f"--{EVIL}",),
    "option": ("run", f"--{EVIL}"),
    "app": ("run", EVIL),
    "app as path": ("run", f"./{EVIL}.onnx"),
    "engine": ("run", "APP", "--engine", EVIL),
    "engine option": ("run", "APP", "--engine", f"fake:{EVIL}=1"),
    "engine value": ("run", "APP", "--engine", f"fake:threads={EVIL}"),
    "set": ("run", "APP", "--engine", "fake", "--set", f"{EVIL}=1"),
    "set value": ("run", "APP", "--engine", "fake", "--set", f"threads={EVIL}"),
    "device": ("run", "APP", "--engine", "fake", "--device", EVIL),
    "shape": ("run", "APP", "--shape", f"{EVIL}=1,2"),
    "shape value": ("run", "APP", "--shape", f"x={EVIL}"),
    "range": ("run", "APP", "--range", f"{EVIL}=0,1"),
    "data": ("run", "APP", "--data", EVIL),
    "output": ("run", "APP", "-o", f"/nowhere/{EVIL}", *FEW),
    "affinity": ("run", "APP", "--affinity", EVIL),
    "percentile": ("run", "APP", "--percentile", EVIL),
    "quality": ("run", "APP", f"--quality={EVIL}"),
    "variant": ("run", "APP", "--variant", EVIL),
    "show": ("show", EVIL),
    "show path": ("show", f"{EVIL}.json"),
    "compare": ("compare", EVIL, EVIL),
    "compare gate": ("compare", "a", "b", "--fail-slower", EVIL),
    "live": ("compare", "--live", "APP", "--engine", EVIL, "--engine", "fake"),
    "results": ("results", EVIL),
    "results app": ("results", "--app", EVIL),
    "results engine": ("results", "--engine", EVIL),
    "results age": ("results", "--older-than", EVIL),
    "delete": ("results", EVIL, "--delete", "--yes"),
    "pull": ("pull", EVIL),
    "validate": ("validate", EVIL),
    "new app": ("new-app", EVIL, "--class", EVIL),
    "new app folder": ("new-app", "MODEL", EVIL),
    "convert": ("convert", EVIL, "--to", EVIL),
    "convert to": ("convert", "APP", "--to", EVIL),
    "agree": ("agree", "APP", "--engines", EVIL),
    "tolerance": ("agree", "APP", "--tolerance", EVIL),
    "check": ("check", EVIL),
    "check model": ("check", "fake", "--model", EVIL),
    "new plugin": ("new-plugin", EVIL),
    "new plugin folder": ("new-plugin", "acme", "--dir", f"/proc/{EVIL}"),
    "doctor": ("doctor", "--affinity", EVIL),
    "target": ("benchmark-analyzer", "--target-config", EVIL, "--ai-app", "APP"),
    "package": ("benchmark-analyzer", "--target-config", "local", "--ai-app", "APP", "--deployment-package", EVIL),
    "help": ("help", EVIL),
    "many": ("show", EVIL * 20_000),
}


@pytest.fixture
def app(fake_app: Callable[..., Path]) -> str:
    return str(fake_app())


@pytest.mark.long
@pytest.mark.parametrize("route", list(LINES))
def test_what_is_typed_comes_back_harmless(route: str, app: str, capsys: Capture) -> None:
    words = [app if word == "APP" else f"{app}/model.fake" if word == "MODEL" else word for word in LINES[route]]
    main(words)
    check(capsys.readouterr())


@pytest.mark.parametrize("route", ["app", "engine", "show path", "check model", "many"])
def test_a_traceback_is_harmless_too(route: str, app: str) -> None:
    words = [app if word == "APP" else word for word in LINES[route]]
    words = [word[:60_000] for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "lpbench", *words, "--debug"], capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" in done.stderr
    assert harmless(done.stdout + done.stderr), ascii(done.stderr)


@pytest.fixture
def evil_app(fake_app: Callable[..., Path], tmp_path: Path) -> Path:
    """Return an app in which everything that has a name has a hostile one."""
    folder = fake_app().parent / f"app {NAME}"
    (folder / "samples").mkdir(parents=True)
    for number in (1, 2):
        (folder / "samples" / f"{number}{NAME}.txt").write_text(str(number), encoding="ascii")
    (folder / "model.fake").write_text("{}", encoding="ascii")
    return write_app(
        folder,
        {"fake": {"file": "model.fake"}},
        name=f"net {EVIL}",
        pre={"type": "text", "offset": 5},
        post={"type": "text"},
        labels=[f"even {UNSEEN}", f"odd {UNSEEN}"],  # others are refused
        samples=["samples"],
    )


SHOWN = {
    "text": (),
    "verbose": ("-v",),
    "predictions": ("--predictions",),
    "json": ("--json",),
    "csv": ("--csv",),
    "markdown": ("--markdown",),
    "html": ("--html",),
}


COMPARED = ((), ("--json",), ("--csv",), ("--markdown",), ("--html",))


def test_an_app_of_hostile_names_is_run_and_shown(evil_app: Path, capsys: Capture) -> None:
    """Validated, measured, shown in every form, compared in every form, listed, in a notebook."""
    for words in (
        ["validate", str(evil_app)],
        ["validate", str(evil_app), "--json"],
        ["run", str(evil_app), *FEW],
        ["run", str(evil_app), *FEW, "-v", "--predictions"],
        ["run", str(evil_app), *FEW, "--json"],
        *(["show", *form] for form in SHOWN.values()),
        *(["compare", "last", "last", "--force", *form] for form in COMPARED),
        ["results"],
        ["results", "--json"],
        ["benchmark-analyzer", "--target-config", "local", "--ai-app", str(evil_app)],
        ["agree", str(evil_app), "--engines", "fake,phony"],
        ["convert", str(evil_app), "--to", "table"],
    ):
        status = main(words)
        captured = capsys.readouterr()
        check(captured)
        assert status == 0 or words[0] not in {"run", "show", "compare", "results"}, (words, captured.err)
        if "--json" in words:
            assert captured.out, (words, captured.err)
            assert json.loads(captured.out), (words, captured.err)
    shown(lpbench.last())


def shown(value: Any) -> None:
    """Assert that a value is harmless at a prompt, when it is printed and in a notebook."""
    for text in (repr(value), str(value), value._repr_html_()):
        assert harmless(text), ascii(text)
    assert "<script" not in value._repr_html_()


def strings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places of all texts of a document."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from strings(item, (*path, key))


def changed(document: Any, places: Any) -> Any:
    """Return a copy of a document with hostile texts at some places."""
    copy = json.loads(json.dumps(document))
    for *path, last in places:
        inner = copy
        for key in path:
            inner = inner[key]
        inner[last] = f"{inner[last]}<script>{EVIL}"
    return copy


@pytest.mark.parametrize("name", ["crashed", "explained", "in-lockstep", "interrupted", "not-ready", "quality"])
def test_the_results_of_others_are_shown_harmless(name: str, tmp_path: Path, capsys: Capture) -> None:
    """Every text of a document that may be anything is hostile; where none may be, the refusal is shown."""
    file = RESULTS / f"{name}.json"
    main(["show", str(file), "--json"])
    document = json.loads(capsys.readouterr().out)
    places = list(strings(document))

    def accepts(some: Any) -> bool:
        (tmp_path / "one.json").write_text(json.dumps(changed(document, some)), encoding="utf-8")
        status = main(["show", str(tmp_path / "one.json"), "-v", "--predictions"])
        check(capsys.readouterr())
        return status == 0

    free: list[Any] = []
    pending = [places]
    while pending:  # halves: which of them are refused is not known
        some = pending.pop()
        if accepts(some):
            free += some
        elif len(some) > 1:
            pending += [some[: len(some) // 2], some[len(some) // 2 :]]
    assert free
    accepts(free)
    evil = tmp_path / f"{NAME}.json"
    (tmp_path / "one.json").rename(evil)
    for form in SHOWN.values():
        main(["show", str(evil), *form])
        check(capsys.readouterr())
    for form in COMPARED:
        main(["compare", str(evil), str(file), "--force", *form])
        check(capsys.readouterr())
    shown(lpbench.load_result(str(evil)))


SOURCE = f"""
import lpbench
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import *

EVIL = {EVIL!r}
print(EVIL.partition(chr(10))[0])  # the lines that it prints are its own

class Spec(EngineSpec):
    def availability(self): return Availability(State.UNSUPPORTED, EVIL, EVIL)
    def version(self): return EVIL

class Broken(EngineSpec):
    def availability(self): raise OSError(EVIL)

@hookimpl
def lpbench_register_engines(register):
    register(Spec("acme", "acme:" + EVIL, EVIL, formats={{EVIL: (EVIL,)}}, aliases=(EVIL,)))
    register(Broken("broken", "acme:Engine", EVIL))

@hookimpl
def lpbench_register_commands(register):
    register(CommandSpec("hail", EVIL, EVIL))

@hookimpl
def lpbench_register_apps(register):
    register(AppSpec("an-app", "acme:" + EVIL, EVIL))

@hookimpl
def lpbench_register_metrics(register):
    raise OSError(EVIL)
"""


@pytest.mark.parametrize(
    "words",
    [
        ("engines",),
        ("engines", "--json"),
        ("engines", "--probe"),
        ("plugins",),
        ("plugins", "-v"),
        ("plugins", "--json"),
        ("apps",),
        ("apps", "--json"),
        ("pull", "an-app"),
        ("hail",),
        ("--help",),
        ("check", "acme"),
        ("check", "acme", "-v"),
        ("check", "acme", "--json"),
    ],
    ids=" ".join,
)
def test_what_plugins_say_is_shown_harmless(install: Install, words: tuple[str, ...], capsys: Capture) -> None:
    install("acme", SOURCE)
    install("bolt", f"raise OSError({EVIL!r} * 1000)")
    main(list(words))
    captured = capsys.readouterr()
    check(captured)
    if "--json" in words and captured.out:
        assert json.loads(captured.out)


def test_plugins_and_engines_are_harmless_in_a_notebook(install: Install) -> None:
    install("acme", SOURCE)
    for value in (lpbench.plugins(), lpbench.engines(), lpbench.apps(), *lpbench.engines().values()):
        shown(value)
    with pytest.raises(lpbench.LpbenchError) as caught:
        registry.current().get(registry.ENGINES, f"other {EVIL}")
    assert harmless(str(caught.value))


ENGINE = """
from dataclasses import dataclass
import sys, warnings
import lpbench
from lpbench.plugin.engine import Engine, Session, TensorInfo

@dataclass(frozen=True)
class Config:
    device: str = "cpu"
    threads: int = 1

class Acme(Engine):
    def open(self, model, config, /, *, shapes, profile=False):
        line = EVIL.partition(chr(10))[0]; print(line); print(line, file=sys.stderr); warnings.warn(line)
        raise RAISED
"""


@pytest.mark.parametrize(
    "raised", ["lpbench.EngineError(EVIL, where=EVIL, hint=EVIL)", "OSError(EVIL)", "ValueError('x' * 5_000_000)"]
)
@pytest.mark.parametrize("more", [(), ("--no-isolate",)])
def test_what_an_engine_says_is_shown_harmless(  # noqa: PLR0913 - fixtures
    install: Install,
    *,
    site: Path,
    fake_app: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    raised: str,
    more: tuple[str, ...],
    capsys: Capture,
) -> None:
    install(
        "acme",
        f"EVIL = {EVIL!r}\n{ENGINE.replace('RAISED', raised)}\n"
        "from lpbench.plugin.hookspecs import hookimpl\nfrom lpbench.plugin.specs import EngineSpec\n"
        "@hookimpl\ndef lpbench_register_engines(register):\n"
        "    register(EngineSpec('acme', 'acme:Acme', formats={'fake': ('.fake',)}, config='acme:Config'))\n",
    )
    app = str(fake_app())
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    registry.refresh()
    for words in (
        ["run", app, "--engine", "fake", "--engine", "acme", *FEW, *more],
        ["show", "-v"],
        ["show", "--html"],
        ["results"],
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            status = main(words)
        captured = capsys.readouterr()
        check(captured)
        assert status == 0, captured.err


def test_variables_are_shown_harmless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / NAME))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / NAME))
    monkeypatch.setenv("LPBENCH_DISABLED_PLUGINS", f"acme,{EVIL}")
    for words in (["results"], ["show"], ["run", EVIL], ["plugins"], ["apps"]):
        main(words)
        check(capsys.readouterr())


def test_progress_is_harmless(capsys: Capture) -> None:
    from lpbench.cli._progress import Live
    from lpbench.cli._steps import Steps
    from lpbench.jobs.measuring.progress import Progress

    live = Live(sys.stderr)
    live(Progress(EVIL, "measuring", 0, 8, 0.5, 4.2, 0.0061, 100, note=EVIL))
    steps = Steps()
    steps.show(1, EVIL, 0.0)
    steps.close()
    check(capsys.readouterr())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(), max_size=60), st.text(st.characters(), max_size=60))
def test_no_text_passes_the_gates_and_json_keeps_it(capsys: Capture, text: str, key: str) -> None:
    """Lone surrogates included: nothing that is printed can fail to be encoded."""
    _console.answer(text)
    _console.say(text)
    _console.answer_json({key: text})
    captured = capsys.readouterr()
    assert harmless(captured.out)
    assert harmless(captured.err)
    assert captured.err.count("\n") == 1
    document = captured.out.partition("\n")[2]
    assert json.loads(document) == {key: text}


def test_styles_are_ours_alone(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """On a terminal too, what a file says of colours is escaped, and what lpbench says of them is not."""
    monkeypatch.setattr(_console, "coloured", lambda _stream: True)
    paint = _console.painter(sys.stdout)
    _console.answer(paint("good \x1b[31mred", "good"))
    assert capsys.readouterr().out == "\x1b[32mgood \\x1b[31mred\x1b[0m\n"


def test_messages_of_megabytes_are_cut_and_whole_with_debug(tmp_path: Path) -> None:
    name = "x" * 100_000
    words = [sys.executable, "-m", "lpbench", "show", name]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert len(done.stderr) < 10_000
    assert "characters left out" in done.stderr
    whole = subprocess.run(
        [*words, "--debug"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert name in whole.stderr
