"""Counts what operators cost, by the same rules for all formats, so that analyses of one network agree.

The rules:

- Floating-point operations are those of products of matrices, 2 for each multiply-accumulate: of convolutions,
  transposed convolutions, matrix products and recurrent layers, in integers as in floats.  Everything else counts 0:
  biases, activations, normalisations, pooling and element-wise arithmetic, as in the published tables (AlexNet at
  227x227 1.4 GFLOP, MobileNetV2 0.6).  A convolution counts the positions of its kernel that lie in the padding, too.
- Learnable weights are what training fits, the statistics of a batch normalisation left out; storage is all of them,
  with statistics and scales, in the types in which they are stored.  Weights used twice count once.
- An operator moves all bytes that it reads and writes once, weights among them, as if there were no cache.
- Each activation has memory of its own from the operator that writes it to the last that reads it: nothing is computed
  in place, and no view shares memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal

from lpbench.plugin.analyzer import Analysis, LayerCost
from lpbench.plugin.kit.layer_kinds import CONVOLUTION, GEMM, OTHER, category

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.plugin.engine import TensorInfo

    Shape = tuple[int, ...]

PRECISIONS = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8E4M3",
    "float8_e4m3fnuz": "F8E4M3",
    "float8_e5m2": "F8E5M2",
    "float8_e5m2fnuz": "F8E5M2",
    "float4_e2m1fn": "F4",
    "int64": "S64",
    "int32": "S32",
    "int16": "S16",
    "int8": "S8",
    "int4": "S4",
    "int2": "S2",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
    "uint4": "U4",
    "uint2": "U2",
}
"""Precisions by numpy's names of types, those of the package ml_dtypes among them."""
BITS = {
    **{dtype: int(name.lstrip("BFSU").partition("E")[0]) for dtype, name in PRECISIONS.items()},
    "bool": 8,
    "complex64": 64,
    "complex128": 128,
}
"""Bits of one element; types without a fixed size, such as texts, are not among them."""

WITHOUT_PRODUCTS = """argmax argmin bernoulli bitshift compress cumsum dynamicquantizelinear embeddinglookup grn
    groupnorm groupnormalization hardmax if instancenorm instancenormalization interp l2normalization
    layernorm layernormalization localresponsenorm localresponsenormalization logsoftmax lpnormalization lrn
    meanvariancenormalization memorydata mvn nonmaxsuppression noop normalize normalizel2 optional optionalgetelement
    optionalhaselement parameter prelu priorbox proposal randomnormal randomnormallike randomuniform randomuniformlike
    resize resizebilinear resizenearestneighbor result rmsnorm rmsnormalization roialign roipooling sequenceat
    sequenceconstruct sequenceempty sequenceinsert sequencelength simplifiedlayernormalization
    skiplayernormalization skipsimplifiedlayernormalization softmax input interpolate topk tril triu trilu
    tfltdetectionpostprocess unique upsample"""
"""Operators of kind ``other`` without products of matrices, in lower case without marks."""
_WITHOUT_PRODUCTS = frozenset(WITHOUT_PRODUCTS.split())


@dataclass(frozen=True)
class Operand:
    """A tensor that an operator reads or writes.

    :param name: Its name in the graph, by which operators share it.
    :param shape: None where a size is not known.
    :param dtype: Numpy's name of its type.
    :param role: An ``activation``, a ``learned`` weight, or another constant that is ``stored`` with the weights, such
        as a statistic or a scale.  Constants that are no numbers of the network, such as shapes, are no operands.
    """

    name: str
    shape: Shape | None
    dtype: str
    role: Literal["activation", "learned", "stored"] = "activation"

    @property
    def bytes(self) -> int | None:
        """Its size, packed where an element is smaller than a byte; None where it is not known."""
        bits = BITS.get(self.dtype)
        return None if self.shape is None or bits is None else (prod(self.shape) * bits + 7) // 8


@dataclass(frozen=True)
class Operation:
    """One operator of a graph with its operands.

    :param flop: By one of the rules below; None where none is known.
    """

    name: str
    type: str
    flop: int | None
    reads: tuple[Operand, ...]
    writes: tuple[Operand, ...]


def convolution(output: Shape | None, kernel: Sequence[int], channels: int) -> int | None:
    """Return the operations of a convolution.

    :param output: All dimensions, in any layout.
    :param kernel: Its spatial dimensions.
    :param channels: Input channels of one group: 1 in a depthwise convolution of one channel each.
    """
    return None if output is None else 2 * prod(output) * prod(kernel) * channels


def transposed_convolution(source: Shape | None, kernel: Sequence[int], channels: int) -> int | None:
    """Return the operations of a transposed convolution, which spreads each input over its kernel.

    :param source: All dimensions of the input, in any layout.
    :param kernel: Its spatial dimensions.
    :param channels: Output channels of one group.
    """
    return convolution(source, kernel, channels)


def matrix_product(output: Shape | None, inner: int | None) -> int | None:
    """Return the operations of a matrix product, of many at once too.

    :param output: All dimensions.
    :param inner: Length of the dimension that is summed over.
    """
    return None if output is None or inner is None else 2 * prod(output) * inner


def recurrent(gates: int, states: int, size: int, hidden: int) -> int:
    """Return the operations of a recurrent layer: of each gate, the products with the input and the state before.

    :param gates: 4 of an LSTM, 3 of a GRU, 1 of a plain one.
    :param states: Numbers that it computes: steps x batch x directions x ``hidden``.
    :param size: Length of an input vector.
    :param hidden: Length of a state.
    """
    return 2 * gates * states * (size + hidden)


def without_products(op_type: str) -> int | None:
    """Return 0 for an operator that is known to have no products of matrices, else None.

    Convolutions and matrix products have rules of their own.
    """
    kind = category(op_type)
    plain = "".join(filter(str.isalnum, op_type.lower()))
    return 0 if kind not in {CONVOLUTION, GEMM, OTHER} or plain in _WITHOUT_PRODUCTS else None


def analysis_of(
    inputs: tuple[TensorInfo, ...],
    outputs: tuple[TensorInfo, ...],
    operations: Sequence[Operation],
    notes: Iterable[str] = (),
) -> Analysis:
    """Return the analysis of a graph.

    :param inputs: With their dimensions resolved; likewise the outputs.
    :param operations: In order of execution.
    """
    weights = _weights(operations)
    return Analysis(
        inputs,
        outputs,
        tuple(_layers(operations)),
        params=sum(prod(weight.shape or ()) for weight in weights.values() if weight.role == "learned"),
        storage_bytes=sum(weight.bytes or 0 for weight in weights.values()),
        activation_bytes=activation_peak(operations, outputs={info.name for info in outputs}),
        precision=_precision(weights.values()),
        notes=tuple(notes),
    )


def activation_peak(operations: Sequence[Operation], outputs: Iterable[str]) -> int | None:
    """Return the greatest sum of bytes of the activations alive at once; None where a size is not known.

    :param outputs: Names of the graph's outputs, which live to the end.  What no operator writes is an input, and
        lives from the beginning.
    """
    sizes: dict[str, int | None] = {}
    begins: dict[str, int] = {}
    ends: dict[str, int] = {}
    for step, operation in enumerate(operations):
        for operand, written in (
            *((each, False) for each in operation.reads),
            *((each, True) for each in operation.writes),
        ):
            if operand.role == "activation":
                sizes.setdefault(operand.name, operand.bytes)
                begins.setdefault(operand.name, step if written else 0)
                ends[operand.name] = step
    ends |= {name: len(operations) for name in outputs if name in ends}
    if None in sizes.values():
        return None
    changes = [0] * (len(operations) + 2)
    for name, size in sizes.items():
        changes[begins[name]] += size or 0
        changes[ends[name] + 1] -= size or 0
    return _greatest_sum(changes)


def _greatest_sum(changes: Sequence[int]) -> int:
    greatest = total = 0
    for change in changes:
        total += change
        greatest = max(greatest, total)
    return greatest


def _weights(operations: Sequence[Operation]) -> dict[str, Operand]:
    found: dict[str, Operand] = {}
    for operation in operations:
        for operand in operation.reads:
            if operand.role != "activation":
                found.setdefault(operand.name, operand)
    return found


def _precision(weights: Iterable[Operand]) -> str:
    """Return the precision in which most bytes of the learnable weights are stored."""
    by_precision: Counter[str] = Counter()
    for weight in weights:
        if weight.role == "learned":
            by_precision[PRECISIONS.get(weight.dtype, weight.dtype)] += weight.bytes or 0
    return max(by_precision, key=by_precision.__getitem__, default="")


def _layers(operations: Sequence[Operation]) -> Iterable[LayerCost]:
    used: set[str] = set()
    for operation in operations:
        weights = {operand.name: operand for operand in operation.reads if operand.role != "activation"}
        fresh = [weight for name, weight in weights.items() if weight.role == "learned" and name not in used]
        used |= weights.keys()
        yield LayerCost(
            operation.name,
            operation.type,
            category(operation.type),
            operation.flop,
            params=sum(prod(weight.shape or ()) for weight in fresh),
            weight_bytes=sum(weight.bytes or 0 for weight in weights.values()),
            read_bytes=_sum_of_bytes(operand for operand in operation.reads if operand.role == "activation"),
            written_bytes=_sum_of_bytes(operation.writes),
            shape=(operation.writes[0].shape or ()) if operation.writes else (),
        )


def _sum_of_bytes(operands: Iterable[Operand]) -> int | None:
    """Return the bytes of some tensors, each once; None where a size is not known."""
    sizes: Mapping[str, int | None] = {operand.name: operand.bytes for operand in operands}
    return None if None in sizes.values() else sum(filter(None, sizes.values()))
