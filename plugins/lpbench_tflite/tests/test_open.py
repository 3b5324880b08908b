"""What opening refuses, and what an open session says of itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.errors import ConfigError, EngineError
from lpbench.plugin.kit.cores import physical_cores
from lpbench.plugin.kit.tflite_file import CUSTOM
from lpbench.util import dataclass_config
from lpbench_tflite._library import library
from lpbench_tflite._write import ADD, SOFTMAX, Kind, Network, Number
from lpbench_tflite.config import TfliteConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plugins.lpbench_tflite.tests.conftest import Models

    from lpbench.testing.fixtures import Opener


@pytest.fixture
def refused(open_session: Opener) -> Callable[..., str]:
    return open_session.refused


def test_a_missing_model_is_named(tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "none.tflite does not exist" in refused(tmp_path / "none.tflite")


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "empty.tflite").touch()
    assert "is empty" in refused(tmp_path / "empty.tflite")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"7767517\n2 2\n", "is not a TFLite model; it looks like ncnn"),
        (b'<?xml version="1.0"?>', "is not a TFLite model; it looks like OpenVINO IR"),
        (b"\x08\x08:\x10", "is not a TFLite model; it looks like ONNX"),
        (b"hello, this is not a model", "is not a TFLite model\n"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(64), "is damaged or truncated"),
    ],
)
def test_another_format_is_called_so(tmp_path: Path, refused: Callable[..., str], content: bytes, words: str) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(content)
    assert words in refused(path)


def cast(models: Models, given: str, found: str) -> Path:
    """Save a conversion from one type to another, of two by three numbers."""
    network = Network()
    x, y = network.tensor("x", (2, 3), given), network.tensor("y", (2, 3), found)
    network.operator(Kind(53, 37), [x], [y], {})
    return models.save(network, [x], [y])


def test_bfloat16_is_passed_as_its_bits(models: Models, open_session: Opener) -> None:
    """As an array of ml_dtypes and as integers; the library itself does not take the integers."""
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes")
    data = np.array([[1.5, -2, 0], [3, 4, 2**-130]]).astype(ml_dtypes.bfloat16)
    session = open_session(cast(models, "bfloat16", "float32"))
    assert session.inputs[0].dtype == "bfloat16"
    for array in (data, data.view(np.uint16)):
        assert np.array_equal(session.run({"x": array})["y"], data.astype(np.float32))
    with pytest.raises(EngineError, match=r"the model takes bfloat16\n.*view"):
        session.run({"x": data.astype(np.float32)})
    found = open_session(cast(models, "float32", "bfloat16")).run({"x": data.astype(np.float32)})["y"]
    assert np.array_equal(found, data)


@pytest.mark.parametrize("at", ["input", "output"])
def test_without_ml_dtypes_bfloat16_is_the_reason(models: Models, tmp_path: Path, at: str) -> None:
    """In a process of its own: the library remembers that it has seen the type."""
    path = cast(models, *("bfloat16", "float32")[:: 1 if at == "input" else -1])
    code = (
        "import sys; sys.modules['ml_dtypes'] = None\n"
        "from pathlib import Path; from lpbench.plugin.engine import Model\n"
        "from lpbench_tflite._engine import TfliteEngine\n"
        f"TfliteEngine().open(Model('tflite', Path({str(path)!r})), None, shapes={{}})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert f"an {at} has a type that LiteRT cannot pass from Python" in done.stderr
    assert "pip install ml_dtypes" in done.stderr


def test_all_custom_operators_are_named(models: Models, refused: Callable[..., str]) -> None:
    """LiteRT itself names the first."""
    path = models.of(*(Kind(CUSTOM, custom=name) for name in ("Levitate", "Hover")))
    assert "does not have these operators: Hover, Levitate\n" in refused(path)


def test_all_operators_of_unknown_versions_are_named(models: Models, refused: Callable[..., str]) -> None:
    """Two operators from the future and a number that means nothing yet."""
    path = models.of(ADD._replace(version=99), Kind(25, version=98), Kind(1000))
    assert "these operators: ADD version 99, SOFTMAX version 98, number 1000\n" in refused(path)


def test_what_litert_refuses_for_other_reasons_is_in_its_words(models: Models, refused: Callable[..., str]) -> None:
    """An Add of one input: every operator is there, so none is named as missing."""
    found = refused(models.of(ADD))
    assert f"{library().version} cannot load the model: " in found
    assert "does not have" not in found


def test_a_session_says_what_ran_where(models: Models, open_session: Opener) -> None:
    facts = open_session(models.convolution(), threads=2).describe()
    assert facts["version"] == library().version
    assert facts["distribution"] in {"ai-edge-litert", "tflite-runtime"}
    assert (facts["device"], facts["processor"], facts["threads"]) == ("cpu", "CPU", 2)
    assert facts["bytes_copied"] == {"inputs": 6 * 5 * 3 * 4, "outputs": 6 * 5 * 4 * 4}
    assert json.loads(json.dumps(facts)) == facts


@pytest.mark.parametrize("xnnpack", [True, False])
def test_xnnpack_takes_what_it_is_allowed_to(models: Models, open_session: Opener, *, xnnpack: bool) -> None:
    """Both operators, or none; the numbers are the same within rounding."""
    session = open_session(models.convolution(), xnnpack=xnnpack)
    facts = session.describe()
    assert facts["xnnpack"] is xnnpack
    assert facts["nodes"] == {"XNNPACK": 2 * xnnpack, "TFLite": 2 - 2 * xnnpack}
    x = {"x": np.random.default_rng(1).standard_normal((1, 6, 5, 3)).astype(np.float32)}
    assert np.allclose(session.run(x)["y"], open_session(models.convolution()).run(x)["y"], atol=1e-6)


def test_precision_is_told_by_a_fingerprint_or_by_the_file(models: Models, open_session: Opener) -> None:
    """F32 because LiteRT computes so, S8 because the format says so."""
    assert open_session(models.convolution()).describe()["precision"] == "F32"
    assert open_session(models.quantised()).describe()["precision"] == "S8"


def test_precision_is_left_out_where_nothing_tells_it(models: Models, open_session: Opener) -> None:
    """A model that allows F16, and one of float32 with int8 weights: the reason stands there."""
    network = Network()
    x, y = network.tensor("x", (1, 4)), network.tensor("y", (1, 4))
    network.operator(SOFTMAX, [x], [y], {0: Number("f", 1)})
    path = models.save(network, [x], [y], metadata=["reduced_precision_support"])
    assert "allows XNNPACK to compute in F16" in open_session(path).describe()["precision_reason"]
    network = Network()
    x, y = network.tensor("x", (1, 8)), network.tensor("y", (1, 5))
    weights = network.tensor("w", (5, 8), "int8", data=models.weights, quantised=(0.02, 0))
    network.operator(Kind(9, 8), [x, weights, -1], [y], {0: Number("b", 0)})
    reason = open_session(models.save(network, [x], [y])).describe()["precision_reason"]
    assert "float32 with weights of int8" in reason


def test_quantised_tensors_say_how(models: Models, open_session: Opener) -> None:
    """Scale and zero-point of input and output; a float tensor has none."""
    session = open_session(models.quantised())
    (given,), (found,) = session.inputs, session.outputs
    assert (given.dtype, given.zero_point) == ("int8", 3)
    assert (found.dtype, found.zero_point) == ("int8", -4)
    assert [given.scale, found.scale] == pytest.approx([0.1, 2.0])
    plain = open_session(models.convolution()).inputs[0]
    assert (plain.scale, plain.zero_point) == (None, None)


def test_images_have_a_layout(models: Models, open_session: Opener) -> None:
    assert open_session(models.convolution()).inputs[0].layout == "NHWC"
    assert open_session(models.add()).inputs[0].layout == ""


def test_a_delegate_that_is_not_there_is_named(
    models: Models, refused: Callable[..., str], capfd: pytest.CaptureFixture[str]
) -> None:
    """With the dynamic linker's words, and without the library's own second error."""
    found = refused(models.add(), delegates=[{"library": "libno_such_delegate.so"}])
    assert 'delegate "libno_such_delegate.so" cannot be used: libno_such_delegate.so: cannot open' in found
    assert "Exception ignored" not in capfd.readouterr().err


def test_a_library_that_is_no_delegate_is_named(models: Models, refused: Callable[..., str]) -> None:
    found = refused(models.add(), delegates=[{"library": "libc.so.6"}])
    assert 'delegate "libc.so.6" cannot be used' in found
    assert "tflite_plugin_create_delegate" in found


IDLE_DELEGATE = """
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
typedef struct Delegate {
  void* data;
  int (*prepare)(void*, struct Delegate*);
  void *copy_from, *copy_to, *free_buffer;
  int64_t flags;
  void* builder;
} Delegate;
static int prepare(void* context, Delegate* self) { return 0; }
void* tflite_plugin_create_delegate(char** keys, char** values, size_t count, void (*report)(const char*)) {
  for (size_t at = 0; at < count; ++at)
    if (!strcmp(keys[at], "mood") && !strcmp(values[at], "bad")) { report("not today"); return 0; }
  Delegate* self = calloc(1, sizeof(Delegate));
  self->prepare = prepare;
  return self;
}
void tflite_plugin_destroy_delegate(void* self) { free(self); }
"""


@pytest.fixture
def idle_delegate(tmp_path: Path) -> Path:
    """Build a delegate that takes nothing."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    source, library = tmp_path / "idle.c", tmp_path / "libidle.so"
    source.write_text(IDLE_DELEGATE)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library


def test_a_delegate_that_takes_nothing_is_an_error(
    models: Models, refused: Callable[..., str], idle_delegate: Path
) -> None:
    """The CPU would run the whole model, which is not what was asked for."""
    found = refused(models.add(), delegates=[{"library": str(idle_delegate)}])
    assert "no operator was accepted by" in found
    assert "libidle.so" in found


def test_a_delegate_gets_its_options(models: Models, refused: Callable[..., str], idle_delegate: Path) -> None:
    """What it says to an option that it refuses is in the error."""
    delegate = {"library": str(idle_delegate), "options": {"mood": "bad"}}
    assert "libidle.so" in (found := refused(models.add(), delegates=[delegate]))
    assert "not today" in found


def test_threads_zero_is_a_number_in_the_record(models: Models, open_session: Opener) -> None:
    assert open_session(models.add(), threads=0).describe()["threads"] == physical_cores()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "gpu"}, "device: found 'gpu'; expected 'cpu'"),
        ({"threads": -1}, "threads: found -1; expected 0 or more"),
        ({"xnnpack": 1}, "xnnpack: found 1; expected true or false"),
        ({"delegates": [{"path": "a"}]}, 'unknown key "path"'),
        ({"delegates": [{}]}, 'missing key "library"'),
        ({"thread": 2}, 'unknown key "thread"\n  did you mean "threads"?'),
    ],
)
def test_wrong_options_say_what_is_right(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(TfliteConfig, options, where="options of tflite")
    assert words in str(caught.value)
