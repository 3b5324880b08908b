"""Slow and obvious image processing in plain numpy, float64, for the tests to compare with.

Pictures are height x width x 3, uint8, blue, green, red.  Every interpolation
takes the centre of a pixel as half its index and half a pixel (half-pixel
centres) and repeats the pixels at the borders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Size = tuple[int, int]


def resize_bilinear(picture: Array, size: Size) -> Array:
    """Return the picture at this height and width, float64, one output pixel at a time."""
    height, width = picture.shape[:2]
    result = np.empty((*size, 3))
    for row in range(size[0]):
        for column in range(size[1]):
            y, x = (row + 0.5) * height / size[0] - 0.5, (column + 0.5) * width / size[1] - 0.5
            result[row, column] = _between(picture, y, x)
    return result


def _between(picture: Array, y: float, x: float) -> Array:
    """Return the colour at a point, from the four pixels around it."""
    top, left = int(np.floor(y)), int(np.floor(x))
    down, right = y - top, x - left
    colour = np.zeros(3)
    for row, weight_y in ((top, 1 - down), (top + 1, down)):
        for column, weight_x in ((left, 1 - right), (left + 1, right)):
            inside = picture[np.clip(row, 0, picture.shape[0] - 1), np.clip(column, 0, picture.shape[1] - 1)]
            colour += weight_y * weight_x * inside
    return colour


def resize_nearest(picture: Array, size: Size) -> Array:
    """Return the pixel in which the centre of each new pixel lies."""
    rows = [int((row + 0.5) * picture.shape[0] / size[0]) for row in range(size[0])]
    columns = [int((column + 0.5) * picture.shape[1] / size[1]) for column in range(size[1])]
    return np.array([[picture[row, column] for column in columns] for row in rows])


def resize_area(picture: Array, size: Size) -> Array:
    """Return the mean colour of what each new pixel covers; only for shrinking."""
    shares = []
    for old, new in zip(picture.shape[:2], size, strict=True):
        edges = np.arange(new + 1) * old / new
        starts, ends = np.maximum.outer(edges[:-1], np.arange(old)), np.minimum.outer(edges[1:], np.arange(old) + 1)
        shares.append(np.clip(ends - starts, 0, None) * new / old)
    result: Array = np.einsum("ay,bx,yxc->abc", shares[0], shares[1], picture.astype(np.float64))
    return result


def short_side(source: Size, short: int) -> Size:
    """Return height and width with this short side, the other rounded down."""
    if source[0] < source[1]:
        return short, short * source[1] // source[0]
    return short * source[0] // source[1], short


def covering(source: Size, size: Size) -> Size:
    """Return the smallest height and width of these proportions that cover ``size``, the larger one rounded down."""
    candidates = [(size[0], source[1] * size[0] // source[0]), (source[0] * size[1] // source[1], size[1])]
    return next(each for each in candidates if each[0] >= size[0] and each[1] >= size[1])


def boxed(source: Size, size: Size) -> Size:
    """Return the largest height and width of these proportions that fit into ``size``."""
    if source[0] * size[1] > source[1] * size[0]:
        return size[0], max(1, round(source[1] * size[0] / source[0]))
    return max(1, round(source[0] * size[1] / source[1])), size[1]


def crop(picture: Array, size: Size) -> Array:
    """Return the centre; where it cannot be exact, half a pixel up and left."""
    top, left = (picture.shape[0] - size[0]) // 2, (picture.shape[1] - size[1]) // 2
    return picture[top : top + size[0], left : left + size[1]]


def letterbox(picture: Array, size: Size, pad: int) -> Array:
    """Return the picture in the middle of a canvas."""
    inner = boxed(picture.shape[:2], size)
    canvas = np.full((*size, 3), float(pad))
    top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas[top : top + inner[0], left : left + inner[1]] = resize_bilinear(picture, inner)
    return canvas


def tensor(picture: Array, color: str, layout: str, scale: Any, mean: Any, std: Any) -> Array:  # noqa: PLR0913, PLR0917 - the formula's
    """Return the tensor of a picture as the formula reads, float64, with a batch of one."""
    ordered = picture.astype(np.float64)
    if color == "RGB":
        ordered = ordered[:, :, ::-1]
    if color == "GREY":  # ITU-R BT.601
        blue, green, red = np.moveaxis(ordered, -1, 0)
        ordered = (0.299 * red + 0.587 * green + 0.114 * blue)[:, :, None]
    values: Array = (ordered * np.array(scale) - np.array(mean)) / np.array(std)
    return values.transpose(2, 0, 1)[None] if layout == "NCHW" else values[None]


def quantise(values: Array, dtype: str, scale: float, zero_point: int) -> Array:
    """Return the nearest steps, kept in range."""
    limits = np.iinfo(dtype)
    return np.clip(np.round(values / scale) + zero_point, limits.min, limits.max)


def look_at(picture: Array, region: Any, size: Size, pad: int) -> Array:
    """Return a turned or mirrored rectangle at this height and width, one pixel at a time; outside lies ``pad``.

    :param region: With centre ``x`` and ``y``, ``width``, ``height``, ``angle`` in radians and ``mirrored``.
    """
    result = np.empty((*size, 3))
    for row in range(size[0]):
        for column in range(size[1]):
            across = ((column + 0.5) / size[1] - 0.5) * region.width * (-1 if region.mirrored else 1)
            down = ((row + 0.5) / size[0] - 0.5) * region.height
            x = region.x + across * np.cos(region.angle) - down * np.sin(region.angle)
            y = region.y + across * np.sin(region.angle) + down * np.cos(region.angle)
            result[row, column] = _padded_between(picture, y - 0.5, x - 0.5, pad)
    return result


def _padded_between(picture: Array, y: float, x: float, pad: int) -> Array:
    """Return the colour at a point, from the four pixels around it, which have the colour of the pad outside."""
    top, left = int(np.floor(y)), int(np.floor(x))
    colour = np.zeros(3)
    for row, weight_y in ((top, 1 - y + top), (top + 1, y - top)):
        for column, weight_x in ((left, 1 - x + left), (left + 1, x - left)):
            inside = 0 <= row < picture.shape[0] and 0 <= column < picture.shape[1]
            colour += weight_y * weight_x * (picture[row, column] if inside else pad)
    return colour


def bordered(picture: Array, top: int, left: int, size: Size, pad: int) -> Array:
    """Return a part of a picture that may stick out of it, one pixel at a time."""
    result = np.full((*size, 3), pad, np.uint8)
    for row in range(size[0]):
        for column in range(size[1]):
            if 0 <= top + row < picture.shape[0] and 0 <= left + column < picture.shape[1]:
                result[row, column] = picture[top + row, left + column]
    return result
