"""Finding plugins: what is offered, what went wrong, and that neither costs an import of anything heavy."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.errors import DuplicateNameError, NotInstalledError, PluginError, UnknownNameError
from lpbench.plugin import registry
from lpbench.plugin.discovery import CLASS_EXTRAS, ENDING_EXTRAS, EXTRAS, KIND_EXTRAS, brought_by
from lpbench.plugin.failures import Failure
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.registry import COMMANDS, ENGINES, METRICS, PREPROCESSORS, Registry
from lpbench.plugin.specs import EngineSpec, MetricSpec, State

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]

ENGINE = """
from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import EngineSpec

@hookimpl
def lpbench_register_engines(register):
    formats = {{"onnx": (".onnx",)}}
    register(EngineSpec("{name}", "{module}_heavy:Engine", "an engine", aliases={aliases}, formats=formats))
"""


def engine(module: str, name: str = "", aliases: tuple[str, ...] = ()) -> str:
    """Return the source of a plugin that offers one engine."""
    return ENGINE.format(module=module, name=name or module, aliases=aliases)


class Offers:
    """A plugin in a class, for registries that are filled by hand."""

    def __init__(self, *specs: object, error: BaseException | None = None) -> None:
        self.specs = specs
        self.error = error

    @hookimpl
    def lpbench_register_engines(self, register: Callable[[Any], None]) -> None:
        """Offer everything, then fail if asked to."""
        for spec in self.specs:
            register(spec)
        if self.error:
            raise self.error


def survey(found: Registry) -> list[Failure]:
    """Ask every plugin for all that it offers, as ``lpbench plugins`` does, and return what went wrong."""
    for kind in registry.KINDS:
        found.all(kind)
    return found.failures


def failed(found: Registry, plugin: str) -> Failure:
    (failure,) = [failure for failure in survey(found) if failure.plugin == plugin]
    return failure


def in_child(code: str, site: Path) -> Any:
    """Run code in a fresh interpreter that sees what was installed, and return what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_an_installed_plugin_is_found_with_its_distribution(install: Callable[..., Path]) -> None:
    install("acme", engine("acme"))
    offer = registry.current().get(ENGINES, "acme")
    assert (offer.spec.name, offer.plugin, offer.distribution) == ("acme", "acme", "lpbench-acme 1.0")
    assert registry.current().plugins()["acme"] == "lpbench-acme 1.0"


def test_listing_imports_no_implementation_and_nothing_heavy(install: Callable[..., Path], site: Path) -> None:
    """Discovering every plugin that is installed here and listing all their offers, in a fresh process."""
    install("acme", engine("acme"))
    (site / "acme_heavy.py").write_text("import numpy\n", encoding="utf-8")
    modules = in_child(
        "import json, sys; from lpbench.plugin import registry; found = registry.current();"
        "[found.all(kind) for kind in registry.KINDS];"
        "[each.availability() for kind in registry.KINDS for each in found.all(kind).values()];"
        "print(json.dumps([list(found.all(registry.ENGINES)), list(sys.modules)]))",
        site,
    )
    assert "acme" in modules[0]
    assert "acme" in modules[1]
    heavy = {"acme_heavy", "numpy", "onnxruntime", "onnx", "cv2", "yaml", "rich", "scipy", "argparse", "asyncio"}
    assert not heavy & set(modules[1])


def test_importing_lpbench_discovers_nothing(install: Callable[..., Path], site: Path) -> None:
    install("acme", "raise SystemExit('imported')")
    assert in_child("import json, sys, lpbench; print(json.dumps('acme' in sys.modules))", site) is False


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 /", "SyntaxError"),
        (
            "from lpbench.plugin.hookspecs import hookimpl\n@hookimpl\ndef lpbench_register_engine(register): ...",
            'did you mean "lpbench_register_engines"?',
        ),
        ("def lpbench_register_engines(register): ...", "@lpbench.hookimpl"),
        ("def lpbench_register_enginess(register): ...", 'did you mean "lpbench_register_engines"?'),
        (
            "from lpbench.plugin.hookspecs import hookimpl\n@hookimpl\ndef lpbench_register_engines(registry): ...",
            "registry",
        ),
        (f"{engine('acme')}    raise OSError('half-way')", "OSError: half-way"),
        (f"{engine('acme')}    raise SystemExit('half-way')", "SystemExit: half-way"),
        (f"{engine('acme')}    register('acme')", "registered 'acme'; expected EngineSpec"),
    ],
    ids=[
        "import",
        "exit",
        "syntax",
        "misspelt",
        "unmarked",
        "both",
        "argument",
        "half-way",
        "exits half-way",
        "wrong object",
    ],
)
def test_a_broken_plugin_is_a_record_and_the_others_work(install: Callable[..., Path], source: str, told: str) -> None:
    """However a plugin breaks, lpbench goes on, offers nothing of it, and says what is wrong and who brings it."""
    install("acme", source)
    install("fine", engine("fine"))
    found = registry.current()
    assert told in str(failed(found, "acme"))
    assert "lpbench-acme 1.0" in str(failed(found, "acme"))
    assert found.get(ENGINES, "fine").availability()
    assert "acme" not in found.all(ENGINES)


def test_an_unknown_name_names_the_nearest_and_what_failed_to_load(install: Callable[..., Path]) -> None:
    install("fine", engine("fine", "superfast"))
    install("acme", "import no_such_library")
    with pytest.raises(UnknownNameError) as caught:
        registry.current().get(ENGINES, "superfats")
    assert 'unknown engine "superfats"' in str(caught.value)
    assert 'did you mean "superfast"?' in str(caught.value)
    assert "could not load plugin acme (lpbench-acme 1.0): ModuleNotFoundError" in str(caught.value)


@pytest.mark.usefixtures("extras")
def test_a_plugin_of_ours_that_is_not_there_is_named_as_an_extra() -> None:
    """Asking for ONNX Runtime where lpbench-ort is missing, left out, or broken."""
    with pytest.raises(NotInstalledError, match=r'pip install "lpbench\[ort\]"'):
        Registry().get(ENGINES, "onnxruntime")
    with pytest.raises(NotInstalledError, match="LPBENCH_DISABLED_PLUGINS"):
        Registry(disabled=frozenset({"ort"})).get(ENGINES, "onnx")
    broken = Registry()
    broken.failures.append(Failure("ort", "lpbench-ort 1.0", ImportError("no numpy")))
    with pytest.raises(UnknownNameError, match="ImportError: no numpy"):
        broken.get(ENGINES, "onnxruntime")


def test_the_metadata_names_extras_of_lpbench_and_classes_of_apps(extras: dict[str, dict[str, str]]) -> None:
    from lpbench.util.schema import published

    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    offered = re.findall(r"^([\w-]+) = \[", text.partition("[project.optional-dependencies]")[2], flags=re.MULTILINE)
    assert {extra for table in extras.values() for extra in table.values()} <= set(offered)
    assert set(extras[KIND_EXTRAS]) <= {kind.word for kind in registry.KINDS}
    assert set(extras[CLASS_EXTRAS]) <= set(published("lpbench.app", "ai_app")["properties"]["ai_app_class"]["enum"])
    assert brought_by("litert") == "tflite"
    assert brought_by("ort") == "ort", "the extra's own name too"
    assert brought_by("segmentation", group=CLASS_EXTRAS) == "image"
    assert brought_by("segmentation") == ""


def test_any_distribution_may_state_what_brings_a_name(site: Path) -> None:
    info = site / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{EXTRAS}]\nacme-net = acme-gpu\n", encoding="utf-8")
    with pytest.raises(NotInstalledError, match=r'"acme-net" is not installed\n  pip install "lpbench\[acme-gpu\]"'):
        Registry().get(ENGINES, "acme-net")


def test_two_plugins_with_one_engine_name_are_an_error_naming_both(install: Callable[..., Path]) -> None:
    install("acme", engine("acme", "fast"))
    install("bolt", engine("bolt", "fast"))
    install("fine", engine("fine"))
    found = registry.current()
    with pytest.raises(DuplicateNameError, match="'acme' and 'bolt'"):
        found.get(ENGINES, "fast")
    assert found.all(ENGINES)["fast"].availability().state is State.BROKEN
    assert found.get(ENGINES, "fine").availability()
    assert "'acme' and 'bolt'" in str(failed(found, "bolt"))


@pytest.mark.parametrize(("first", "second"), [("fast", "other"), ("other", "fast")])
def test_an_alias_that_is_anothers_name_is_an_error_too(first: str, second: str) -> None:
    found = Registry()
    found.add("acme", Offers(EngineSpec(first, "a:A", aliases=("quick",) if first == "fast" else ("fast",))))
    found.add("bolt", Offers(EngineSpec(second, "b:B", aliases=("quick",) if second == "fast" else ("fast",))))
    for name in ("fast", "other"):
        with pytest.raises(DuplicateNameError, match="'fast' is offered by plugins 'acme' and 'bolt'"):
            found.get(ENGINES, name)


def test_one_name_of_two_kinds_is_no_clash(install: Callable[..., Path]) -> None:
    """The built-in tensors are a pre- and a postprocessor; an engine may be called so as well."""
    install("acme", engine("acme", "tensors"))
    found = registry.current()
    assert found.get(ENGINES, "tensors").plugin == "acme"
    assert found.get(PREPROCESSORS, "tensors").plugin == registry.BUILTIN
    assert not [failure for failure in survey(found) if failure.plugin == "acme"]


def test_two_distributions_with_one_plugin_name_are_an_error_naming_both(install: Callable[..., Path]) -> None:
    install("acme", engine("acme"))
    install("other", engine("other"), plugin="acme", distribution="lpbench-other")
    failure = failed(registry.current(), "acme")
    assert isinstance(failure.error, DuplicateNameError)
    assert "lpbench-acme 1.0" in str(failure)
    assert "lpbench-other 1.0" in str(failure)
    assert registry.current().get(ENGINES, "acme").distribution == "lpbench-acme 1.0"


def test_a_plugin_cannot_take_the_place_of_the_built_ins(install: Callable[..., Path]) -> None:
    install("acme", engine("acme"), plugin="builtin")
    found = registry.current()
    assert "run" in found.all(COMMANDS)
    assert isinstance(failed(found, "builtin").error, DuplicateNameError)


def test_aliases_lead_to_the_engine() -> None:
    found = Registry()
    found.add("acme", Offers(EngineSpec("acme", "a:A", aliases=("ac", "me"))))
    assert found.get(ENGINES, "me").spec.name == "acme"
    assert list(found.all(ENGINES)) == ["acme"]


def test_a_metric_where_an_engine_belongs_is_refused_whole() -> None:
    """A plugin that registers one good and one wrong thing offers neither."""
    found = Registry()
    found.add("acme", Offers(EngineSpec("acme", "a:A"), MetricSpec("top1", "a:top1")))
    assert found.all(ENGINES) == {}
    assert found.all(METRICS) == {}
    assert "; expected EngineSpec" in str(failed(found, "acme"))


def test_a_failure_is_told_once_however_often_is_asked() -> None:
    found = Registry()
    found.add("acme", Offers(error=OSError("gone")))
    survey(found)
    found.add("fine", Offers(EngineSpec("fine", "a:A")))
    survey(found)
    assert [str(failure) for failure in found.failures] == ["acme: OSError: gone"]
    assert list(found.all(ENGINES)) == ["fine"]


def test_disabled_plugins_are_not_even_imported(install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    install("acme", "raise SystemExit('imported')")
    install("bolt", engine("bolt"))
    monkeypatch.setenv("LPBENCH_DISABLED_PLUGINS", "other, acme")
    assert not [failure for failure in survey(registry.current()) if failure.plugin == "acme"]
    assert "bolt" in registry.current().all(ENGINES)


@pytest.mark.parametrize(
    "source",
    [
        "import no_such_library",
        "raise SystemExit(3)",
        "def lpbench_register_engines(register): ...",
        f"{engine('acme')}    raise OSError",
        engine("acme", "fine"),
    ],
    ids=["import", "exit", "unmarked", "half-way", "duplicate"],
)
def test_strict_raises_what_else_is_a_record(
    install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    install("acme", source)
    install("fine", engine("fine"))
    monkeypatch.setenv("LPBENCH_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match=r"acme|fine"):
        survey(registry.current())
    monkeypatch.setenv("LPBENCH_STRICT_PLUGINS", "0")
    assert survey(registry.refresh())


def test_refresh_finds_what_was_installed_meanwhile(install: Callable[..., Path]) -> None:
    """As in a notebook: pip install in one cell, the engine in the next."""
    assert "acme" not in registry.current().all(ENGINES)
    install("acme", engine("acme"))
    assert "acme" not in registry.current().all(ENGINES)
    assert "acme" in registry.refresh().all(ENGINES)
    assert registry.current().get(ENGINES, "acme").distribution == "lpbench-acme 1.0"


def test_a_distribution_without_metadata_stops_nobody(install: Callable[..., Path]) -> None:
    """What an interrupted uninstall leaves: entry points whose METADATA is gone."""
    install("acme", engine("acme"), metadata=False)
    install("fine", engine("fine"))
    found = registry.current()
    assert found.get(ENGINES, "fine").distribution == "lpbench-fine 1.0"
    assert found.get(ENGINES, "acme").spec.name == "acme"


def test_the_built_ins_come_through_the_same_hooks() -> None:
    found = registry.current()
    assert found.plugins()[registry.BUILTIN] == ""
    assert {"run", "engines", "plugins", "apps", "pull", "validate"} <= set(found.all(COMMANDS))


def test_usable_offers_can_be_chosen_by_what_they_say(install: Callable[..., Path]) -> None:
    """Engines that read ONNX, without those whose name is contested."""
    install("acme", engine("acme"))
    install("bolt", engine("bolt", "twice"))
    install("crux", engine("crux", "twice"))
    names = [offer.spec.name for offer in registry.offers_where(ENGINES, lambda spec: "onnx" in spec.formats)]
    assert "acme" in names
    assert "twice" not in names


def test_every_plugin_of_this_repository_can_be_asked_for_before_it_is_installed(
    extras: dict[str, dict[str, str]],
) -> None:
    """The names that lead to an extra are those that the installed plugins of ours really bring."""
    for module in ("lpbench_ort", "lpbench_ncnn", "lpbench_openvino", "lpbench_tflite", "lpbench_image"):
        pytest.importorskip(module, reason=f"needs {module}")
    found = registry.current()
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    brings = dict(re.findall(r'^([\w-]+) = \["(lpbench-\w+)[^"]*"\]$', text, flags=re.MULTILINE))

    def ours(kind: registry.Kind[Any]) -> dict[str, str]:
        offers = {name: found.plugins()[offer.plugin] for name, offer in found.all(kind).items()}
        return {name: origin.partition(" ")[0] for name, origin in offers.items() if origin.startswith("lpbench-")}

    for kind in registry.KINDS:
        stated = {name: brings[extra] for name, extra in extras.get(kind.extras, {}).items()}
        assert ours(kind).items() <= stated.items(), kind.word
        assert kind is ENGINES or stated == ours(kind), kind.word
    engines = {name: found.all(ENGINES)[name].spec for name in ours(ENGINES)}
    words = {word for spec in engines.values() for word in (*spec.aliases, *spec.formats)}
    assert words <= {*extras[EXTRAS], *extras[EXTRAS].values()}, "an extra is a name of its own"
    assert all(brought_by(word) for word in words)
    endings = {ending[1:] for spec in engines.values() for each in spec.formats.values() for ending in each}
    assert endings == set(extras[ENDING_EXTRAS])
