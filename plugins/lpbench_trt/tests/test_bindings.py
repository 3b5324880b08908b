"""What the plugin uses of TensorRT, against NVIDIA's real bindings of four releases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plugins.lpbench_trt.tests.real import syntax, wheels
from plugins.lpbench_trt.tests.real.versions import HERE, Versions

import lpbench_trt

if TYPE_CHECKING:
    from plugins.lpbench_trt.tests.real.api import Api
    from plugins.lpbench_trt.tests.real.syntax import Subclass
    from plugins.lpbench_trt.tests.real.uses import Use

SAMPLE = """
def build(path: str, log: trt.ILogger) -> trt.IHostMemory | None:
    builder = trt.Builder(log)
    flags = 0
    if hasattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH"):
        flags |= 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, log)
    if not parser.parse_from_file(path):
        raise ValueError([reason(parser.get_error(index)) for index in range(parser.num_errors)])
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1 << 20)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    return builder.build_serialized_network(network, config)

def reason(error: "trt.ParserError") -> str:
    return f"{error.desc()} {error.node_name() if hasattr(error, 'node_name') else error.node()}"

class Session:
    engines: list[trt.ICudaEngine]

    def __init__(self, content: bytes, log: trt.ILogger) -> None:
        self.engine = trt.Runtime(log).deserialize_cuda_engine(content)
        self.context = self.engine.create_execution_context()

    def memory(self) -> int:
        if not hasattr(self.engine, "device_memory_size_v2"):
            return getattr(self.engine, "device_memory_size", 0)
        return self.engine.device_memory_size_v2

    def run(self, name: str, stream: int) -> bool:
        for engine in self.engines:
            engine.get_tensor_mode(name)
        self.context.set_tensor_address(name, 0)
        return self.context.execute_async_v3(stream_handle=stream)

class Times(trt.IProfiler):
    def report_layer_time(self, layer_name, ms):
        pass
"""
SOURCES = {
    path.name: path.read_text(encoding="utf-8") for path in sorted(Path(lpbench_trt.__file__).parent.rglob("*.py"))
}

NEWEST = wheels.VERSIONS[-1]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    return Versions(tmp_path_factory.mktemp)


def unfit(subclass: Subclass, api: Api) -> list[str]:
    """Return the callbacks of a version that a class of the plugin lacks, or that take another number of arguments."""
    asked = api.classes[subclass.base].callbacks if api.has(subclass.base) else {}
    return [
        f"{subclass.where}: {subclass.name}.{name} takes {count}"
        for name, count in asked.items()
        if name in subclass.methods or not name.endswith("_async")  # which stand beside one without it
        if not _takes(subclass, name, count)
    ]


def _takes(subclass: Subclass, name: str, count: int) -> bool:
    least, most = subclass.methods.get(name, (1, 0))
    return least <= count <= most


@pytest.mark.parametrize("version", wheels.VERSIONS)
def test_the_wheel_is_the_version_that_it_states(versions: Versions, version: str) -> None:
    """The real classes: hundreds of methods with signatures, which no fake of ours would have."""
    api = versions.api(version)
    assert {"Builder", "ICudaEngine", "IExecutionContext", "Runtime"} <= set(api.classes)
    stated = [member for each in api.classes.values() for member in each.members.values() if member.signatures]
    assert len(stated) > 500


@pytest.mark.parametrize("version", wheels.VERSIONS)
def test_every_module_of_the_plugin_is_imported(versions: Versions, version: str) -> None:
    """Over the real classes, from which some of the plugin's derive; objects of those can be made."""
    names = [f"lpbench_trt.{name.removesuffix('.py')}" for name in SOURCES if name != "__init__.py"]
    code = f"import importlib; [importlib.import_module(name) for name in {names}]"
    more = "from lpbench_trt import _library, _logger; _logger.Log(); print(_library.library().version)"
    assert versions.module(version).run("-c", f"{code}; {more}").strip() == version


@pytest.mark.parametrize("version", wheels.VERSIONS)
def test_what_the_plugin_uses_exists_or_is_guarded(versions: Versions, version: str) -> None:
    assert versions.missing(SOURCES, version) == []


def test_what_is_guarded_exists_somewhere(versions: Versions) -> None:
    """A guard of a misspelt name would never let anything through."""
    for version in wheels.VERSIONS:  # what the oldest alone has may be guarded, too
        versions.api(version)
    every = versions.every()
    guarded = [use for use in versions.uses(SOURCES) if use.guarded]
    assert [str(use) for use in guarded if every.find(use.owner, use.name) is None] == []


def test_the_walk_knows_whose_the_names_are(versions: Versions) -> None:
    """Every name in the plugin that only the library has is seen with its class at one place at least."""
    package = syntax.Package.of(SOURCES)
    of_library = {name for each in versions.every().classes.values() for name in each.members if "_" in name.strip("_")}
    others = syntax.defined(package) | {name for kind in (str, dict, list, memoryview) for name in dir(kind)}
    seen = {use.name for use in versions.uses(SOURCES)}
    assert (syntax.read(package) & of_library) - others - seen == set()


@pytest.mark.long
def test_a_misspelt_name_is_found_in_the_plugin(versions: Versions) -> None:
    """One of each class that it uses."""
    every_use = [use for use in versions.uses(SOURCES) if not use.guarded and versions.api(NEWEST).has(use.owner)]
    one_of_each = {use.owner: (use, _misspelt(use)) for use in every_use if _misspelt(use) != SOURCES[_file(use)]}
    assert {"", "Builder", "IExecutionContext", "ICudaEngine", "OnnxParser", "Runtime"} <= set(one_of_each)
    for use, text in one_of_each.values():
        assert f"{use}_" in versions.missing({**SOURCES, _file(use): text}, NEWEST)


def _file(use: Use) -> str:
    return use.where.partition(":")[0]


def _misspelt(use: Use) -> str:
    """Return the file of a use with the name misspelt in its line."""
    lines = SOURCES[_file(use)].splitlines(keepends=True)
    number = int(use.where.partition(":")[2]) - 1
    lines[number] = re.sub(rf"\.{use.name}\b", f".{use.name}_", lines[number])
    return "".join(lines)


@pytest.mark.parametrize("version", wheels.VERSIONS)
def test_calls_fit_the_signatures(versions: Versions, version: str) -> None:
    assert versions.refused(SOURCES, version) == []


@pytest.mark.parametrize("version", wheels.VERSIONS)
def test_what_the_library_calls_is_defined(versions: Versions, version: str) -> None:
    """A callback of another name or with other parameters would not be called, or fail in the library's thread."""
    api = versions.api(version)
    assert [each for subclass in syntax.subclasses(syntax.Package.of(SOURCES)) for each in unfit(subclass, api)] == []


MISTAKES = [
    ("trt.Builder(", "trt.Bilder(", "trt.Bilder"),
    (".parse_from_file", ".parse_from_fil", "trt.OnnxParser.parse_from_fil"),
    ("parser.num_errors", "parser.errors", "trt.OnnxParser.errors"),
    ("MemoryPoolType.WORKSPACE", "MemoryPoolType.WORKPLACE", "trt.MemoryPoolType.WORKPLACE"),
    ("config.profiling_verbosity", "config.verbosity", "trt.IBuilderConfig.verbosity"),
    ("error.desc()", "error.description()", "trt.ParserError.description"),
    ("engine.get_tensor_mode", "engine.get_mode", "trt.ICudaEngine.get_mode"),
    (".execute_async_v3", ".execute_async_v9", "trt.IExecutionContext.execute_async_v9"),
]
"""What is replaced in the sample, by what, and the name that is then missing."""


def test_the_sample_is_right(versions: Versions) -> None:
    """Guards by hasattr in conditions, conditional expressions and early returns are accepted."""
    sample = {"sample.py": SAMPLE}
    for version in HERE:
        assert versions.missing(sample, version) + versions.refused(sample, version) == []
        (subclass,) = syntax.subclasses(syntax.Package.of(sample))
        assert unfit(subclass, versions.api(version)) == []


@pytest.mark.parametrize(("right", "wrong", "name"), MISTAKES)
def test_a_misspelt_name_is_found(versions: Versions, right: str, wrong: str, name: str) -> None:
    """In whatever way the object was come by: built, returned, annotated, an attribute, in a list."""
    assert SAMPLE.count(right) == 1
    (found,) = versions.missing({"sample.py": SAMPLE.replace(right, wrong)}, NEWEST)
    assert found.endswith(f": {name}")


@pytest.mark.parametrize(
    ("right", "wrong", "name", "version"),
    [
        ('if hasattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH")', "if flags", "EXPLICIT_BATCH", "11.4.0.106"),
        ('if not hasattr(self.engine, "device_memory_size_v2")', "if not log", "device_memory_size_v2", "8.6.1"),
        ('getattr(self.engine, "device_memory_size", 0)', "self.engine.device_memory_size", "size", "11.4.0.106"),
        (" if hasattr(error, 'node_name') else error.node()", "", "node_name", "8.6.1"),
    ],
)
def test_a_missing_guard_is_found(versions: Versions, right: str, wrong: str, name: str, version: str) -> None:
    """In a version that lacks the name."""
    assert SAMPLE.count(right) == 1
    (found,) = versions.missing({"sample.py": SAMPLE.replace(right, wrong)}, version)
    assert found.endswith(name)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("create_network(flags)", "create_network(flags, 1)"),
        ("parse_from_file(path)", "parse_from_file(path=path)"),
        ("set_tensor_address(name, 0)", "set_tensor_address(name)"),
        ("stream_handle=stream", "stream=stream"),
        ("trt.Runtime(log)", "trt.Runtime()"),
    ],
)
def test_a_wrong_call_is_found(versions: Versions, right: str, wrong: str) -> None:
    assert SAMPLE.count(right) == 1
    assert len(versions.refused({"sample.py": SAMPLE.replace(right, wrong)}, NEWEST)) == 1


@pytest.mark.parametrize("wrong", ["report_layer_times(self, layer_name, ms)", "report_layer_time(self, ms)"])
def test_a_wrong_callback_is_found(versions: Versions, wrong: str) -> None:
    sample = SAMPLE.replace("report_layer_time(self, layer_name, ms)", wrong)
    (subclass,) = syntax.subclasses(syntax.Package.of({"sample.py": sample}))
    assert unfit(subclass, versions.api(NEWEST))
