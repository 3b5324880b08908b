"""Images become tensors as the plain reference has it, for every size, mode, layout and type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.lpbench_image.tests import reference

from lpbench.plugin import registry
from lpbench.plugin.engine import TensorInfo
from lpbench.plugin.processor import Sample
from lpbench.util import dataclass_config
from lpbench_image._pre import ImagePreprocessor
from lpbench_image.config import ImageConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

ROUNDING = 1.01
"""OpenCV rounds a resized pixel to a whole level, and its weights to 1/2048."""
SIDES = st.integers(1, 40)
ROUNDS = settings(max_examples=40, deadline=None)


def info(*shape: int | str | None, dtype: str = "float32", **more: Any) -> TensorInfo:
    return TensorInfo("input", dtype, shape, **more)


def build(values: dict[str, Any], *inputs: TensorInfo) -> ImagePreprocessor:
    return ImagePreprocessor(dataclass_config.build(ImageConfig, values), inputs)


def picture(height: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def feed(pre: ImagePreprocessor, data: Array) -> Array:
    found: Array = pre(Sample("picture", data))["input"]
    return found


def shaped(layout: str, channels: int, height: int, width: int) -> tuple[int, ...]:
    return (1, channels, height, width) if layout == "NCHW" else (1, height, width, channels)


def pixels(pre: ImagePreprocessor, data: Array) -> Array:
    """Return an NHWC batch of one, float64, as height x width x channels."""
    found: Array = feed(pre, data)[0].astype(np.float64)
    return found


RAW = {"color": "BGR", "normalise": {"scale": 1}}


@given(SIDES, SIDES, SIDES, SIDES)
@ROUNDS
def test_stretching_is_the_reference(h: int, w: int, height: int, width: int) -> None:
    """Any size to any size, with half-pixel centres."""
    pre = build(RAW, info(1, height, width, 3, layout="NHWC"))
    data = picture(h, w)
    assert np.abs(pixels(pre, data) - reference.resize_bilinear(data, (height, width))).max() <= ROUNDING


@given(SIDES, SIDES, SIDES, SIDES)
@ROUNDS
def test_nearest_is_the_pixel_under_the_centre(h: int, w: int, height: int, width: int) -> None:
    """Any size to any size; where a centre lies between two pixels, either is right."""
    pre = build({**RAW, "resize": {"interpolation": "nearest"}}, info(1, height, width, 3, layout="NHWC"))
    data = picture(h, w)
    clear = np.ix_(
        *([(2 * at + 1) * old % (2 * new) != 0 for at in range(new)] for old, new in ((h, height), (w, width)))
    )
    assert np.array_equal(pixels(pre, data)[clear], reference.resize_nearest(data, (height, width))[clear])


@given(st.integers(20, 60), st.integers(20, 60), st.integers(1, 20), st.integers(1, 20))
@ROUNDS
def test_area_is_the_mean_of_what_a_pixel_covers(h: int, w: int, height: int, width: int) -> None:
    """Shrinking by any factor."""
    pre = build({**RAW, "resize": {"interpolation": "area"}}, info(1, height, width, 3, layout="NHWC"))
    data = picture(h, w)
    assert np.abs(pixels(pre, data) - reference.resize_area(data, (height, width))).max() <= ROUNDING


@given(st.integers(8, 60), st.integers(8, 60), st.integers(8, 30), st.data())
@ROUNDS
def test_short_side_and_crop_are_the_reference(h: int, w: int, short: int, data: st.DataObject) -> None:
    """Portrait and landscape, shrunk and enlarged, whatever is resized to get there."""
    side = data.draw(st.integers(1, short))
    values = {**RAW, "resize": {"mode": "short-side", "size": short}, "crop": side}
    pre = build(values, info(1, side, side, 3, layout="NHWC"))
    source = picture(h, w)
    resized = reference.resize_bilinear(source, reference.short_side((h, w), short))
    assert np.abs(pixels(pre, source) - reference.crop(resized, (side, side))).max() <= ROUNDING


@given(st.integers(8, 60), st.integers(8, 60), st.integers(4, 24), st.integers(4, 24), st.floats(0.5, 1))
@ROUNDS
def test_a_crop_of_a_share_is_the_reference(h: int, w: int, height: int, width: int, share: float) -> None:
    """Tiles of any proportions: the image covers the tile and its margin, and the centre is kept."""
    values = {**RAW, "resize": {"mode": "short-side"}, "crop_share": share}
    source, around = picture(h, w), (round(height / share), round(width / share))
    resized = reference.resize_bilinear(source, reference.covering((h, w), around))
    found = pixels(build(values, info(1, height, width, 3, layout="NHWC")), source)
    assert np.abs(found - reference.crop(resized, (height, width))).max() <= ROUNDING


@pytest.mark.parametrize(("tile", "short"), [(224, 256), (192, 219), (96, 110)])
def test_the_margin_around_the_crop_grows_with_the_models_tile(tile: int, short: int) -> None:
    """The share of the usual evaluation on ImageNet, 224 of 256, against these sizes in the config."""
    area = {"mode": "short-side", "interpolation": "area"}
    shared = build({"resize": area, "crop_share": 0.875}, info(1, 3, tile, tile))
    stated = build({"resize": {**area, "size": short}, "crop": tile}, info(1, 3, tile, tile))
    source = picture(600, 451)
    assert np.array_equal(feed(shared, source), feed(stated, source))


@pytest.mark.parametrize("how", ["bilinear", "nearest"])
@pytest.mark.parametrize(
    ("source", "short", "side"), [((512, 512), 256, 224), ((640, 480), 240, 160), ((90, 120), 60, 40)]
)
def test_resizing_only_what_the_crop_keeps_changes_no_pixel(
    source: tuple[int, int], short: int, side: int, how: str
) -> None:
    """Sizes for which the crop begins and ends on whole pixels, against resizing everything first."""
    values = {**RAW, "resize": {"mode": "short-side", "size": short, "interpolation": how}, "crop": side}
    pre = build(values, info(1, side, side, 3, layout="NHWC"))
    assert pre.sizing.place(source, local=True).resized == (side, side)
    data = picture(*source)
    height, width = reference.short_side(source, short)
    flag = {"bilinear": cv2.INTER_LINEAR, "nearest": cv2.INTER_NEAREST_EXACT}[how]
    everything = cv2.resize(data, (width, height), interpolation=flag)
    assert np.array_equal(pixels(pre, data), reference.crop(everything, (side, side)))


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 255))
@ROUNDS
def test_letterbox_is_the_reference(h: int, w: int, height: int, width: int, pad: int) -> None:
    """Any proportions into any, the rest in the colour asked for."""
    pre = build({**RAW, "resize": {"mode": "letterbox", "pad": pad}}, info(1, height, width, 3, layout="NHWC"))
    data = picture(h, w)
    assert np.abs(pixels(pre, data) - reference.letterbox(data, (height, width), pad)).max() <= ROUNDING


def test_the_pad_colour_is_red_green_blue() -> None:
    """The strip above a landscape picture, whatever the order of the tensor."""
    for color, expected in (("RGB", [10, 20, 30]), ("BGR", [30, 20, 10])):
        values = {"color": color, "normalise": {"scale": 1}, "resize": {"mode": "letterbox", "pad": [10, 20, 30]}}
        assert pixels(build(values, info(1, 8, 8, 3)), picture(4, 8))[0, 0].tolist() == expected


@pytest.mark.parametrize("name", ["bicubic", "lanczos"])
def test_smooth_interpolations_keep_a_plain_colour_and_differ_from_bilinear(name: str) -> None:
    """Bicubic and Lanczos on a plain picture and on noise."""
    pre = build({**RAW, "resize": {"interpolation": name}}, info(1, 20, 20, 3))
    assert np.unique(pixels(pre, np.full((9, 9, 3), 77, np.uint8))).tolist() == [77]
    assert np.abs(pixels(pre, picture(9, 9)) - reference.resize_bilinear(picture(9, 9), (20, 20))).max() > 3


@given(
    st.sampled_from(["RGB", "BGR", "GREY"]),
    st.sampled_from(["NCHW", "NHWC"]),
    st.sampled_from(["float32", "float16"]),
    st.floats(1e-3, 2),
    st.lists(st.floats(-2, 130), min_size=3, max_size=3),
    st.lists(st.floats(0.1, 60), min_size=3, max_size=3),
    st.booleans(),
)
@ROUNDS
def test_normalising_is_the_formula(  # noqa: PLR0913, PLR0917 - one for each setting
    color: str,
    layout: str,
    dtype: str,
    scale: float,
    means: list[float],
    stds: list[float],
    one: bool,  # noqa: FBT001
) -> None:
    """Every order, layout and float type, with one number and with one for each channel."""
    count = 1 if color == "GREY" or one else 3
    mean, std = (each[0] if count == 1 else each for each in (means, stds))
    shape = shaped(layout, 1 if color == "GREY" else 3, 6, 10)
    values = {"color": color, "layout": layout, "normalise": {"scale": scale, "mean": mean, "std": std}}
    data = picture(6, 10)
    found = feed(build(values, info(*shape, dtype=dtype)), data)
    expected = reference.tensor(data, color, layout, scale, mean, std)
    assert found.dtype == dtype
    assert found.shape == shape
    grey = np.max(scale / np.array(std)) * 0.6 if color == "GREY" else 0  # OpenCV rounds grey to a whole level
    precision = {"float32": 1e-6, "float16": 1e-3}[dtype]
    magnitude = (255 * scale + np.abs(mean).max()) / np.min(std)
    assert np.abs(found - expected).max() <= grey + precision * magnitude


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(
    ("dtype", "scale", "zero"), [("uint8", 0.0078, 128), ("int8", 1 / 127, -5), ("int32", 0.01, 3)]
)
def test_quantised_inputs_hold_the_nearest_step(layout: str, dtype: str, scale: float, zero: int) -> None:
    """Normalised values in the input's own scale and zero point, kept in range."""
    shape = shaped(layout, 3, 7, 5)
    normalise = {"scale": 1, "mean": [127.5, 120.0, 99.0], "std": 127.5}
    pre = build({"normalise": normalise}, info(*shape, dtype=dtype, layout=layout, scale=scale, zero_point=zero))
    data = picture(7, 5)
    real = reference.tensor(data, "RGB", layout, 1, [127.5, 120.0, 99.0], 127.5)
    found = feed(pre, data)
    assert found.dtype == dtype
    assert np.array_equal(found, reference.quantise(real, dtype, scale, zero))


@given(
    st.sampled_from(["uint8", "int8", "int32"]),
    st.sampled_from(["NCHW", "NHWC"]),
    st.sampled_from(["RGB", "BGR", "GREY"]),
    st.floats(1e-3, 2),
    st.integers(-128, 255),
    st.booleans(),
)
@ROUNDS
def test_quantised_inputs_are_the_reference(  # noqa: PLR0913, PLR0917 - one for each setting
    dtype: str,
    layout: str,
    color: str,
    scale: float,
    zero: int,
    plain: bool,  # noqa: FBT001
) -> None:
    """Any scale and zero point, without and with a normalisation: the nearest step, halves to the even one."""
    grey = color == "GREY"
    given_ = (1 / 255, 0.0, 1.0) if plain else (1.0, 127.5, 64.0)
    values = {} if plain else {"normalise": {"scale": 1, "mean": 127.5, "std": 64}}
    wanted = info(*shaped(layout, 1 if grey else 3, 5, 9), dtype=dtype, layout=layout, scale=scale, zero_point=zero)
    data = np.repeat(picture(5, 9)[:, :, :1], 3, axis=2) if grey else picture(5, 9)  # grey of grey is not rounded
    found = feed(build({"color": color, **values}, wanted), data)
    real = reference.tensor(data, "RGB" if grey else color, layout, *given_)
    if grey:
        real = real[:, :1] if layout == "NCHW" else real[..., :1]
    assert np.array_equal(found, reference.quantise(real, dtype, scale, zero))


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("color", ["RGB", "BGR", "GREY"])
def test_whole_numbers_without_a_scale_are_the_pixels(dtype: str, layout: str, color: str) -> None:
    """0 to 255 as they are, unless the config says more."""
    shape = shaped(layout, 1 if color == "GREY" else 3, 4, 6)
    data = picture(4, 6)
    found = feed(build({"color": color}, info(*shape, dtype=dtype, layout=layout)), data)
    expected = reference.tensor(data, color, layout, 1, 0, 1)
    assert np.abs(found - expected).max() <= (0.51 if color == "GREY" else 0)


def test_floats_are_0_to_1_unless_the_config_says_more() -> None:
    """White and black through a float input."""
    white = np.full((4, 4, 3), 255, np.uint8)
    pre = build({}, info(1, 3, 4, 4))
    assert feed(pre, white).max() == pytest.approx(1)
    assert feed(pre, white * 0).max() == 0


@pytest.mark.parametrize("size", [3, 5, 9])
def test_gaussian_is_scipys(size: int) -> None:
    """A blur with mirrored borders, within OpenCV's rounding."""
    sigma = 1.3
    pre = build({**RAW, "filter": {"gaussian": {"size": size, "sigma": sigma}}}, info(1, 20, 30, 3))
    data = picture(20, 30)
    expected = scipy.ndimage.gaussian_filter(
        data.astype(float), (sigma, sigma, 0), mode="mirror", radius=(size // 2, size // 2, 0)
    )
    assert np.abs(pixels(pre, data) - expected).max() <= 2 * ROUNDING


@pytest.mark.parametrize("size", [3, 5, 7])
def test_median_is_scipys(size: int) -> None:
    """A median with repeated borders, exactly."""
    pre = build({**RAW, "filter": {"median": size}}, info(1, 20, 30, 3))
    data = picture(20, 30)
    assert np.array_equal(pixels(pre, data), scipy.ndimage.median_filter(data, (size, size, 1), mode="nearest"))


def test_filters_work_on_the_cropped_picture_the_median_first() -> None:
    """Both filters behind a crop, against the two one after the other."""
    chosen = {"median": 3, "gaussian": {"size": 5, "sigma": 1}}
    pre = build({**RAW, "resize": {"mode": "none"}, "crop": 16, "filter": chosen}, info(1, 16, 16, 3))
    data = picture(20, 30)
    kept = np.ascontiguousarray(reference.crop(data, (16, 16)))
    assert np.array_equal(pixels(pre, data), cv2.GaussianBlur(cv2.medianBlur(kept, 3), (5, 5), 1))
    assert np.array_equal(data, picture(20, 30))


@pytest.mark.parametrize(
    "values",
    [
        {"resize": {"mode": "stretch"}},
        {"resize": {"mode": "letterbox", "pad": 9}},
        {"resize": {"mode": "short-side", "size": 20}, "crop": 16},
        {"resize": {"mode": "short-side", "size": 20}, "crop": 16, "filter": {"median": 3}},
    ],
)
@given(st.lists(st.tuples(st.integers(16, 50), st.integers(16, 50)), min_size=2, max_size=6))
@settings(max_examples=15, deadline=None)
def test_sizes_may_alternate_over_the_same_buffers(values: dict[str, Any], sizes: list[tuple[int, int]]) -> None:
    """One preprocessor over pictures of many sizes, twice, gives what a fresh one gives each time."""
    pre = build(values, info(1, 3, 16, 16))
    for seed, size in enumerate(sizes * 2):
        data = picture(*size, seed)
        assert np.array_equal(feed(pre, data), feed(build(values, info(1, 3, 16, 16)), data))
        assert np.array_equal(data, picture(*size, seed)), "the sample was written to"


def test_the_tensor_is_reused() -> None:
    """Two calls fill one array, so nothing is allocated while time is taken."""
    pre = build({}, info(1, 3, 16, 16))
    assert feed(pre, picture(20, 20)) is feed(pre, picture(30, 30))


def test_open_sizes_follow_the_picture() -> None:
    """A model with open height and width and mode none gets each picture as it is, pictures of many sizes in turn."""
    pre = build({**RAW, "resize": {"mode": "none"}, "layout": "NCHW"}, info("n", 3, "h", "w"))
    for at in [*range(4, 24), 4, 5]:
        data = picture(at, at + 3)
        assert np.array_equal(feed(pre, data)[0], data.transpose(2, 0, 1))


def test_a_view_with_gaps_is_as_good_as_a_whole_array() -> None:
    """A part of a larger picture, of a width that is no multiple of anything."""
    data = picture(40, 50)[3:30, 5:42]
    for shape in ((1, 3, 27, 37), (1, 27, 37, 3)):
        assert np.array_equal(feed(build({}, info(*shape)), data), feed(build({}, info(*shape)), data.copy()))


def test_models_without_a_batch_get_none() -> None:
    """An input of three dimensions, as ncnn has them."""
    assert feed(build({}, info(3, 8, 8)), picture(9, 9)).shape == (3, 8, 8)


def test_an_open_batch_is_one_image() -> None:
    """The batch's name does not matter."""
    assert feed(build({}, info("batch", 3, 8, 8)), picture(9, 9)).shape == (1, 3, 8, 8)


def test_short_side_takes_the_models_size_for_what_is_left_out() -> None:
    """Neither size nor crop given."""
    pre = build({"resize": {"mode": "short-side"}}, info(1, 3, 12, 12))
    assert feed(pre, picture(50, 30)).shape == (1, 3, 12, 12)


def test_synthetic_pictures_are_the_same_for_the_same_seed_only() -> None:
    """Index and seed each matter; the size is the model's; they look like no flat grey."""
    pre, again = (build({}, info(1, 3, 48, 64)) for _ in range(2))
    first = pre.generate(3, seed=7).data
    assert first.shape == (48, 64, 3)
    assert first.dtype == np.uint8
    assert first.std() > 20
    assert np.array_equal(first, again.generate(3, seed=7).data)
    assert not np.array_equal(first, pre.generate(4, seed=7).data)
    assert not np.array_equal(first, pre.generate(3, seed=-8).data)


def test_synthetic_pictures_exist_for_open_sizes() -> None:
    """No size to go by."""
    pre = build({"resize": {"mode": "none"}, "layout": "NHWC"}, info(None, None, None, 3))
    assert feed(pre, pre.generate(0, seed=0).data).shape == (1, 224, 224, 3)


def test_opencvs_threads_are_the_configs() -> None:
    """One thread unless the app asks for more."""
    for threads in (2, 1):
        build({"threads": threads}, info(1, 3, 8, 8))
        assert cv2.getNumThreads() == threads


def test_the_preprocessor_is_found_through_its_entry_point() -> None:
    """The way lpbench takes: name, spec, config, implementation."""
    spec = registry.current().get(registry.PREPROCESSORS, "image").spec
    assert spec.availability()
    assert ".jpg" in spec.suffixes
    settled = dataclass_config.build(registry_config(spec.config), {"resize": {"mode": "letterbox", "size": [8, 8]}})
    assert spec.load()(settled, [info(1, 3, 8, 8)]).generate(0, seed=0).name == "0"


def registry_config(target: str) -> type[Any]:
    from lpbench.plugin.specs import load

    found: type[Any] = load(target, who="image")
    return found
