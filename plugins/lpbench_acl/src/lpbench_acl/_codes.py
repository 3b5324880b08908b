"""AscendCL's codes of errors, with remedies, and the numbers that its calls take.

Source: CANN's headers acl_base_rt.h, acl_rt.h and rt_error_codes.h.  Old versions of CANN have fewer codes.
"""

from __future__ import annotations

from typing import Final

REPEATED_START: Final = 100002
"""``acl.init`` was called before, by someone else."""
NAMES: Final = {
    100000: "invalid parameter",
    100001: "AscendCL is not initialised",
    100002: "AscendCL is initialised already",
    100003: "invalid file",
    100005: "invalid path",
    100011: "invalid model",
    100012: "the model cannot be parsed",
    100013: "the model cannot be read",
    100014: "invalid size of the model",
    100017: "an input does not fit the model",
    100018: "an output does not fit the model",
    100019: "the model is not dynamic",
    100037: "AscendCL is finalised already",
    100039: "libraries to compile with, not to run with",
    107000: "invalid parameter",
    107001: "invalid device",
    107002: "no current context",
    107003: "a stream of another context",
    107006: "the event is not complete",
    145000: "the model's parameters are invalid",
    145002: "the model's file cannot be read",
    145003: "invalid model",
    145006: "the model's file is damaged or of another kind",
    145012: "invalid shape of a dynamic model",
    145013: "no such gear",
    200000: "out of memory",
    200001: "not supported",
    200002: "invalid device",
    207001: "out of device memory",
    207004: "no device",
    207006: "not permitted",
    207018: "out of device memory",
    245000: "out of memory",
    300000: "more than what is allowed",
    500000: "internal error",
    500002: "internal error of the graph engine",
    500003: "internal error of the runtime",
    500004: "internal error of the driver",
    507000: "internal error of the runtime",
    507010: "the NPU does not answer",
    507011: "the model failed on the NPU",
    507014: "an AI core took too long",
    507015: "an AI core failed",
    507017: "an AI CPU took too long",
    507018: "an AI CPU failed",
    507033: "the NPU does not start",
    507046: "the stream took too long",
    507899: "internal error of the driver",
    507901: "the connection to the NPU is closed",
}
MEMORY = "free memory of the NPU: npu-smi info lists the programs that use it; or use a model of smaller shapes"
LISTED = "npu-smi info lists the NPUs of this machine; ASCEND_RT_VISIBLE_DEVICES hides those that it does not name"
HINTS: Final = {
    100039: "source CANN's set_env.sh without the folder devlib, and install the NPU's driver",
    107001: LISTED,
    200000: MEMORY,
    200002: LISTED,
    207001: MEMORY,
    207004: LISTED,
    207006: "add the user to the group HwHiAiUser, which may use the NPU",
    207018: MEMORY,
    245000: MEMORY,
}

DEVICE_MODE: Final = 0
"""Run mode of a program on the NPU's own processor (ACL_DEVICE), as on an Atlas 200 DK: both have one memory."""
H2D: Final = 1
"""Copy from host to device (ACL_MEMCPY_HOST_TO_DEVICE)."""
D2H: Final = 2
D2D: Final = 3
PAGES: Final = {"huge-first": 0, "huge-only": 1, "normal": 2}
"""aclrtMemMallocPolicy by the option ``memory``."""
TYPES: Final = {
    0: "float32",
    1: "float16",
    2: "int8",
    3: "int32",
    4: "uint8",
    6: "int16",
    7: "uint16",
    8: "uint32",
    9: "int64",
    10: "uint64",
    11: "float64",
    12: "bool",
    16: "complex64",
    17: "complex128",
    27: "bfloat16",
    35: "float8_e5m2",
    36: "float8_e4m3fn",
}
"""numpy's names of aclDataType, or those of ml_dtypes; the others are texts, or have less than a byte."""
LAYOUTS: Final = {0: "NCHW", 1: "NHWC"}
"""aclFormat of images."""
