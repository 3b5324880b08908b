"""Element types on the fake: every one that arrays have, those that numpy lacks, and those that cannot be passed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from lpbench.plugin.engine import EngineError
from lpbench.testing.onnx_models import FLOAT

if TYPE_CHECKING:
    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

T = onnx.TensorProto


@pytest.mark.parametrize("name", ["FLOAT", "FLOAT16", "INT32", "INT64", "BOOL"])
@pytest.mark.parametrize("shape", [(2, 3), ()])
def test_types_of_numpy_pass_through(models: Graphs, open_session: Opener, name: str, shape: tuple[int, ...]) -> None:
    element = getattr(T, name)
    session = open_session(models.one("Identity", shape, element), precision="auto")
    data = np.array([[0, 1, 1], [1, 0, 1]] if shape else 1).astype(onnx.helper.tensor_dtype_to_np_dtype(element))
    for _ in range(2):
        found = session.run({"x": data})["y"]
        assert session.inputs[0].dtype == session.outputs[0].dtype == found.dtype.name == data.dtype.name
        assert np.array_equal(found, data)


def test_int64_keeps_all_of_its_bits(models: Graphs, open_session: Opener) -> None:
    session = open_session(models.one("Identity", (3,), T.INT64))
    data = np.array([2**62 + 1, -(2**63), 2**53 + 1])
    assert np.array_equal(session.run({"x": data})["y"], data)


def test_bfloat16_is_passed_as_its_bits(models: Graphs, open_session: Opener) -> None:
    """As an array of ml_dtypes and as integers; other types are refused with the way to convert."""
    bits = np.arange(0x7F80, dtype=np.uint16)
    cast = onnx.helper.make_node("Cast", ["x"], ["y"], to=FLOAT)
    path = models.save([cast], [("x", T.BFLOAT16, bits.shape)], [("y", FLOAT, bits.shape)])
    session = open_session(path, precision="auto")
    dtype = onnx.helper.tensor_dtype_to_np_dtype(T.BFLOAT16)
    assert session.inputs[0].dtype == "bfloat16"
    for array in (bits, bits.view(dtype)):
        assert np.array_equal(session.run({"x": array})["y"], bits.view(dtype).astype(np.float32))
    with pytest.raises(EngineError, match=r"the model takes bfloat16\n.*astype\(ml_dtypes.bfloat16\).view"):
        session.run({"x": np.zeros(bits.shape, np.float32)})


def test_bfloat16_comes_out_in_the_type_of_ml_dtypes_or_as_bits(
    models: Graphs, open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = models.one("Identity", (1, 3), T.BFLOAT16)
    data = np.array([[0x3F80, 0xC000, 0x0001]], np.uint16)
    typed = open_session(path, precision="auto").run({"x": data})["y"]
    assert (typed.dtype.name, typed.view(np.uint16).tolist()) == ("bfloat16", data.tolist())
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    plain = open_session(path, precision="auto").run({"x": data})["y"]
    assert (plain.dtype, plain.tolist()) == (np.uint16, data.tolist())


def test_a_type_of_the_library_that_arrays_lack_is_named(fake_tensorrt: object) -> None:
    """Two numbers of 4 bits share a byte."""
    from types import SimpleNamespace

    from lpbench_trt._types import numpy_name

    with pytest.raises(EngineError, match=r'input "x" is INT4, which cannot be passed'):
        numpy_name(SimpleNamespace(name="INT4"), 'input "x"')
