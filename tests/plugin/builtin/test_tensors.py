"""Synthetic tensors, tensors from files, and what is said of outputs."""

from __future__ import annotations

import hashlib
import json
import shlex
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

np = pytest.importorskip("numpy", reason="needs numpy")

from lpbench.errors import ConfigError, ProcessorError, asked_on_command_line  # noqa: E402
from lpbench.plugin.builtin.tensors import RawConfig, TensorConfig, TensorPostprocessor, TensorPreprocessor  # noqa: E402
from lpbench.plugin.engine import TensorInfo  # noqa: E402
from lpbench.plugin.processor import Sample  # noqa: E402
from lpbench.util import dataclass_config  # noqa: E402 - after the check that numpy is there

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = TensorInfo("image", "float32", ("batch", 3, 4, 4))
IDS = TensorInfo("ids", "int64", ("batch", "sequence"))
MASK = TensorInfo("mask", "bool", ("batch", "sequence"))


def preprocessor(*inputs: TensorInfo, **settings: Any) -> TensorPreprocessor:
    return TensorPreprocessor(dataclass_config.build(TensorConfig, settings), inputs)


def made(*inputs: TensorInfo, index: int = 0, seed: int = 0, **settings: Any) -> dict[str, Any]:
    pre = preprocessor(*inputs, **settings)
    return dict(pre(pre.generate(index, seed)))


@pytest.mark.parametrize(
    ("dtype", "digest"),
    [
        ("float32", "af2630f6aaee2885"),
        ("float16", "ab3ef9dbf9a4513d"),
        ("bfloat16", "064f65151716fd4f"),
    ],
)
def test_synthetic_values_are_the_same_everywhere(dtype: str, digest: str) -> None:
    """Pinned bytes: another machine or version of numpy must make the same ones."""
    array = made(TensorInfo("x", dtype, (2, 500)), index=3, seed=5)["x"]
    assert hashlib.sha256(array.tobytes()).hexdigest()[:16] == digest


def test_index_seed_and_name_each_change_the_values() -> None:
    base = made(IMAGE)["image"]
    other = TensorInfo("other", "float32", (1, 3, 4, 4))
    changed = [made(IMAGE, index=1)["image"], made(IMAGE, seed=1)["image"], made(other)["other"]]
    changed.append(made(IMAGE, ranges={"image": [0, 1]})["image"])
    assert (made(IMAGE)["image"] == base).all()
    assert all((each != base).any() for each in changed)


def test_floats_are_standard_normal() -> None:
    """Mean, deviation and the share within one deviation of 100,000 values."""
    values = made(TensorInfo("x", "float64", (100_000,)), shapes={"x": [100_000]})["x"]
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.02
    assert abs((abs(values) < 1).mean() - 0.6827) < 0.02


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", "bool"])
def test_integers_and_booleans_are_zero_without_a_range(dtype: str) -> None:
    array = made(TensorInfo("x", dtype, (2, 3)))["x"]
    assert array.dtype.name == dtype
    assert not array.any()


@pytest.mark.parametrize(
    ("dtype", "ends"),
    [
        ("int8", (-128, 128)),
        ("uint8", (0, 256)),
        ("int64", (-(2**63), 2**63)),
        ("uint64", (0, 2**64)),
        ("int32", (-5, -2)),
        ("bool", (0, 2)),
        ("float32", (-1.5, 2.0)),
        ("float64", (10, 20)),
    ],
)
def test_a_range_holds_its_values_and_is_filled(dtype: str, ends: tuple[float, float]) -> None:
    """Ends of a type included: the last value of an integer type is one below the end."""
    array = made(TensorInfo("x", dtype, (4000,)), shapes={"x": [4000]}, ranges={"x": list(ends)})["x"]
    low, high = float(array.min()), float(array.max())
    width = ends[1] - ends[0]
    assert array.dtype.name == dtype
    assert ends[0] <= low <= ends[0] + 0.01 * width
    assert ends[1] - max(0.01 * width, 1 if dtype != "float32" else 0) <= high <= ends[1]
    assert dtype.startswith("float") or width > 300 or set(array.astype(int)) == set(range(*map(int, ends)))


@pytest.mark.parametrize(("dtype", "ends"), [("uint8", (0, 257)), ("uint8", (-1, 3)), ("int64", (0.5, 3))])
def test_a_range_that_does_not_fit_the_type_is_refused(dtype: str, ends: tuple[float, float]) -> None:
    with pytest.raises(ProcessorError, match=f"does not fit {dtype}"):
        made(TensorInfo("x", dtype, (2,)), ranges={"x": list(ends)})


def test_many_inputs_of_many_types_are_made_at_once() -> None:
    """Text, complex and half floats, a scalar and an empty dimension among them."""
    infos = [
        TensorInfo("s", "str", (2,)),
        TensorInfo("c", "complex64", (2, 2)),
        TensorInfo("h", "float16", ()),
        TensorInfo("e", "float32", (0, 3)),
    ]
    feeds = made(*infos)
    assert list(feeds["s"]) == ["", ""]
    assert [feeds[name].shape for name in "che"] == [(2, 2), (), (0, 3)]
    assert feeds["c"].dtype.name == "complex64"
    assert feeds["c"].imag.any()


@pytest.mark.parametrize("dtype", ["float4_e2m1", "int4", "seq(tensor(float))"])
def test_a_type_that_cannot_be_synthetic_asks_for_files(dtype: str) -> None:
    with pytest.raises(ProcessorError, match='data="DIR"'):
        made(TensorInfo("x", dtype, (2,)))


@pytest.mark.parametrize("name", ["ids", "encoder/ids:0", "my ids", "$ids", "it's", "(ids);rm", "a&b"])
def test_what_a_hint_says_to_type_is_taken_by_a_shell(name: str) -> None:
    """Zsh refuses a bare question mark; names may hold anything that a shell interprets."""
    with asked_on_command_line(), pytest.raises(ProcessorError) as caught:
        made(TensorInfo(name, "int64", ("N", None)))
    words = shlex.split(caught.value.hint.partition("question marks: ")[2])
    assert words == ["--shape", f"{name}=1,?"]
    assert "'" in caught.value.hint or '"' in caught.value.hint


def test_an_open_batch_is_one() -> None:
    assert made(IMAGE)["image"].shape == (1, 3, 4, 4)


def test_open_dimensions_are_asked_for_by_name_with_what_to_type() -> None:
    with pytest.raises(ProcessorError) as caught:
        made(IMAGE, IDS, TensorInfo("x", "float32", (1, None, 7)))
    assert caught.value.what == 'dimension 1 (sequence) of input "ids", dimension 1 of input "x" are open'
    assert caught.value.hint.endswith('shapes={"ids": [1,?], "x": [1,?,7]}')


def test_a_dimension_of_one_name_is_asked_for_once() -> None:
    with pytest.raises(ProcessorError) as caught:
        made(IDS, MASK)
    assert caught.value.hint.endswith(': shapes={"ids": [1,?]}')


def test_a_shape_given_for_one_input_sizes_dimensions_of_the_same_name() -> None:
    feeds = made(IDS, MASK, shapes={"ids": [2, 16]})
    assert feeds["mask"].shape == (2, 16)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"shapes": {"image": [1, 3, 4]}}, 'input "image" is given the shape 1,3,4; the model takes ?,3,4,4'),
        ({"shapes": {"image": [1, 4, 4, 3]}}, "the model takes ?,3,4,4"),
        ({"shapes": {"imgae": [1, 3, 4, 4]}}, 'did you mean "image"?'),
        ({"ranges": {"imgae": [0, 1]}}, 'did you mean "image"?'),
    ],
)
def test_shapes_and_ranges_that_contradict_the_model_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ProcessorError) as caught:
        preprocessor(IMAGE, **settings)
    assert told in str(caught.value)


def test_two_sizes_for_one_name_are_refused() -> None:
    with pytest.raises(ProcessorError, match='"sequence" is given as 3 and, for input "mask", as 4'):
        made(IDS, MASK, shapes={"ids": [1, 3], "mask": [1, 4]})


@pytest.mark.parametrize(
    "settings",
    [{"shapes": {"x": [0]}}, {"shapes": {"x": 3}}, {"ranges": {"x": [1]}}, {"ranges": {"x": [2, 1]}}, {"seed": -1}],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        dataclass_config.build(TensorConfig, settings)


def test_a_shape_beyond_memory_is_an_error() -> None:
    with pytest.raises(ProcessorError, match="does not fit into memory"):
        made(IDS, shapes={"ids": [2**31 - 1, 2**20]})
    with pytest.raises(ConfigError, match="at most 2147483647"):
        made(IDS, shapes={"ids": [2**40, 2**40]})


@pytest.mark.parametrize(("dtype", "ends"), [("float32", (0, 1e300)), ("float16", (-1e5, 0))])
def test_a_range_beyond_the_type_is_an_error_instead_of_infinities(dtype: str, ends: tuple[float, float]) -> None:
    with pytest.raises(ProcessorError, match=f"does not fit {dtype}"):
        made(TensorInfo("x", dtype, (2,)), ranges={"x": list(ends)})


def test_tensors_are_read_from_files(tmp_path: Path) -> None:
    """An .npy file for one input, an .npz for several, open dimensions of any size, texts."""
    image = np.ones((2, 3, 4, 4), "float32")
    np.save(tmp_path / "a.npy", image)
    np.savez(tmp_path / "b.npz", ids=np.ones((1, 9), "int64"), text=np.array(["x", "y"]))
    one = preprocessor(IMAGE)
    two = preprocessor(IDS, TensorInfo("text", "str", (2,)))
    assert (one(one.load(tmp_path / "a.npy"))["image"] == image).all()
    feeds = two(two.load(tmp_path / "b.npz"))
    assert feeds["ids"].shape == (1, 9)
    assert feeds["text"].dtype == object


NARROW = {"bfloat16": "uint16", "float8_e4m3fn": "uint8", "float8_e5m2": "uint8"}


@pytest.mark.parametrize("dtype", NARROW)
def test_bits_of_floats_that_numpy_lacks_are_read_from_files(tmp_path: Path, dtype: str) -> None:
    """The remedy that a refusal offers makes a file that is taken and has the values; a cast to integers has not."""
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes")
    path, values = tmp_path / "a.npy", np.array([1.0, -2.0, 0.5], "float32")
    pre = preprocessor(TensorInfo("x", dtype, (3,)))
    np.save(path, values)
    with pytest.raises(ProcessorError, match=rf'"x" is float32; the model takes {dtype}') as caught:
        pre.load(path)
    code = caught.value.hint.partition(": ")[2].partition(", which")[0]
    np.save(path, eval(code, {"array": values, "ml_dtypes": ml_dtypes}))  # noqa: S307 - the hint is our own text
    loaded = pre(pre.load(path))["x"]
    assert loaded.dtype == NARROW[dtype]
    assert loaded.view(getattr(ml_dtypes, dtype)).astype("float32").tolist() == values.tolist()


@pytest.mark.parametrize(("dtype", "scale", "zero_point"), [("int8", 0.1, 3), ("uint8", 0.0187, 114)])
def test_real_values_for_a_quantised_input_are_to_be_quantised(
    tmp_path: Path, dtype: str, scale: float, zero_point: int
) -> None:
    """A cast, which fits other integers, would make -1.2 a -1; what the remedy makes is within half a step."""
    path, values = tmp_path / "a.npy", np.array([-1.2, 0.0, 0.75], "float32")
    pre = preprocessor(TensorInfo("x", dtype, (3,), scale=scale, zero_point=zero_point))
    np.save(path, values)
    with pytest.raises(ProcessorError, match=f'"x" is float32; the model takes {dtype}') as caught:
        pre.load(path)
    np.save(path, eval(caught.value.hint.partition(": ")[2], {"array": values, "np": np}))  # noqa: S307 - our own text
    loaded = pre(pre.load(path))["x"]
    assert np.abs((loaded.astype(float) - zero_point) * scale - values).max() <= scale / 2 + 1e-9


@pytest.mark.parametrize("dtype", NARROW)
def test_synthetic_values_of_floats_that_numpy_lacks_are_those_of_float32_rounded(dtype: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes")
    made_of = {kind: made(TensorInfo("x", kind, (500,)), shapes={"x": [500]})["x"] for kind in ("float32", dtype)}
    rounded = made_of["float32"].astype(getattr(ml_dtypes, dtype))
    assert np.array_equal(made_of[dtype].view(rounded.dtype), rounded)


def test_bits_are_described_by_their_values() -> None:
    post = TensorPostprocessor(RawConfig(), [TensorInfo("y", "bfloat16", (2,))], ())
    facts = post.describe({"y": np.array([0x3F80, 0xC000], "uint16")})["outputs"]["y"]
    assert facts == {"shape": [2], "dtype": "bfloat16", "min": -2.0, "max": 1.0, "mean": -0.5}


def test_a_file_that_does_not_fit_the_model_says_where_it_differs(tmp_path: Path) -> None:
    """Type, byte order, shape, missing and unknown names, one array for two inputs."""
    cases = {
        "type.npy": (np.ones((1, 3, 4, 4)), [IMAGE], '"image" is float64; the model takes float32'),
        "order.npy": (np.ones((1, 3, 4, 4), ">f4"), [IMAGE], "in non-native byte order"),
        "shape.npy": (np.ones((1, 3, 5, 4), "float32"), [IMAGE], "has the shape 1,3,5,4; the model takes ?,3,4,4"),
        "two.npy": (np.ones(1), [IDS, MASK], "the model has the inputs ids, mask"),
        "missing.npz": ({"ids": np.ones((1, 2), "int64")}, [IDS, MASK], 'holds no array "mask"'),
        "unknown.npz": ({"idz": np.ones(1)}, [IDS], 'did you mean "ids"?'),
    }
    for name, (content, inputs, told) in cases.items():
        path = tmp_path / name
        np.savez(path, **content) if isinstance(content, dict) else np.save(path, content)
        with pytest.raises(ProcessorError) as caught:
            preprocessor(*inputs).load(path)
        assert told in str(caught.value)
        assert str(path) in caught.value.where


EXTRA = TensorInfo("extra", "float32", ("N", None), optional=True)


def test_an_optional_input_is_made_if_its_shape_is_given() -> None:
    """Otherwise it is left out, and its open dimensions are not asked for."""
    assert list(made(IMAGE, EXTRA)) == ["image"]
    assert made(IMAGE, EXTRA, shapes={"extra": [1, 5]})["extra"].shape == (1, 5)


def test_an_optional_input_may_be_missing_in_a_file(tmp_path: Path) -> None:
    """One array in a file is then that of the other input; where it is there, it has to fit."""
    image, extra = np.ones((1, 3, 4, 4), "float32"), np.ones((1, 5), "float32")
    np.save(tmp_path / "a.npy", image)
    np.savez(tmp_path / "b.npz", image=image, extra=extra)
    np.savez(tmp_path / "c.npz", image=image, extra=extra.astype("float64"))
    pre = preprocessor(IMAGE, EXTRA)
    assert list(pre.load(tmp_path / "a.npy").data) == ["image"]
    assert list(pre.load(tmp_path / "b.npz").data) == ["image", "extra"]
    with pytest.raises(ProcessorError, match='"extra" is float64'):
        pre.load(tmp_path / "c.npz")


def test_given_shapes_hold_for_files_too(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((1, 9), "int64"))
    with pytest.raises(ProcessorError, match="has the shape 1,9; the model takes 1,8"):
        preprocessor(IDS, shapes={"ids": [1, 8]}).load(tmp_path / "a.npy")


def test_hostile_files_are_clear_errors(tmp_path: Path) -> None:
    """Pickles, cut files, headers that promise terabytes, archives that are none."""
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "whole.npy", np.ones((1, 3, 4, 4), "float32"))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "whole.npy").read_bytes()[:-8])
    whole = (tmp_path / "whole.npy").read_bytes()
    (tmp_path / "huge.npy").write_bytes(whole.replace(b"(1, 3, 4, 4), }", b"(99999999999,)}"))
    (tmp_path / "head.npy").write_bytes(whole.replace(b"(1, 3, 4, 4), }", b"((((((((((((((("))
    (tmp_path / "empty.npy").touch()
    (tmp_path / "no.npz").write_bytes(b"PK\x03\x04 no archive")
    with zipfile.ZipFile(tmp_path / "junk.npz", "w") as archive:
        archive.writestr("image.npy", b"\x93NUMPY\x01\x00")
    np.savez(tmp_path / "pickle.npz", image=np.array([{}], dtype=object))
    for name in (
        "pickle.npy",
        "cut.npy",
        "huge.npy",
        "head.npy",
        "empty.npy",
        "no.npz",
        "junk.npz",
        "pickle.npz",
    ):
        with pytest.raises(ProcessorError, match="cannot be read") as caught:
            preprocessor(IMAGE).load(tmp_path / name)
        assert name in caught.value.where
    with pytest.raises(ProcessorError, match=r"gone\.npy: no such file"):
        preprocessor(IMAGE).load(tmp_path / "gone.npy")


def test_an_archive_that_expands_to_much_more_than_it_is_is_refused(tmp_path: Path) -> None:
    """Zeros compress a thousandfold: half a gigabyte in half a megabyte."""
    np.savez_compressed(tmp_path / "bomb.npz", image=np.zeros((1, 3, 4, 4), "float32"), more=np.zeros(130 << 20, "u4"))
    with pytest.raises(ProcessorError, match="holds arrays of 545259"):
        preprocessor(IMAGE).load(tmp_path / "bomb.npz")


def test_nothing_is_done_to_samples_and_outputs() -> None:
    """The objects themselves are handed on: no copy is timed."""
    feeds = {"image": np.ones(3)}
    assert preprocessor(IMAGE)(Sample("a", feeds)) is feeds
    assert TensorPostprocessor(RawConfig(), (), ())(feeds, Sample("a", None)) is feeds


def test_outputs_are_described_ready_for_json() -> None:
    """Shape, type, least, greatest and mean; NaN is counted; texts and empty arrays have no numbers."""
    outputs = {
        "y": np.array([[1.0, 3.0, np.nan, np.inf]], "float32"),
        "n": np.array([2, 4], "uint8"),
        "s": np.array(["a"], dtype=object),
        "e": np.zeros((0, 2)),
    }
    described = TensorPostprocessor(RawConfig(), (), ()).describe(outputs)
    assert json.loads(json.dumps(described, allow_nan=False)) == {
        "outputs": {
            "y": {"shape": [1, 4], "dtype": "float32", "not_finite": 2, "min": 1.0, "max": 3.0, "mean": 2.0},
            "n": {"shape": [2], "dtype": "uint8", "min": 2.0, "max": 4.0, "mean": 3.0},
            "s": {"shape": [1], "dtype": "object"},
            "e": {"shape": [0, 2], "dtype": "float64"},
        }
    }
