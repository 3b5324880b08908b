"""Determines by experiment the precision in which a network computes, since ncnn does not report it.

An identity layer is run with 1 + 2^-9 + 2^-15 as its input, and once more with that
number as its weight.  F32 keeps the number, F16 loses its last term and BF16 loses
both.  Eight-bit layers are run with 0.4, which becomes 0.
"""

from __future__ import annotations

import contextlib
import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ncnn
import numpy as np

from lpbench_ncnn import _net
from lpbench_ncnn._param import weighted
from lpbench_ncnn._weights import Weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpbench_ncnn._devices import Device
    from lpbench_ncnn._param import Graph, Layer
    from lpbench_ncnn.config import NcnnConfig

VALUE = 1 + 2**-9 + 2**-15
ANSWERS = {VALUE: "F32", 1 + 2**-9: "F16", 1.0: "BF16"}
SMALL = 0.4
"""Rounds to 0 with a quantisation step of 1."""
INT8_TAG = 0x000D4B38
"""Tag of 8-bit weights in a .bin."""
CHANNELS = 16
"""As many as the widest vector registers hold, so that ncnn uses its packed layout."""
SIDE = 4
FEATURES = 31
"""Parameter that disables options for one layer."""
INT8 = {
    "Convolution": 8,
    "ConvolutionDepthWise": 8,
    "InnerProduct": 8,
    "LSTM": 8,
    "GRU": 8,
    "RNN": 8,
    "MultiHeadAttention": 18,
    "Gemm": 18,
    "SDPA": 18,
}
"""The parameter that is not 0 in a quantised layer."""


@dataclass(frozen=True)
class Probe:
    """A layer that can act as an identity.

    :param params: Its parameters in the .param.
    :param shape: Shape of its input.
    :param each: Whether there is one weight per channel instead of one per pair of channels.
    """

    params: str
    shape: tuple[int, ...]
    each: bool = False


_SQUARE = CHANNELS * CHANNELS
_IMAGE = (CHANNELS, SIDE, SIDE)
PROBES = {
    "Convolution": Probe(f"0={CHANNELS} 1=1 6={_SQUARE}", _IMAGE),
    "ConvolutionDepthWise": Probe(f"0={CHANNELS} 1=1 6={CHANNELS} 7={CHANNELS}", _IMAGE, each=True),
    "Convolution1D": Probe(f"0={CHANNELS} 1=1 6={_SQUARE}", (CHANNELS, SIDE)),
    "Deconvolution": Probe(f"0={CHANNELS} 1=1 6={_SQUARE}", _IMAGE),
    "InnerProduct": Probe(f"0={CHANNELS} 2={_SQUARE}", (CHANNELS,)),
    "Gemm": Probe(f"2=0 3=1 5=1 6=1 8={CHANNELS} 9={CHANNELS} 10=-1", (SIDE, CHANNELS)),
}
QUANTISED = "Convolution, quantised"


def precision(graph: Graph, config: NcnnConfig, threads: int, device: Device | None) -> dict[str, Any]:
    """Return ``precision``, or ``precision_reason`` if there is not exactly one, and the ``fingerprint``.

    :returns: The fingerprint gives, for each layer type, the precision of its numbers and of its weights.
    """
    computing = list(weighted(graph.layers))
    quantised = [layer for layer in computing if is_quantised(layer)]
    others = {layer.type for layer in computing} - {layer.type for layer in quantised}
    probed = sorted(others & PROBES.keys()) or ([] if quantised else ["Convolution"])
    fingerprint = {kind: _try(kind, config, threads, device) for kind in probed}
    if quantised:
        fingerprint[QUANTISED] = {"numbers": eight_bits(config, threads, device)}
    verdict, reason = _verdict(graph, computing, quantised, fingerprint, narrow=any(config.narrow.values()))
    return {"fingerprint": fingerprint, **({"precision": verdict} if verdict else {"precision_reason": reason})}


def is_quantised(layer: Layer) -> bool:
    """Return whether a layer has 8-bit weights."""
    return layer.type in INT8 and layer.integer(INT8[layer.type]) != 0


def _verdict(
    graph: Graph,
    computing: Sequence[Layer],
    quantised: Sequence[Layer],
    fingerprint: Mapping[str, Mapping[str, str]],
    *,
    narrow: bool,
) -> tuple[str, str]:
    """Return the precision and an empty string, or an empty string and the reason why there is not exactly one."""
    seen = {precision for result in fingerprint.values() for precision in result.values()}
    unprobed = sorted({layer.type for layer in computing} - PROBES.keys())
    if quantised and len(quantised) < len(computing):
        return "", f"{len(quantised)} of {len(computing)} layers with weights are quantised to 8 bits"
    if len(seen) != 1:
        return "", f"the layers differ: {_words(fingerprint)}"
    (only,) = seen
    if only not in {*ANSWERS.values(), "S8"}:
        return "", f"the fingerprint matches none of F32, F16, BF16: {_words(fingerprint)}"
    if only != "F32" or narrow:
        if unprobed and only != "S8":
            return "", f"{_words(fingerprint)}; no fingerprint is known for {', '.join(unprobed)}"
        if any(layer.integer(FEATURES) for layer in graph.layers):
            return "", f"{_words(fingerprint)}; the .param switches options off for some layers"
    return only, ""


def _words(fingerprint: Mapping[str, Mapping[str, str]]) -> str:
    return ", ".join(f"{kind} {result['numbers']}{_weights(result)}" for kind, result in fingerprint.items())


def _weights(result: Mapping[str, str]) -> str:
    kept = result.get("weights", result["numbers"])
    return "" if kept == result["numbers"] else f" with weights kept in {kept}"


def _try(kind: str, config: NcnnConfig, threads: int, device: Device | None) -> dict[str, str]:
    """Return the precisions in which a layer type keeps its numbers and its weights."""
    probe = PROBES[kind]
    layers = ["Input a 0 1 a", "Input b 0 1 b", f"{kind} x 1 1 a x {probe.params}", f"{kind} y 1 1 b y {probe.params}"]
    # ncnn's storage of weights: a tag, 0 for plain float32, and the numbers; the same for Gemm
    weights = b"".join(struct.pack("<I", 0) + _identity(probe, value) for value in (1.0, VALUE))
    with _loaded(layers, weights, config, threads, device) as net:
        numbers, kept = _run(net, {"a": (probe.shape, VALUE, "x"), "b": (probe.shape, 1.0, "y")})
    return {"numbers": _name(numbers), "weights": _name(kept)}


def eight_bits(config: NcnnConfig, threads: int, device: Device | None) -> str:
    """Return the precision of a quantised convolution: S8, F32, or else its result for 0.4."""
    layers = ["Input a 0 1 a", f"Convolution x 1 1 a x {PROBES['Convolution'].params} 8=1"]
    weights = struct.pack("<I", INT8_TAG) + np.eye(CHANNELS, dtype=np.int8).tobytes()
    steps = np.ones(CHANNELS + 1, "<f4").tobytes()  # one for each output and one for the input
    with _loaded(layers, weights + steps, config, threads, device) as net:
        (numbers,) = _run(net, {"a": (_IMAGE, SMALL, "x")})
    if not numbers.any():
        return "S8"
    return "F32" if np.allclose(numbers, SMALL) else _name(numbers)


def _identity(probe: Probe, value: float) -> bytes:
    matrix = np.full(CHANNELS, value, "<f4") if probe.each else np.eye(CHANNELS, dtype="<f4") * np.float32(value)
    return matrix.tobytes()


@contextlib.contextmanager
def _loaded(
    layers: Sequence[str], weights: bytes, config: NcnnConfig, threads: int, device: Device | None
) -> Iterator[Any]:
    net = _net.make(config, threads, device)
    try:
        net.load_param_mem("\n".join(["7767517", f"{len(layers)} {len(layers)}", *layers, ""]))
        net.load_model(Weights(io.BytesIO(weights)))
        yield net
    finally:
        net.clear()


def _run(net: Any, inputs: Mapping[str, tuple[tuple[int, ...], float, str]]) -> list[np.ndarray[Any, Any]]:
    extractor = net.create_extractor()
    try:
        for name, (shape, value, _) in inputs.items():
            mat = ncnn.Mat(shape[::-1])
            mat.numpy()[...] = value
            extractor.input(name, mat)
        return [extractor.extract(output)[1].numpy().copy() for _, _, output in inputs.values()]
    finally:
        del extractor  # an extractor that outlives its network ends the process


def _name(values: np.ndarray[Any, Any]) -> str:
    """Return the precision that produces these values, or the values themselves."""
    names = sorted({ANSWERS.get(float(value), f"{value:.6g}") for value in values.ravel()})
    return "/".join(names[:3]) or "nothing"
