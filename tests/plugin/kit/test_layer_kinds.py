"""Kinds of kernels: the names that engines give their layers, and the share of time of each kind."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.plugin.kit.layer_kinds import CATEGORIES, category, shares

NAMES = {  # as ONNX and ONNX Runtime, OpenVINO, TensorFlow Lite and ncnn write them
    "convolution": """Conv FusedConv ConvTranspose QLinearConv ConvInteger NhwcFusedConv Convolution
        Deconvolution GroupConvolution BinaryConvolution DeformableConvolution CONV_2D DEPTHWISE_CONV_2D
        TRANSPOSE_CONV CONV_3D ConvolutionDepthWise Convolution1D""",
    "GEMM": """Gemm MatMul FusedMatMul MatMulInteger QGemm MatMulNBits FullyConnected FULLY_CONNECTED
        BATCH_MATMUL InnerProduct""",
    "pooling": """MaxPool AveragePool GlobalAveragePool QLinearGlobalAveragePool ReduceMean Reduce Pooling
        AdaptivePooling MAX_POOL_2D AVERAGE_POOL_2D MEAN SUM REDUCE_MAX Reduction Pooling1D""",
    "ReLU": """Relu LeakyRelu PRelu ThresholdedRelu RELU RELU6 RELU_N1_TO_1 LEAKY_RELU ReLU""",
    "batch normalisation": """BatchNormalization BatchNorm BatchNormInference""",
    "element-wise": """Add Sub Mul Div Pow Max Min Sum Mean Sigmoid HardSwish HardSigmoid Gelu BiasGelu
        QuickGelu Elu Clip Cast Tanh Erf Exp Sqrt QuantizeLinear DequantizeLinear QLinearAdd Equal
        GreaterOrEqual Eltwise Math Subgraph Convert FakeQuantize Multiply Subtract Divide Maximum
        SquaredDifference Swish ADD LOGISTIC HARD_SWISH DEQUANTIZE SQUARED_DIFFERENCE GREATER_EQUAL FLOOR_DIV
        BinaryOp UnaryOp Quantize Requantize Dequantize Scale Bias""",
    "data arrangement": """Transpose Reshape Flatten Squeeze Unsqueeze Concat Concatenation Split VariadicSplit
        Slice StridedSlice Pad Gather GatherElements GatherND ScatterND Tile Expand Broadcast ReorderInput
        ReorderOutput Reorder DepthToSpace SpaceToDepth Shape ShapeOf Where ShuffleChannels RESHAPE
        CONCATENATION STRIDED_SLICE PADV2 PACK EXPAND_DIMS SPACE_TO_BATCH_ND SPLIT_V GATHER_ND Permute Crop
        Padding Packing ShuffleChannel Constant OneHot""",
    "memory copy": """MemcpyToHost MemcpyFromHost Identity MemoryInput ReadValue""",
    "other": """Softmax LOG_SOFTMAX LRN LayerNormalization InstanceNormalization MVN NonMaxSuppression TopK
        Resize Interpolate LSTM Attention ROIAlign Loop DELEGATE Levitate ''""",
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in NAMES.items() for name in names.split()])
def test_engines_names_of_one_kind_are_one_category(kind: str, name: str) -> None:
    assert category(name) == kind


def test_the_list_of_categories_is_complete() -> None:
    assert set(NAMES) == set(CATEGORIES)


@given(st.text())
def test_any_name_has_a_category(name: str) -> None:
    """Whatever an engine calls a layer: one of the categories, no error."""
    assert category(name) in CATEGORIES


def test_shares_are_of_the_time_and_the_largest_comes_first() -> None:
    """Four layers of 10 us: a record's own category counts before its type."""
    records = [
        {"name": "a", "type": "Relu", "ns": 1000},
        {"name": "b", "type": "Conv", "ns": 6000},
        {"name": "c", "type": "Conv", "ns": 1000},
        {"name": "d", "type": "Levitate", "ns": 2000, "category": "pooling"},
    ]
    assert list(shares(records).items()) == [("convolution", 0.7), ("pooling", 0.2), ("ReLU", 0.1)]


@pytest.mark.parametrize("records", [[], [{"name": "a", "type": "Conv", "ns": 0}]])
def test_no_time_has_no_shares(records: list[dict[str, object]]) -> None:
    assert shares(records) == {}


@given(st.lists(st.tuples(st.sampled_from(["Conv", "Relu", "Add", "Softmax"]), st.integers(1, 10**12)), min_size=1))
def test_shares_add_up_to_one(layers: list[tuple[str, int]]) -> None:
    found = shares([{"name": "", "type": kind, "ns": ns} for kind, ns in layers])
    assert math.isclose(sum(found.values()), 1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
