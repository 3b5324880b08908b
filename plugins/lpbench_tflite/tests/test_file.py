"""Reading TFLite files: what is written is read, and no damaged file reaches native code."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit import tflite_file
from lpbench.plugin.kit.tflite_file import CUSTOM
from lpbench_tflite import _operators
from lpbench_tflite._write import Kind, Network

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_tflite.tests.conftest import Models


def test_what_is_written_is_read(models: Models) -> None:
    """Operators with versions and names, and the types of what a convolution computes with."""
    assert tflite_file.read(models.convolution()).arithmetic == {("float32", "float32"): 1}
    assert tflite_file.read(models.quantised()).arithmetic == {("int8", "int8"): 1}
    found = tflite_file.read(models.of(Kind(0), Kind(300, version=7), Kind(CUSTOM, custom="Levitate")))
    assert found.codes == ((0, "", 1), (300, "", 7), (CUSTOM, "Levitate", 1))
    assert found.custom == ["Levitate"]


def test_custom_operators_that_litert_brings_along_are_not_missing(models: Models) -> None:
    structure = tflite_file.read(models.of(Kind(CUSTOM, custom="TFLite_Detection_PostProcess")))
    assert _operators.unknown_custom(structure) == []


def test_metadata_that_allows_less_precision_is_seen(models: Models) -> None:
    network = Network()
    x = network.tensor("x", (1,))
    assert not tflite_file.read(models.save(network, [x], [x], metadata=["author"])).reduced
    assert tflite_file.read(models.save(network, [x], [x], metadata=["reduced_precision_support"])).reduced


@pytest.mark.timeout(30)
def test_content_that_is_pointed_to_again_and_again_is_refused(tmp_path: Path) -> None:
    """Ten thousand tensors share one name of 50,000 letters: half a gigabyte of names in a file of 200 kilobytes."""
    network = Network()
    for _ in range(10_000):
        network.tensor("", (1,))
    x = network.tensor("x" * 50_000, (1,))
    content = bytearray(network.save([x], [x]))
    _share(content, _tables(content))
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(EngineError, match="again and again"):
        tflite_file.read(path)


def _tables(content: bytearray) -> int:
    """Return the position of the vector of the first graph's tensors."""
    graphs = _field(content, _offset(content, 0), 2)
    return _field(content, _offset(content, graphs + 4), 0)


def _share(content: bytearray, tensors: int) -> None:
    """Let every tensor of a vector be the last one."""
    (count,) = struct.unpack_from("<I", content, tensors)
    places = range(tensors + 4, tensors + 4 + 4 * count, 4)
    last = _offset(content, places[-1])
    for at in places:
        struct.pack_into("<I", content, at, last - at)


def _offset(content: bytearray, at: int) -> int:
    return at + int(struct.unpack_from("<I", content, at)[0])


def _field(content: bytearray, table: int, slot: int) -> int:
    """Return what a table's field points to."""
    vtable = table - struct.unpack_from("<i", content, table)[0]
    return _offset(content, table + struct.unpack_from("<H", content, vtable + 4 + 2 * slot)[0])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_read(models: Models, place: int, value: int) -> None:
    """Any byte of a file changed: an EngineError or a structure, and nothing else."""
    path = models.convolution()
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content)
    try:
        tflite_file.read(path)
    except EngineError as error:
        assert path.name in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_short_is_refused(models: Models, share: float) -> None:
    path = models.convolution()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(EngineError, match=r"model\.tflite is (empty|not a TFLite model|damaged or truncated)"):
        tflite_file.read(path)


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        ([0], [], "it has no graph with outputs"),
        ([9], [1], "it refers to tensor 9 of 2"),
        ([0], [-1], "it refers to tensor -1 of 2"),
    ],
)
def test_ends_that_are_not_there_are_refused(models: Models, inputs: list[int], outputs: list[int], words: str) -> None:
    network = Network()
    network.tensor("x", (1,))
    network.tensor("y", (1,))
    with pytest.raises(EngineError, match=words):
        tflite_file.read(models.save(network, inputs, outputs))


OPEN_EACH = """
import sys
from pathlib import Path
from lpbench.plugin.engine import EngineError, Model
from lpbench_tflite._engine import TfliteEngine
from lpbench_tflite.config import TfliteConfig
for path in sorted(Path(sys.argv[1]).iterdir()):
    print(path.name, flush=True)
    try:
        TfliteEngine().open(Model("tflite", path), TfliteConfig(threads=1), shapes={}).close()
    except EngineError:
        pass
"""


@pytest.mark.long
def test_what_is_let_through_does_not_crash(models: Models, tmp_path: Path) -> None:
    """200 files with bytes changed at random, opened in another process.

    Those that pass the check bring nothing down; without it dozens bring tflite-runtime down.
    """
    content, chance = models.convolution().read_bytes(), random.Random(3)  # noqa: S311 - no secret
    header = content.rindex(b"bias")  # changed weights are just other weights
    folder = tmp_path / "changed"
    folder.mkdir()
    for number in range(200):
        changed = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 4))):
            changed[chance.randrange(header)] = chance.choice((0, 1, 127, 128, 255))
        (folder / f"{number:03}.tflite").write_bytes(changed)
    command = [sys.executable, "-c", OPEN_EACH, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == 0, f"ended with {done.returncode} at {done.stdout.split()[-1]}"
