"""Every example of every hook, from the pages that show them: one plugin that is installed and used."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

for needed in ("numpy", "hatchling", "pip"):
    pytest.importorskip(needed, reason=f"needs {needed}")

ROOT = Path(__file__).parents[2]
ACME = ROOT / "tests" / "data" / "lpbench-acme"
"""The plugin whose engine stands in the README."""
HOOKS = "reference/hooks.md"
GUIDES = ("write-a-postprocessor.md", "write-a-monitor.md", "write-a-metric.md", "convert.md")
PAGES = (HOOKS, *(f"how-to/{guide}" for guide in GUIDES))
KINDS = "engine preprocessor postprocessor monitor metric converter analyzer algorithm app command".split()  # noqa: SIM905 - one line


def blocks(page: str) -> list[tuple[str, str]]:
    """Return the Python of a page: the file that the sentence above names, else none, and the code."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = []
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        above = text[: block.start()].rstrip().rpartition("\n\n")[2]
        names = re.findall(r"`lpbench_acme/(\w+\.py)`", above)
        found.append((names[-1] if names else "", block[1]))
    return found


def shown_tests(page: str) -> list[str]:
    """Return what a page shows as a test of the plugin."""
    return [code for name, code in blocks(page) if not name and "def test_" in code]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the plugin of the pages and install it with pip into a folder of its own."""
    project, folder = tmp_path_factory.mktemp("acme") / "project", tmp_path_factory.mktemp("site")
    shutil.copytree(ACME, project)
    package = project / "lpbench_acme"
    hooks = [code for name, code in blocks(HOOKS) if not name]
    (package / "__init__.py").write_text("\n\n".join(["import lpbench\n", *hooks]), encoding="utf-8")
    for name, code in (each for page in PAGES for each in blocks(page)):
        if name not in {"", "__init__.py"}:
            assert not (package / name).exists(), name
            (package / name).write_text(code, encoding="utf-8")
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", "-qq", *offline, str(project)], check=True)
    return folder


@pytest.fixture
def environment(site: Path, tmp_path: Path) -> dict[str, str]:
    """Return variables with which the plugin is found, and with folders of the test's own."""
    own = {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CACHE_HOME": str(tmp_path / "cache"), "NO_COLOR": "1"}
    return {**os.environ, **own, "PYTHONPATH": str(site)}


def python(environment: dict[str, str], folder: Path, *words: str, status: int = 0) -> str:
    """Run Python, which must end with a status; return what it printed."""
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, text=True, capture_output=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def test_every_hook_of_the_example_is_called_and_none_fails(environment: dict[str, str], tmp_path: Path) -> None:
    plugins = json.loads(python(environment, tmp_path, "-m", "lpbench", "plugins", "--json"))
    (acme,) = (each for each in plugins if each["name"] == "acme")
    assert acme["distribution"] == "lpbench-acme 1.0"
    assert sorted(acme["offers"]) == sorted(KINDS)
    python({**environment, "LPBENCH_STRICT_PLUGINS": "1"}, tmp_path, "-m", "lpbench", "plugins")


def test_the_monitor_is_used_by_a_run_without_further_ado(environment: dict[str, str], tmp_path: Path) -> None:
    python(environment, tmp_path, "-m", "lpbench", "pull", "acme-pulse")
    asked = ("--number", "6", "--runs", "1", "--resources", "-o", "r.json")
    python(environment, tmp_path, "-m", "lpbench", "run", "acme-pulse", *asked)
    (found,) = json.loads((tmp_path / "r.json").read_text("utf-8"))["configurations"]
    (queue,) = (each for each in found["runs"][0]["resources"]["resources"] if each["name"] == "RUN_QUEUE")
    assert (queue["monitor"], queue["unit"], queue["reason"]) == ("run-queue", "1", "")
    assert queue["mean"] >= 1, "the engine's own thread runs"


def test_the_guides_show_hooks_as_the_reference_does() -> None:
    known = {code for name, code in blocks(HOOKS) if not name}
    shown = [code for page in PAGES[1:] for name, code in blocks(page) if "@lpbench.hookimpl" in code]
    assert len(shown) == len(PAGES[1:])
    assert set(shown) <= known


def test_app_engine_processors_words_and_metric_make_one_measurement(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The catalogue's entry is built and measured on recordings with a known pulse; the command reads the result."""
    (tmp_path / "recordings").mkdir()
    for name, height in (("calm", "2 2 2 2"), ("quick", "4 4 4 4")):
        (tmp_path / "recordings" / f"{name}.txt").write_text(height, encoding="utf-8")
    (tmp_path / "recordings" / "labels.csv").write_text("file,value\ncalm.txt,62\nquick.txt,150\n", encoding="utf-8")
    python(environment, tmp_path, "-m", "lpbench", "pull", "acme-pulse")
    asked = ("--number", "6", "--data", "recordings", "--quality", "within-5", "--predictions", "-o", "r.json")
    shown = python(environment, tmp_path, "-m", "lpbench", "run", "acme-pulse", *asked)
    assert "within-5 0.500" in shown
    assert "60 beats a minute" in shown
    assert "120 beats a minute" in shown
    assert python(environment, tmp_path, "-m", "lpbench", "acme-best", "r.json") == "acme\n"


def test_the_guess_makes_a_new_app(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "m.acme").write_text('{"factor": 0.5}', encoding="utf-8")
    words = ("new-app", "fresh", "--class", "signal_processing", "--model", "m.acme")
    assert "gain takes another factor" in python(environment, tmp_path, "-m", "lpbench", *words)
    (component,) = json.loads((tmp_path / "fresh" / "ai_app_config.json").read_text("utf-8"))["components"]
    assert component["preprocessing"] == {"type": "signal", "gain": 0.5}
    assert component["postprocessing"] == {"type": "pulse"}


@pytest.mark.long
@pytest.mark.parametrize("name", ["signal", "pulse", "run-queue"])
def test_the_processors_and_the_monitor_keep_their_contracts(
    environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    found = json.loads(python(environment, tmp_path, "-m", "lpbench", "check", name, "--json"))
    assert found["ok"], [each for each in found["checks"] if not each["ok"]]
    assert not [each for each in found["checks"] if each["status"] == "not ready"]


def test_the_guides_tests_of_a_postprocessor_run(environment: dict[str, str], tmp_path: Path) -> None:
    (code,) = shown_tests("how-to/write-a-postprocessor.md")
    (tmp_path / "test_pulse.py").write_text(code, encoding="utf-8")
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "spec_is_complete or description_is_right")
    assert "2 passed" in python(environment, tmp_path, *words, str(tmp_path))


def test_the_converter_converts_and_the_conversion_computes_the_same(
    environment: dict[str, str], tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    import numpy as np

    from lpbench.testing.onnx_models import FLOAT, save

    shape, factor = (1, 4), {"k": np.array(3, np.float32)}
    node = onnx.helper.make_node("Mul", ["signal", "k"], ["rate"])
    save(tmp_path / "m.onnx", [node], [("signal", FLOAT, shape)], [("rate", FLOAT, shape)], factor)
    python(environment, tmp_path, "-m", "lpbench", "convert", "m.onnx", "--to", "acme")
    assert json.loads((tmp_path / "m.acme").read_text("utf-8")) == {"factor": 3}


def test_the_algorithm_is_swept(environment: dict[str, str], tmp_path: Path) -> None:
    asked = ("sweep", "acme-sine", "--values", "order=2,8,20", "--runs", "1", "-o", "rows", "--json")
    rows = json.loads(python(environment, tmp_path, "-m", "lpbench", *asked))["rows"]
    errors = {row["asked"]["values"]["order"]: row["metrics"]["error"]["value"] for row in rows}
    assert errors[2] > 1 > errors[20]
    assert errors[20] < 1e-9


def test_the_analyzer_meets_its_contract(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "m.acme").write_text('{"factor": 0.5}', encoding="utf-8")
    code = """
from pathlib import Path
from lpbench import Model
from lpbench.plugin import registry
analyzer = registry.current().get(registry.ANALYZERS, "acme").spec.load()(Model("acme", Path("m.acme")))
found = analyzer.analyze({"signal": (2, 4)})
print(found.params, found.storage_bytes, found.activation_bytes, found.bytes_moved, dict(found.operators))
"""
    assert python(environment, tmp_path, "-c", code) == "1 4 64 68 {'Mul': 1}\n"
