"""The core's layers: imports only point down, nothing but pluggy is needed, and no engine is known by name."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "lpbench"

# Each group may import itself and every group of a lower rank; groups of one rank do not know each other.
# A name stands for a module or a package with all that is in it.
GROUPS: dict[str, tuple[int, frozenset[str]]] = {
    "contracts": (
        0,
        frozenset({"errors", "specs", "engine", "processor", "monitor", "hookspecs", "converter", "quality"}),
    ),
    "tools": (
        1,  # files, JSON, archives and programs; they know neither apps nor measurements
        frozenset(
            {
                "about",
                "archives",
                "categories",
                "child",
                "cores",
                "feeds",
                "folders",
                "jsonfile",
                "keywords",
                "made_up",
                "onnx_source",
                "plugin_writer",
                "problems",
                "schema",
            }
        ),
    ),
    "measuring": (
        2,
        frozenset(
            {
                "cycles",
                "document",
                "explain",
                "machine",
                "memory",
                "metrics",
                "render",
                "result",
                "stats",
                "store",
                "timing",
                "verdicts",
                "yardstick",
            }
        ),
    ),
    "apps and plugins": (
        2,
        frozenset(
            {
                "app",
                "app_check",
                "app_files",
                "app_guess",
                "app_metadata",
                "bare_model",
                "builtin",
                "catalogue",
                "config",
                "dataset",
                "fetch",
                "models",
                "quality_metrics",
                "recipe",
                "registry",
                "samples",
                "tensors",
                "tools",
            }
        ),
    ),
    "assembling": (
        3,
        frozenset(
            {
                "agreement",
                "app_writer",  # asks a worker what a model's inputs are
                "bench",
                "client",
                "comparison",
                "conversion",
                "diagnosis",
                "judging",
                "listing",
                "live",
                "lockstep",
                "measure",
                "opening",
                "outcome",
                "pilot",
                "pipeline",
                "plan",
                "probing",
                "protocol",
                "raw_outputs",
                "runner",
                "sharing",
                "source_tensors",
                "testing",
                "worker",
                "yardsticks",
            }
        ),
    ),
    "faces": (4, frozenset({"cli", "__init__", "__main__"})),
}

# Imports that the rules above forbid, each with its reason.
REASONED = {
    ("result", "render"): "a result shows itself in a notebook; render reads results and nothing else",
    ("result", "document"): "a result has its own dictionary; document reads results and nothing else",
    ("result", "store"): "a result saves itself; store reads and writes results and nothing else",
}

# Modules that reach themselves through imports, those inside functions and for types included.  Strict: a module that
# joins a cycle fails the test, and so does one that has left all cycles and is still named here.
IN_CYCLES = frozenset(
    {
        "agreement",
        "agreement._agree",
        "agreement._agreed",
        "agreement._bisect",
        "agreement._tally",
        "agreement._targets",
        "agreement.inside",
        "conversion",
        "conversion._apps",
        "conversion._cache",
        "conversion._check",
        "conversion._differ",
        "document",
        "metrics",
        "opening",
        "raw_outputs",
        "render",
        "render._anchors",
        "render._context",
        "render._details",
        "render._html",
        "render._names",
        "render._parts",
        "render._screen",
        "render._summary",
        "render._units",
        "result",
        "runner",
        "source_tensors",
        "store",
    }
)

# Distributions beyond pluggy, and the modules that may import them inside functions.
OPTIONAL = {
    "numpy": {
        "agreement",
        "conversion",
        "dataset",
        "feeds",
        "made_up",
        "pipeline",
        "raw_outputs",
        "tensors",
        "testing",
        "yardstick",
    },
    "onnx": {"onnx_source", "testing"},
    "yaml": {"app_metadata"},
    "rich": {"cli"},
    "pandas": {"result"},
    "pytest": {"testing"},
}

# Where an engine's name may stand in code: tables that help people, never decisions.
NAMED = {
    "registry": "which extra brings an engine that is not installed",
    "bare_model": "file formats, some of which are called like their engines",
}

ENGINES = {"onnxruntime", "lne", "lpdnn", "ncnn", "tflite", "litert", "openvino", "tensorrt", "trt", "acl", "ort"}


class Import(NamedTuple):
    """One import: who, what, and whether it stands inside a function."""

    module: str
    target: str
    line: int
    inside: bool


def modules() -> dict[str, ast.Module]:
    """Return every module of the core by its name below lpbench, parsed; a package and its ``__init__`` are one."""
    return {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))}


def module_name(path: Path) -> str:
    """Return a file's name as others import it, below lpbench."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def imports(name: str, tree: ast.Module) -> Iterator[Import]:
    """Yield the imports of a module, those under TYPE_CHECKING and inside functions too."""
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    inner = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import in line {node.lineno}"
            targets = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (Import(name, target, node.lineno, id(node) in inner) for target in targets)  # type: ignore[attr-defined] # both kinds have a line


def ours(target: str) -> str | None:
    """Return the module of the core that an import reaches, by its name below lpbench; None for other packages."""
    first, *rest = target.split(".")
    if first != "lpbench":
        return None
    while rest and not ((SOURCE / "/".join(rest)).is_dir() or (SOURCE / "/".join(rest)).with_suffix(".py").exists()):
        rest.pop()
    return ".".join(rest) or "__init__"


def group(module: str) -> str | None:
    """Return the group that a module stands in."""
    return next((word for word, (_, names) in GROUPS.items() if module.partition(".")[0] in names), None)


def allowed(source: str, target: str) -> bool:
    """Say whether one module of the core may import another."""
    if source.partition(".")[0] == target.partition(".")[0]:
        return True
    above, below = group(source), group(target)
    assert above, f"{source} stands in no layer: name it in this test and in ARCHITECTURE.md"
    assert below, f"{target} stands in no layer: name it in this test and in ARCHITECTURE.md"
    return above == below or GROUPS[above][0] > GROUPS[below][0]


ALL = modules()
EVERY = [each for name, tree in ALL.items() for each in imports(name, tree)]


def test_imports_point_down() -> None:
    """Every import of every module, also inside functions and for types only, against the table of layers."""
    wrong = {
        f"{each.module}:{each.line} imports {target}"
        for each in EVERY
        if (target := ours(each.target)) is not None
        and not allowed(each.module, target)
        and (each.module.partition(".")[0], target.partition(".")[0]) not in REASONED
    }
    assert not wrong


def in_cycles(graph: dict[str, set[str]]) -> set[str]:
    """Return the nodes of a graph that reach themselves."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [*graph[start]]
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting += graph.get(node, ())
        return seen

    return {node for node in graph if node in reached(node)}


def test_no_module_reaches_itself_but_those_that_are_named() -> None:
    graph: dict[str, set[str]] = {}
    for each in EVERY:
        target = ours(each.target)
        if target not in {None, "__init__", each.module}:
            graph.setdefault(each.module, set()).add(str(target))
    assert in_cycles(graph) == IN_CYCLES


def test_a_cycle_through_a_package_and_through_lazy_imports_is_seen() -> None:
    files = {
        "pack": "from lpbench.pack.part import thing",
        "pack.part": "def late():\n    from lpbench import other",
        "other": "from lpbench import pack",
        "apart": "import lpbench.pack",
    }
    graph = {
        name: {each.target.removeprefix("lpbench.").removesuffix(".thing") for each in imports(name, ast.parse(text))}
        for name, text in files.items()
    }
    assert in_cycles(graph) == {"pack", "pack.part", "other"}


def test_exceptions_are_still_needed() -> None:
    found = {(each.module.partition(".")[0], str(ours(each.target)).partition(".")[0]) for each in EVERY}
    assert set(REASONED) <= found
    assert {name for _, names in GROUPS.values() for name in names} <= {name.partition(".")[0] for name in ALL}


def test_the_core_needs_only_the_standard_library_and_pluggy() -> None:
    """Other packages are imported inside functions of the modules that may, or for types only."""
    wrong = []
    for each in EVERY:
        package = each.target.partition(".")[0]
        if package in {"lpbench", "__future__", "pluggy", "typing_extensions"} or package in sys.stdlib_module_names:
            continue
        may = each.module.partition(".")[0] in OPTIONAL.get(package, set())
        if not (may and (each.inside or for_types(each))):
            wrong.append(f"{each.module}:{each.line} imports {each.target}")
    assert not wrong
    assert {each.module for each in EVERY if each.target.startswith("pluggy")} == {"hookspecs", "registry"}
    assert all(for_types(each) for each in EVERY if each.target.startswith("typing_extensions"))


def for_types(wanted: Import) -> bool:
    """Say whether an import stands under ``if TYPE_CHECKING``."""
    guards = [node for node in ast.walk(ALL[wanted.module]) if isinstance(node, ast.If)]
    typed = [node for node in guards if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"]
    return any(node.lineno < wanted.line <= (node.body[-1].end_lineno or 0) for node in typed)


def test_the_core_decides_nothing_by_an_engines_name() -> None:
    """No string of the code is an engine's name, alone; examples in help texts and docstrings are longer."""
    wrong = [
        f"{name}:{node.lineno}: {node.value!r}"
        for name, tree in ALL.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lower() in ENGINES
        if name not in NAMED
    ]
    assert not wrong


def test_the_engines_that_are_installed_here_are_among_the_forbidden_names() -> None:
    from lpbench import registry

    pytest.importorskip("lpbench_ort", reason="needs lpbench_ort")
    found = registry.current()
    specs = [each.spec for each in found.all(registry.ENGINES).values() if found.plugins()[each.plugin]]
    formats = {name for spec in specs for name in spec.formats}
    assert {name for spec in specs for name in (spec.name, *spec.aliases)} - formats <= ENGINES
