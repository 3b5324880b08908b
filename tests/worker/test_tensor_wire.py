"""Arrays between workers: what was packed comes back, and two sessions see the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("numpy", reason="needs numpy")

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lpbench.errors import EngineError
from lpbench.plugin.builtin.tensors import RawConfig, TensorConfig, TensorPostprocessor, TensorPreprocessor
from lpbench.plugin.engine import Session, TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.worker import tensor_wire
from lpbench.worker.named_tensors import Tensor, named
from lpbench.worker.protocol import ProtocolError
from lpbench.worker.source_tensors import SourceTensors, as_source
from lpbench.worker.tensor_wire import align_layout, arranged, collect, fitted, read_feeds, unpack, write_feeds

if TYPE_CHECKING:
    from lpbench.plugin.engine import Feeds, Outputs

DTYPES = st.sampled_from(["float32", "float16", "float64", "int64", "uint8", "bool", ">f4", "complex64"])
ARRAYS = arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


@given(values=st.lists(ARRAYS, min_size=1, max_size=4))
def test_feeds_come_back_from_a_file_as_they_were(values: list[Any]) -> None:
    """Every type, order of bytes and shape, empty ones and scalars too."""
    import tempfile

    tensors = [Tensor(f"a/b {at}", "N" * at, each) for at, each in enumerate(values)]
    with tempfile.TemporaryDirectory() as folder:
        write_feeds(Path(folder) / "0.feeds", tensors)
        found = read_feeds(Path(folder) / "0.feeds")
    assert [(each.name, each.layout) for each in found] == [(each.name, each.layout) for each in tensors]
    for one, other in zip(found, values, strict=True):
        assert one.values.shape == other.shape
        assert one.values.tobytes() == other.astype(other.dtype.newbyteorder("<")).tobytes()


GOOD = {"name": "y", "layout": "", "dtype": "<f4", "shape": [2]}


@pytest.mark.parametrize(
    "record",
    [
        {**GOOD, "name": None},
        {**GOOD, "layout": 5},
        {**GOOD, "step": "fine"},
        {**GOOD, "dtype": "nonsense"},
        {**GOOD, "dtype": "O"},
        {**GOOD, "dtype": 7},
        {**GOOD, "shape": [3]},
        {**GOOD, "shape": [-2]},
        {**GOOD, "shape": [1 << 70]},
        {**GOOD, "shape": ["two"]},
        {**GOOD, "shape": [1 << 40, "two"]},
        {**GOOD, "shape": [1 << 60] * 64},
        {**GOOD, "shape": {"2": 2}},
        {**GOOD, "shape": [True, 2]},
        {**GOOD, "shape": [1 << 40], "dtype": "<U0"},
        {**GOOD, "shape": None},
        {"name": "y", "layout": ""},
        {},
        5,
    ],
    ids=str,
)
def test_a_record_that_describes_no_tensor_breaks_the_protocol(record: Any) -> None:
    assert tensor_wire.unpack_tensors([GOOD], bytes(8))[0].values.tolist() == [0, 0]
    with pytest.raises(ProtocolError, match="a tensor that is none"):
        tensor_wire.unpack_tensors([record], bytes(8))


def test_an_output_without_a_name_is_the_engines_error() -> None:
    with pytest.raises(EngineError, match="an output is called None"):
        tensor_wire.pack([Tensor(None, "", np.zeros(2))])  # type: ignore[arg-type] # as an engine may


def test_texts_travel_too(tmp_path: Path) -> None:
    write_feeds(tmp_path / "0.feeds", [Tensor("words", "", np.array([["a", "größer"]], dtype=object))])
    (found,) = read_feeds(tmp_path / "0.feeds")
    assert found.values.tolist() == [["a", "größer"]]


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_floats_that_numpy_lacks_are_sent_as_float32_and_fed_as_bits(tmp_path: Path, dtype: str) -> None:
    """Another session of the same model gets the same values, whether they came as bits or in a type of ml_dtypes."""
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes")
    info = TensorInfo("x", dtype, (1, 3))
    array = np.array([[1.5, -2, 0]]).astype(getattr(ml_dtypes, dtype))
    bits = array.view(f"uint{8 * array.itemsize}")
    for feed in (array, bits):
        write_feeds(tmp_path / "0.feeds", named({"x": feed}, [info]))
        (sent,) = read_feeds(tmp_path / "0.feeds")
        assert (sent.values.dtype, sent.values.tolist()) == (np.float32, [[1.5, -2, 0]])
        assert np.array_equal(fitted([sent], [info])["x"], bits)


@given(values=arrays.arrays("float32", st.tuples(*[st.integers(1, 4)] * 4)))
def test_channels_are_moved_and_back(values: Any) -> None:
    """Against indices one by one."""
    last = arranged(values, "", "NHWC")
    for n, c, h, w in np.ndindex(*values.shape):
        assert last[n, h, w, c] == values[n, c, h, w] or np.isnan(values[n, c, h, w])
    assert np.array_equal(arranged(last, "NHWC", "NCHW"), values, equal_nan=True)


def test_a_batch_of_one_comes_and_goes() -> None:
    values = np.arange(6.0).reshape(1, 1, 2, 3)
    assert arranged(values, "NCHW", "CHW").shape == (1, 2, 3)
    assert arranged(values[0], "CHW", "NHWC").shape == (1, 2, 3, 1)
    with pytest.raises(EngineError, match="2x1x2x3"):
        arranged(np.concatenate([values, values]), "NCHW", "CHW")


def test_feeds_fit_a_session_with_other_names_layouts_types_and_ranks() -> None:
    inputs = (
        TensorInfo("in0", "float32", (2, 2, 3), "HWC", alias="picture"),
        TensorInfo("in1", "int32", (4,), alias="ids"),
    )
    picture = np.arange(12.0, dtype="float32").reshape(1, 3, 2, 2)
    given_ = [Tensor("ids", "", np.array([[1, 2, 3, 4]])), Tensor("picture", "NCHW", picture)]
    found = fitted(given_, inputs)
    assert np.array_equal(found["in0"], picture[0].transpose(1, 2, 0))
    assert found["in0"].flags["C_CONTIGUOUS"]
    assert (found["in1"].dtype, found["in1"].tolist()) == (np.dtype("int32"), [1, 2, 3, 4])


def test_feeds_that_fit_as_they_are_are_left_where_one_side_says_no_order() -> None:
    """Two engines read one file, and only one of them tells that its channels stand last."""
    values = np.arange(60, dtype=np.float32).reshape(1, 4, 5, 3)
    told, untold = (TensorInfo("x", "float32", (1, 4, 5, 3), layout=layout) for layout in ("NHWC", ""))
    assert np.array_equal(fitted([Tensor("x", "NHWC", values)], [untold])["x"], values)
    assert np.array_equal(fitted([Tensor("x", "", values)], [told])["x"], values)
    assert np.array_equal(align_layout(Tensor("x", "NHWC", values), Tensor("x", "", values)), values)


def test_a_square_of_one_channel_that_is_last_is_not_turned() -> None:
    """Both orders hold as many values; only one has exactly the shape."""
    values = np.arange(25, dtype=np.float32).reshape(1, 5, 5, 1)
    told = TensorInfo("x", "float32", (1, 5, 5, 1), layout="NHWC")
    assert np.array_equal(fitted([Tensor("x", "", values)], [told])["x"], values)
    first = values.reshape(1, 1, 5, 5)
    assert np.array_equal(fitted([Tensor("x", "", first)], [told])["x"], values)


def test_values_of_another_shape_are_never_forced_into_one() -> None:
    six = np.zeros((1, 2, 3), np.float32)
    assert fitted([Tensor("x", "", six)], [TensorInfo("x", "float32", (3, 2))])["x"].shape == (1, 2, 3)
    assert align_layout(Tensor("x", "", six), Tensor("x", "", np.zeros((3, 2)))).shape == (1, 2, 3)


def test_an_input_that_nobody_knows_is_named() -> None:
    with pytest.raises(EngineError, match=r'input "in0" takes the tensor "pictures"[^\n]*\n  did you mean "picture"\?'):
        fitted([Tensor("picture", "", np.zeros(1))], [TensorInfo("in0", "float32", (1,), alias="pictures")])


def test_the_source_has_its_channels_second() -> None:
    info = TensorInfo("in0", "float32", (1, 4, 5, 3), "NHWC", alias="x")
    assert as_source(info) == TensorInfo("x", "float32", (1, 3, 4, 5))
    assert as_source(TensorInfo("in0", "float32", ("n", 7))) == TensorInfo("in0", "float32", ("n", 7))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_conversion_in_single_precision_gets_the_rounded_numbers_of_its_source(dtype: str) -> None:
    source = TensorPreprocessor(TensorConfig(), (TensorInfo("x", dtype, (1, 64)),))
    made = SourceTensors(TensorConfig(), (TensorInfo("in0", "float32", (1, 64), alias="x"),), types={"x": dtype})
    (own,) = named(source.generate(0, 0).data, source.inputs)
    values = made.generate(0, 0).data["in0"]
    assert values.dtype == np.float32
    assert np.array_equal(values, own.values.astype(np.float32))
    assert len(np.unique(values)) > 32


def test_files_in_the_type_of_the_source_are_read_for_its_conversion(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 4, dtype=np.float16).reshape(1, 4)
    np.save(tmp_path / "x.npy", values)
    made = SourceTensors(TensorConfig(), (TensorInfo("in0", "float32", (1, 4), alias="x"),), types={"x": "float16"})
    assert np.array_equal(made.load(tmp_path / "x.npy").data["in0"], values.astype(np.float32))


class Doubler(Session):
    """Answers with an array that it uses again, as engines may."""

    inputs = (TensorInfo("x", "float32", (2,)),)
    outputs = (TensorInfo("out0", "float32", (2,), alias="y"),)

    def __init__(self) -> None:
        self._kept = np.zeros(2, "float32")

    def run(self, feeds: Feeds, /) -> Outputs:
        np.multiply(feeds["x"], 2, out=self._kept)
        return {"out0": self._kept}

    def close(self) -> None:
        """Nothing is held."""


def test_every_samples_outputs_are_its_own_and_called_as_the_app_calls_them(tmp_path: Path) -> None:
    session = Doubler()
    pre = TensorPreprocessor(TensorConfig(), session.inputs)
    post = TensorPostprocessor(RawConfig(), session.outputs, ())
    samples = [Sample(str(at), {"x": np.full(2, at, "float32")}) for at in range(3)]
    found = unpack(*collect(session, pre, post, samples, keep=tmp_path))
    assert [each.outputs[0].name for each in found] == ["y"] * 3
    assert [each.outputs[0].values.tolist() for each in found] == [[0, 0], [2, 2], [4, 4]]
    assert [each.values[0].values.tolist() for each in found] == [[0, 0], [2, 2], [4, 4]]
    assert found[2].described["outputs"]["y"]["max"] == 4
    again = unpack(*collect(session, pre, post, (), given=sorted(tmp_path.iterdir())))
    assert [each.outputs[0].values.tolist() for each in again] == [[0, 0], [2, 2], [4, 4]]


def test_more_than_a_worker_can_send_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_wire, "BLOCK_LIMIT", 30)
    session = Doubler()
    pre = TensorPreprocessor(TensorConfig(), session.inputs)
    post = TensorPostprocessor(RawConfig(), session.outputs, ())
    samples = [Sample(str(at), {"x": np.zeros(2, "float32")}) for at in range(3)]
    with pytest.raises(EngineError, match="the outputs of 2 samples take 32 bytes"):
        collect(session, pre, post, samples)
