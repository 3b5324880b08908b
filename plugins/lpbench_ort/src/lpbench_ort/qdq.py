"""Quantises an ONNX model to 8 bits so that TensorRT accepts it, too.

TensorRT's rules (its manual, "Working with Quantized Types"): signed 8-bit integers with zero point 0 for activations
and weights, one scale per output channel for weights, biases in floats.  ONNX Runtime's own defaults, unsigned
activations and quantised biases, are refused by its parser.  Other engines that read QuantizeLinear and
DequantizeLinear run such a model as well.

Weights use 7 of the 8 bits: on x86-64 CPUs without VNNI, two products of 8 bits overflow the 16 bits in which ONNX
Runtime adds them up, and the answers are wrong (its manual, "Quantize ONNX models", data type selection).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sized
from typing import TYPE_CHECKING, Any

from lpbench.errors import ConversionError
from lpbench.util.atomic_folders import temporary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lpbench.plugin.engine import Feeds

OPSET = 13
"""The first operator set in which DequantizeLinear takes a scale per channel."""
PERCENTILE = 99.99
"""Share of an activation's values, in percent, that its range covers: the few beyond it are cut off."""
OPTIONS = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "QuantizeBias": False,
    "CalibPercentile": PERCENTILE,
    "CalibStridedMinMax": 1,  # the activations of one sample at a time, instead of all of them, are in memory
}
"""ONNX Runtime's names."""
HINT = 'pip install "lpbench-ort[convert]"'


def quantise(source: Path, target: Path, feeds: Iterable[Feeds]) -> None:
    """Write a model that computes in 8 bits between QuantizeLinear and DequantizeLinear.

    :param source: An ONNX model in floats, of operator set 13 or later.
    :param target: The file to write; weights of 2 GiB or more need a format that this function does not write.
    :param feeds: Typical inputs, by input name: the ranges of all activations are taken from them.  Some hundred
        samples serve.
    :raises ConversionError: The model cannot be quantised, or there are no feeds; the error names the file.
    """
    try:
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise ConversionError(f"quantising needs the package {error.name}", where=str(source), hint=HINT) from error
    _refuse_unfit(source)
    samples = feeds if isinstance(feeds, Sized) else list(feeds)  # their number is asked for
    if not len(samples):
        raise ConversionError("no samples to take ranges from", where=str(source), hint="give typical inputs")
    with quiet(), temporary("qdq") as folder:
        try:
            quantize_static(
                str(source),
                str(folder / "model.onnx"),
                _reader(samples, len(samples)),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                reduce_range=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.Percentile,
                extra_options=OPTIONS,
            )
        except Exception as error:  # onnx, numpy and ONNX Runtime raise many types for what they do not support
            reason = " ".join(str(error).split())
            raise ConversionError(f"ONNX Runtime cannot quantise the model: {reason}", where=str(source)) from error
        target.write_bytes((folder / "model.onnx").read_bytes())


def _refuse_unfit(source: Path) -> None:
    import onnx

    try:
        model = onnx.load(str(source), load_external_data=False)
    except Exception as error:  # protobuf and the system raise many types
        raise ConversionError(f"cannot be read as ONNX: {error}", where=str(source)) from error
    if (version := operator_set(model)) < OPSET:
        raise ConversionError(
            f"is of ONNX's operator set {version}; scales per channel need {OPSET}",
            where=str(source),
            hint=f"onnx.version_converter.convert_version(model, {OPSET}) makes it newer",
        )
    refuse_quantised(model, source)


def refuse_quantised(model: Any, source: Path) -> None:
    """Refuse a model that holds quantised tensors.

    :raises ConversionError: It does; the error names the file.
    """
    if any(node.op_type == "DequantizeLinear" for node in model.graph.node):
        raise ConversionError("the model is quantised already", where=str(source), hint="use the model before that")


def operator_set(model: Any) -> int:
    """Return the version of ONNX's own operators that a model uses; 0 if it states none."""
    return max((opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"}), default=0)


def _reader(samples: Iterable[Feeds], count: int) -> Any:
    """Return the samples as ONNX Runtime reads them: in ranges, one after the other, and one sample at a time."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc] # ONNX Runtime ships without complete types
        def __init__(self) -> None:
            self._rest = iter(samples)
            self._left = 0

        def __len__(self) -> int:
            return count

        def set_range(self, start_index: int, end_index: int) -> None:
            self._left = end_index - start_index

        def get_next(self) -> dict[str, Any] | None:
            if not self._left:
                return None
            self._left -= 1
            return dict(next(self._rest))

    return Reader()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence advice on models that were not prepared by a script of ONNX Runtime's, and reports of its progress."""
    import io

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
