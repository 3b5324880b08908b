"""Sorts a profile's layers into kinds of kernels, so that engines with different layer names can be compared.

The kinds are those of kernel-level breakdowns of networks (AIBench): data arrangement,
convolution, GEMM, batch normalisation, element-wise operations, ReLU, pooling and
memory copies.  Any other layer, such as a softmax, is ``other``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ARRANGEMENT = "data arrangement"
CONVOLUTION = "convolution"
GEMM = "GEMM"
BATCH_NORMALISATION = "batch normalisation"
ELEMENT_WISE = "element-wise"
RELU = "ReLU"
POOLING = "pooling"
COPY = "memory copy"
OTHER = "other"
CATEGORIES = (CONVOLUTION, GEMM, POOLING, RELU, BATCH_NORMALISATION, ELEMENT_WISE, ARRANGEMENT, COPY, OTHER)

AS_WRITTEN = {"SUM": POOLING, "MEAN": POOLING}
"""Names that are reductions only in capitals, in TensorFlow Lite; in ONNX they combine several tensors."""

PARTS = (
    (COPY, ("memcpy", "memorycopy")),
    (ELEMENT_WISE, ("convert",)),
    (CONVOLUTION, ("conv",)),
    (GEMM, ("gemm", "matmul", "matrixmultiply", "fullyconnected")),
    (BATCH_NORMALISATION, ("batchnorm",)),
    (RELU, ("relu",)),
    (POOLING, ("pool", "reduce", "reduction")),
    (ARRANGEMENT, ("transpose", "reshape", "squeeze", "reorder", "gather", "scatter", "concat", "slice", "shuffle")),
)
"""Parts of names, including fused and quantised variants; the first match decides."""

WORDS = {
    GEMM: "innerproduct",
    COPY: "copy identity memory memoryinput memoryoutput readvalue readvariable assign assignvariable noop",
    ARRANGEMENT: """batchtospace batchtospacend broadcast broadcastargs broadcastto constant constantofshape crop
        depthtospace expand expanddims eyelike fill flatten layout mirrorpad nonzero onehot pack packing pad padding
        padv2 permute range reverse reversesequence reversev2 roll select selectv2 shape shapeof size spacetobatch
        spacetobatchnd spacetodepth split splitv stack tile unpack variadicsplit where zeroslike""",
    ELEMENT_WISE: """abs acos acosh activation add addn and asin asinh atan atan2 atanh bias biasadd biasgelu binary
        binaryop bitwiseand bitwisenot bitwiseor bitwisexor cast ceil ceiling celu clamp clip cos cosh dequantize
        dequantizelinear div divide dropout elementwise eltwise elu equal erf exp fakequantize fastgelu floor floordiv
        floormod gelu greater greaterequal greaterorequal hardsigmoid hardswish isinf isnan less lessequal lessorequal
        log logicaland logicalnot logicalor logicalxor logistic math max maximum mean min minimum mish mod mul multiply
        neg negate negative not notequal or pointwise pow power quantize quantizelinear quickgelu reciprocal requantize
        round rsqrt scale selu shrink sigmoid sign silu sin sinh softplus softsign sqrt square squareddifference sub
        subgraph subtract sum swish swiglu tan tanh unary unaryop xor""",
}
"""Whole names."""

PREFIXES = ("qlinear", "fused", "nhwc")
_CATEGORY = {word: name for name, words in WORDS.items() for word in words.split()}
_MARKS = re.compile(r"[^a-z0-9]")


def category(op_type: str) -> str:
    """Return the kind of kernel of a layer type, independent of the engine.

    Reductions count as pooling.  The name of a fused layer decides, which is that of
    its most expensive part: ``FusedConv`` is a convolution.

    :param op_type: The type as named by ONNX, OpenVINO, TFLite or ncnn: ``Conv``, ``Convolution``, ``CONV_2D``.
    :returns: One of ``CATEGORIES``.
    """
    if op_type in AS_WRITTEN:
        return AS_WRITTEN[op_type]
    plain = _MARKS.sub("", op_type.lower())
    for prefix in PREFIXES:
        plain = plain.removeprefix(prefix)
    by_part = (name for name, parts in PARTS if any(part in plain for part in parts))
    return _CATEGORY.get(plain) or next(by_part, OTHER)


def shares(records: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return each category's share of a profile's time, 0 to 1, the largest first.

    :param records: As ``Session.profile`` returns them: ``ns``, and ``category`` or ``type``.
    :returns: Shares that add up to 1; empty if the total time is 0.
    """
    spent: dict[str, float] = {}
    for record in records:
        name = str(record.get("category") or category(str(record["type"])))
        spent[name] = spent.get(name, 0) + record["ns"]
    total = sum(spent.values())
    fractions = {name: ns / total for name, ns in spent.items()} if total else {}
    return dict(sorted(fractions.items(), key=lambda item: (-item[1], CATEGORIES.index(item[0]))))
