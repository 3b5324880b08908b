"""In which precision a model is computed: LiteRT does not tell, so the file's types and a fingerprint do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpbench_tflite._write import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench_tflite._model import Structure
    from lpbench_tflite.config import TfliteConfig

FINGERPRINT = 1 + 2**-9 + 2**-15
"""Exact in F32; F16 rounds the last term away, BF16 both."""
ROUNDED = ((2**-17, "F32"), (2**-12, "F16"), (2**-6, "BF16"))
"""Largest error on the fingerprint, and the precision that has it."""
WIDTH = 16
INTEGERS = {"int8": "S8", "uint8": "U8"}


def precision(structure: Structure, config: TfliteConfig, start: Callable[[bytes], Any]) -> dict[str, str]:
    """Return ``precision``, or ``precision_reason`` where it cannot be told.

    :param start: Returns an interpreter for a model, opened with the options of the session.
    """
    reason = _doubt(structure, config)
    if reason:
        return {"precision_reason": reason}
    data, _ = next(iter(structure.arithmetic))
    if data in INTEGERS:  # what such an operator computes is fixed by the format
        return {"precision": INTEGERS[data]}
    found = fingerprint(start(identity()))
    return {"precision": found} if found else {"precision_reason": "the fingerprint is off by more than BF16 is"}


def _doubt(structure: Structure, config: TfliteConfig) -> str:
    if config.delegates:
        return "a delegate does not tell in which precision it computes"
    if structure.reduced:
        return "the model allows XNNPACK to compute in F16, and LiteRT does not tell whether it does"
    kinds = {_kind(data, weights) for data, weights in structure.arithmetic}
    if not kinds:
        return "the model computes nothing"
    if len(kinds) > 1:
        return f"its operators take {', '.join(sorted(kinds))}"
    kind = kinds.pop()
    return (
        "" if kind in {"float32", *INTEGERS} else f"its operators take {kind}: LiteRT does not tell what it computes in"
    )


def _kind(data: str, weights: str) -> str:
    return data if weights in {data, ""} else f"{data} with weights of {weights}"


def identity() -> bytes:
    """Return a model that multiplies a vector by one."""
    network = Network()
    given = network.tensor("x", (1, WIDTH))
    found = network.dense("y", given, (1, WIDTH), np.eye(WIDTH, dtype=np.float32))
    return network.save([given], [found])


def fingerprint(interpreter: Any) -> str:
    """Return the precision that the interpreter of the identity computes in, empty if it is none of ours."""
    given, found = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.set_tensor(given, np.full((1, WIDTH), FINGERPRINT, np.float32))
    interpreter.invoke()
    error = float(np.abs(interpreter.get_tensor(found).astype(np.float64) - FINGERPRINT).max())
    return next((name for limit, name in ROUNDED if error < limit), "")
