"""Determines the precision of a model from its types and a fingerprint, since LiteRT does not report it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench_tflite._write import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.kit.tflite_file import Structure
    from lpbench_tflite.config import TfliteConfig

FINGERPRINT = 1 + 2**-9 + 2**-15
"""Exact in F32; F16 rounds the last term away, BF16 the last two."""
ROUNDED = ((2**-17, "F32"), (2**-12, "F16"), (2**-6, "BF16"))
"""Upper limit of the fingerprint's error, and the precision with an error below it."""
WIDTH = 16
INTEGERS = {"int8": "S8", "uint8": "U8"}


def precision(structure: Structure, config: TfliteConfig, start: Callable[[bytes], Any]) -> dict[str, str]:
    """Return ``precision``, or ``precision_reason`` if it cannot be determined.

    :param start: Makes an interpreter for a model with the session's options.
    """
    reason = _doubt(structure, config)
    if reason:
        return {"precision_reason": reason}
    data, _ = next(iter(structure.arithmetic))
    if data in INTEGERS:  # the format defines the arithmetic of integer operators
        return {"precision": INTEGERS[data]}
    measured = fingerprint(start(identity()))
    return {"precision": measured} if measured else {"precision_reason": "the fingerprint is less precise than BF16"}


def _doubt(structure: Structure, config: TfliteConfig) -> str:
    if config.delegates:
        return "a delegate does not report the precision in which it computes"
    if structure.reduced:
        return "the model allows XNNPACK to compute in F16, and LiteRT does not report whether it does"
    kinds = {_kind(data, weights) for data, weights in structure.arithmetic}
    if not kinds:
        return "the model computes nothing"
    if len(kinds) > 1:
        return f"its operators use {', '.join(sorted(kinds))}"
    kind = kinds.pop()
    return "" if kind in {"float32", *INTEGERS} else f"its operators use {kind}: LiteRT does not report the precision"


def _kind(data: str, weights: str) -> str:
    return data if weights in {data, ""} else f"{data} with weights of {weights}"


def identity() -> bytes:
    """Return a model that multiplies a vector by one."""
    network = Network()
    vector = network.tensor("x", (1, WIDTH))
    output = network.dense("y", vector, (1, WIDTH), np.eye(WIDTH, dtype=np.float32))
    return network.save([vector], [output])


def fingerprint(interpreter: Any) -> str:
    """Return the precision in which the identity's interpreter computes; empty if it matches none."""
    input_index, output_index = (
        interpreter.get_input_details()[0]["index"],
        interpreter.get_output_details()[0]["index"],
    )
    interpreter.set_tensor(input_index, np.full((1, WIDTH), FINGERPRINT, np.float32))
    interpreter.invoke()
    error = float(np.abs(interpreter.get_tensor(output_index).astype(np.float64) - FINGERPRINT).max())
    return next((name for limit, name in ROUNDED if error < limit), "")
