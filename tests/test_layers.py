"""The packages of the core: imports follow a table, close no cycle, need only pluggy; no engine is known by name."""

from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "lpbench"

# What each package may import besides itself, ``errors`` and ``about``; docs/explanation/architecture.md says why.
# A dotted name is that module alone.
BASE = frozenset({"util", "errors", "about"})
MAY_IMPORT: dict[str, frozenset[str]] = {
    "errors": frozenset({"util.outcome", "util.text"}),
    "about": frozenset(),
    "util": BASE,
    "plugin": BASE,
    "machine": BASE,
    "datasheets": BASE,
    "app": BASE | {"plugin"},
    "results": BASE | {"machine", "plugin.configuration"},
    "worker": BASE | {"app", "results.profile", "results.stages", "machine", "plugin"},
    "jobs": BASE | {"app", "datasheets", "machine", "plugin", "results", "worker"},
    # of jobs the values that it shows; of plugins what puts their predictions into words
    "render": BASE
    | {"datasheets", "results"}
    | {f"jobs.{name}" for name in ("agreement", "analysis", "operator_support", "parity", "quantizing")}
    | {f"plugin.{name}" for name in ("analyzer", "registry", "specs")},
    "testing": BASE | {"app", "plugin", "worker"},
}
EVERYTHING = frozenset({"cli", "__init__", "__main__"})
"""The faces, which may import whatever there is."""

# Inside jobs: what a part may import of the other parts.
INSIDE_JOBS: dict[str, frozenset[str]] = {
    "analysis": frozenset({"operator_support"}),
    "parity": frozenset(),
    "engine_choice": frozenset({"environments"}),
    "engine_mistakes": frozenset({"engine_choice", "environments"}),
    "environments": frozenset(),
    "choosing": frozenset({"sweep"}),
    "optimising": frozenset({"choosing", "measuring", "sweep"}),
    "conversion": frozenset({"parity", "engine_choice", "probing"}),
    "engine_supply": frozenset({"engine_choice", "conversion"}),
    "agreement": frozenset(
        {"parity", "engine_choice", "engine_mistakes", "engine_supply", "environments", "conversion"}
    ),
    "measuring": frozenset(
        {"parity", "engine_choice", "engine_mistakes", "engine_supply", "environments", "conversion"}
    ),
    "datasheets": frozenset(),
    "doctor": frozenset({"measuring"}),
    "exchanging": frozenset({"sweep"}),
    "listing": frozenset({"probing"}),
    "machine_recording": frozenset(),
    "monitoring": frozenset({"machine_recording", "measuring"}),
    "new_app": frozenset(),
    "operator_support": frozenset(),
    "probing": frozenset(),
    "quantizing": frozenset({"engine_choice", "conversion"}),
    "roofline": frozenset({"analysis", "measuring"}),
    "sweep": frozenset({"analysis", "conversion", "engine_choice", "engine_mistakes", "measuring"}),
    "validation": frozenset({"engine_choice"}),
}

# What plugins may import of the core, beside the names of ``lpbench`` itself.
FOR_PLUGINS = ("errors", "plugin", "testing", "app.catalogue", "util.atomic_folders", "util.processes")

LONGEST_FILE = 320
"""Lines."""
MOST_ARGUMENTS = 8
WITH_EVERY_SETTING = {
    "jobs.agreement._agree.agree",
    "jobs.conversion._apps.convert",
    "jobs.measuring.live.compare_live",
    "jobs.measuring.session.benchmark",
    "jobs.optimising.optimise",
    "jobs.sweep._sweep.sweep",
    "jobs.quantizing._job.quantize",
}

# Distributions beyond pluggy, and the modules that may import them inside functions.
OPTIONAL = {
    "numpy": {
        "jobs.conversion",
        "jobs.parity",
        "plugin.builtin.array_files",
        "plugin.builtin.synthetic",
        "plugin.builtin.tensors",
        "plugin.kit.device_tensors",
        "plugin.kit.feed_checks",
        "plugin.kit.narrow_floats",
        "plugin.kit.npy_files",
        "plugin.kit.tool_calls",
        "testing",
        "util.layouts",
        "worker",
    },
    "ml_dtypes": {"plugin.kit.narrow_floats"},
    "onnx": {"plugin.kit.onnx_prepare", "testing"},
    "tomli": {"jobs.sweep"},
    "tomllib": {"jobs.sweep"},
    "yaml": {"app.metadata"},
    "rich": {"cli"},
    "pandas": {"datasheets.catalogue", "util.frames"},
    "pytest": {"testing"},
}

# Where an engine's name may stand in code: tables that help people, never decisions.
NAMED = {
    "app.bare_model": "file formats, some of which are called like their engines",
    "plugin.kit.tflite_file": "what a file in another format looks like",
}

ENGINES = {
    *("onnxruntime", "lne", "lpdnn", "ort", "ncnn", "tflite", "litert", "openvino", "tensorrt", "trt"),
    *("acl", "ascend", "ascendcl"),
}


class Import(NamedTuple):
    """One import: who, what, and whether it stands inside a function."""

    module: str
    target: str
    line: int
    inside: bool


@functools.cache
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


def within(module: str, place: str) -> bool:
    """Say whether a module is another one, or stands in it."""
    return module == place or module.startswith(f"{place}.")


def allowed(source: str, target: str) -> bool:
    """Say whether one module of the core may import another."""
    above, below = source.partition(".")[0], target.partition(".")[0]
    if above in EVERYTHING:
        return True
    if above == below:
        return above != "jobs" or allowed_inside_jobs(source, target)
    return any(within(target, place) for place in MAY_IMPORT[above])


def allowed_inside_jobs(source: str, target: str) -> bool:
    """Say whether one part of jobs may import another."""
    above, below = (name.split(".")[1] for name in (source, target))
    return above == below or below in INSIDE_JOBS[above]


@functools.cache
def every_import() -> list[Import]:
    """Return the imports of all modules."""
    return [each for name, tree in modules().items() for each in imports(name, tree)]


def test_imports_follow_the_table() -> None:
    """Every import of every module, also inside functions and for types only."""
    wrong = {
        f"{each.module}:{each.line} imports {target}"
        for each in every_import()
        if (target := ours(each.target)) is not None and not allowed(each.module, target)
    }
    assert not wrong


def test_every_package_and_every_part_of_jobs_stands_in_the_table() -> None:
    at_the_top = {name.partition(".")[0] for name in modules()}
    assert at_the_top == {*MAY_IMPORT, *EVERYTHING}
    assert {name.split(".")[1] for name in modules() if name.startswith("jobs.")} == {*INSIDE_JOBS}


def test_what_the_table_allows_is_used() -> None:
    used = {(each.module.partition(".")[0], str(ours(each.target))) for each in every_import()}
    idle = {
        (package, place)
        for package, places in MAY_IMPORT.items()
        for place in places - {"errors", "about"}
        if not any(source == package and within(target, place) for source, target in used)
    }
    assert not idle


def test_no_file_is_longer_than_can_be_read_at_a_sitting() -> None:
    lengths = {
        str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8").count("\n") for path in SOURCE.rglob("*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines >= LONGEST_FILE} == {}


def test_only_what_users_call_with_keywords_takes_more_than_eight_arguments() -> None:
    """Their keywords are those of ``RunSettings``, spelled out for completion and type checkers."""
    found = {
        f"{name}.{node.name}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]) > MOST_ARGUMENTS
    }
    assert found == WITH_EVERY_SETTING


def test_plugins_import_what_is_meant_for_them() -> None:
    files = sorted(ROOT.glob("plugins/*/src/**/*.py"))
    found = [each for path in files for each in imports(str(path), ast.parse(path.read_text(encoding="utf-8")))]
    wrong = {
        f"{each.module}:{each.line} imports {each.target}"
        for each in found
        if (target := ours(each.target)) not in {None, "__init__"}
        and not any(within(str(target), place) for place in FOR_PLUGINS)
    }
    assert files
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


def test_no_module_reaches_itself() -> None:
    graph: dict[str, set[str]] = {}
    for each in every_import():
        target = ours(each.target)
        if target not in {None, "__init__", each.module}:
            graph.setdefault(each.module, set()).add(str(target))
    assert in_cycles(graph) == set()


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


def test_the_core_needs_only_the_standard_library_and_pluggy() -> None:
    """Other packages are imported inside functions of the modules that may, or for types only."""
    wrong = []
    for each in every_import():
        package = each.target.partition(".")[0]
        if package in {"lpbench", "__future__", "pluggy", "typing_extensions"} or package in sys.stdlib_module_names:
            continue
        may = any(within(each.module, place) for place in OPTIONAL.get(package, set()))
        if not (may and (each.inside or for_types(each))):
            wrong.append(f"{each.module}:{each.line} imports {each.target}")
    assert not wrong
    assert {each.module for each in every_import() if each.target.startswith("pluggy")} == {
        "plugin.hookspecs",
        "plugin.registry",
    }
    assert all(for_types(each) for each in every_import() if each.target.startswith("typing_extensions"))


def for_types(wanted: Import) -> bool:
    """Say whether an import stands under ``if TYPE_CHECKING``."""
    guards = [node for node in ast.walk(modules()[wanted.module]) if isinstance(node, ast.If)]
    typed = [node for node in guards if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"]
    return any(node.lineno < wanted.line <= (node.body[-1].end_lineno or 0) for node in typed)


def test_the_core_decides_nothing_by_an_engines_name() -> None:
    """No string of the code is an engine's name, alone; examples in help texts and docstrings are longer."""
    wrong = [
        f"{name}:{node.lineno}: {node.value!r}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.lower() in ENGINES
        if name not in NAMED
    ]
    assert not wrong


def test_the_engines_that_are_installed_here_are_among_the_forbidden_names() -> None:
    from lpbench.plugin import registry

    pytest.importorskip("lpbench_ort", reason="needs lpbench_ort")
    found = registry.current()
    specs = [each.spec for each in found.all(registry.ENGINES).values() if found.plugins()[each.plugin]]
    formats = {name for spec in specs for name in spec.formats}
    assert {name for spec in specs for name in (spec.name, *spec.aliases)} - formats <= ENGINES
