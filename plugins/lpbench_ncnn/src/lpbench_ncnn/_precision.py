"""In which precision a network is computed: ncnn does not tell, so it is tried.

A layer that passes its input on is run with 1 + 2^-9 + 2^-15 as its input, and once
more with that as its weight.  F32 keeps the number, F16 loses its last part and
BF16 loses both.  Eight bits are tried with 0.4, which becomes 0.
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
"""Rounds to 0 where one step is 1."""
INT8_TAG = 0x000D4B38
"""Marks weights of 8 bits in a .bin."""
CHANNELS = 16
"""As many as the widest registers hold, so that ncnn packs them."""
SIDE = 4
FEATURES = 31
"""Parameter that switches options off for one layer."""
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
"""The parameter that is not 0 in a layer that was quantised."""


@dataclass(frozen=True)
class Probe:
    """A layer that can pass its input on.

    :param params: Its parameters in the .param.
    :param shape: Of its input.
    :param each: Whether each channel has one weight of its own, instead of one for each pair.
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
    """Return ``precision``, or ``precision_reason`` where there is not just one, and the ``fingerprint`` by type.

    :returns: The fingerprint gives for each type what its numbers and its weights are kept in.
    """
    computing = list(weighted(graph.layers))
    quantised = [layer for layer in computing if is_quantised(layer)]
    others = {layer.type for layer in computing} - {layer.type for layer in quantised}
    tried = sorted(others & PROBES.keys()) or ([] if quantised else ["Convolution"])
    found = {kind: _try(kind, config, threads, device) for kind in tried}
    if quantised:
        found[QUANTISED] = {"numbers": eight_bits(config, threads, device)}
    verdict, reason = _verdict(graph, computing, quantised, found, narrow=any(config.narrow.values()))
    return {"fingerprint": found, **({"precision": verdict} if verdict else {"precision_reason": reason})}


def is_quantised(layer: Layer) -> bool:
    """Say whether a layer has weights of 8 bits."""
    return layer.type in INT8 and layer.integer(INT8[layer.type]) != 0


def _verdict(
    graph: Graph,
    computing: Sequence[Layer],
    quantised: Sequence[Layer],
    found: Mapping[str, Mapping[str, str]],
    *,
    narrow: bool,
) -> tuple[str, str]:
    """Return the one precision and an empty string, or an empty string and why there is none."""
    seen = {precision for each in found.values() for precision in each.values()}
    untried = sorted({layer.type for layer in computing} - PROBES.keys())
    if quantised and len(quantised) < len(computing):
        return "", f"{len(quantised)} of {len(computing)} layers with weights are quantised to 8 bits"
    if len(seen) != 1:
        return "", f"layers differ: {_words(found)}"
    (only,) = seen
    if only not in {*ANSWERS.values(), "S8"}:
        return "", f"the fingerprint is none of F32, F16, BF16: {_words(found)}"
    if only != "F32" or narrow:
        if untried and only != "S8":
            return "", f"{_words(found)}; no fingerprint is known for {', '.join(untried)}"
        if any(layer.integer(FEATURES) for layer in graph.layers):
            return "", f"{_words(found)}; the .param switches options off for some layers"
    return only, ""


def _words(found: Mapping[str, Mapping[str, str]]) -> str:
    return ", ".join(f"{kind} {each['numbers']}{_weights(each)}" for kind, each in found.items())


def _weights(each: Mapping[str, str]) -> str:
    kept = each.get("weights", each["numbers"])
    return "" if kept == each["numbers"] else f" with weights kept in {kept}"


def _try(kind: str, config: NcnnConfig, threads: int, device: Device | None) -> dict[str, str]:
    """Return what one type of layer keeps its numbers and its weights in."""
    probe = PROBES[kind]
    layers = ["Input a 0 1 a", "Input b 0 1 b", f"{kind} x 1 1 a x {probe.params}", f"{kind} y 1 1 b y {probe.params}"]
    # weights as ncnn stores them: a tag, 0 for plain float32, and the numbers; Gemm calls it the same way
    weights = b"".join(struct.pack("<I", 0) + _identity(probe, value) for value in (1.0, VALUE))
    with _loaded(layers, weights, config, threads, device) as net:
        numbers, kept = _run(net, {"a": (probe.shape, VALUE, "x"), "b": (probe.shape, 1.0, "y")})
    return {"numbers": _name(numbers), "weights": _name(kept)}


def eight_bits(config: NcnnConfig, threads: int, device: Device | None) -> str:
    """Return what a quantised convolution computes in: S8, F32, or what it made of 0.4 where that is neither."""
    layers = ["Input a 0 1 a", f"Convolution x 1 1 a x {PROBES['Convolution'].params} 8=1"]
    weights = struct.pack("<I", INT8_TAG) + np.eye(CHANNELS, dtype=np.int8).tobytes()
    steps = np.ones(CHANNELS + 1, "<f4").tobytes()  # one for each output, one for the input
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
        del extractor  # one that outlives its network ends the process


def _name(values: np.ndarray[Any, Any]) -> str:
    """Return the precision that left these values, or the values themselves."""
    found = sorted({ANSWERS.get(float(value), f"{value:.6g}") for value in values.ravel()})
    return "/".join(found[:3]) or "nothing"
