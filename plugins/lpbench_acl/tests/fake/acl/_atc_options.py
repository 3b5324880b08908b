"""ATC's options: every name and value is checked, as the tool's documentation has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._atc_errors import AtcError, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

SOCS = {
    "Ascend310",
    "Ascend310P1",
    "Ascend310P3",
    "Ascend310P5",
    "Ascend310P7",
    "Ascend310B1",
    "Ascend310B2",
    "Ascend310B3",
    "Ascend310B4",
    "Ascend910A",
    "Ascend910B",
    "Ascend910ProA",
    "Ascend910ProB",
    "Ascend910B1",
    "Ascend910B2",
    "Ascend910B2C",
    "Ascend910B3",
    "Ascend910B4",
    "Ascend910B4-1",
    "Ascend910_9362",
    "Ascend910_9372",
    "Ascend910_9381",
    "Ascend910_9382",
    "Ascend910_9391",
    "Ascend910_9392",
}
_PRECISION = {
    "force_fp16",
    "force_fp32",
    "cube_fp16in_fp32out",
    "allow_fp32_to_fp16",
    "must_keep_origin_dtype",
    "allow_mix_precision",
    "allow_mix_precision_fp16",
    "allow_mix_precision_bf16",
    "allow_fp32_to_bf16",
}
_PRECISION_V2 = {"fp16", "origin", "cube_fp16in_fp32out", "mixed_float16", "mixed_bfloat16", "mixed_hif8", "cube_hif8"}
OUTPUT_TYPES = {
    "FP32": 0,
    "FP16": 1,
    "INT8": 2,
    "INT32": 3,
    "UINT8": 4,
    "INT16": 6,
    "UINT16": 7,
    "UINT32": 8,
    "INT64": 9,
    "UINT64": 10,
    "DOUBLE": 11,
}
"""Numbers of aclDataType by the names that ``--output_type`` takes."""
_LOGS = {"null", "error", "warning", "info", "debug"}
_IMPLEMENTATIONS = {"high_performance", "high_precision", "high_performance_for_all", "high_precision_for_all"}
_CHOICES = {
    "framework": {"0", "1", "3", "5"},
    "input_format": {"NCHW", "NCDHW", "ND"},
    "precision_mode": _PRECISION,
    "precision_mode_v2": _PRECISION_V2,
    "log": _LOGS,
    "op_select_implmode": _IMPLEMENTATIONS,
    "host_env_os": {"linux"},
    "host_env_cpu": {"aarch64", "x86_64"},
    "deterministic": {"0", "1"},
    "display_model_info": {"0", "1"},
    "external_weight": {"0", "1"},
}
_FREE = {
    "mode",
    "model",
    "om",
    "output",
    "soc_version",
    "input_shape",
    "input_shape_range",
    "dynamic_batch_size",
    "dynamic_image_size",
    "dynamic_dims",
    "output_type",
    "out_nodes",
    "insert_op_conf",
    "check_report",
    "keep_dtype",
    "modify_mixlist",
    "debug_dir",
    "op_compiler_cache_mode",
    "op_compiler_cache_dir",
    "op_precision_mode",
    "optypelist_for_implmode",
    "jit_compile",
    "weight",
    "json",
    "core_type",
    "aicore_num",
    "op_debug_level",
    "fusion_switch_file",
    "enable_small_channel",
    "virtual_type",
    "buffer_optimize",
    "auto_tune_mode",
    "disable_reuse_memory",
    "input_fp16_nodes",
    "is_output_adjust_hw_layout",
    "is_input_adjust_hw_layout",
    "save_original_model",
    "compression_optimize_conf",
    "sparsity",
    "status_check",
    "atomic_clean_policy",
}
GEARS = ("dynamic_batch_size", "dynamic_image_size", "dynamic_dims")


@dataclass
class Options:
    """The options of a call, by their names."""

    given: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.given.get(name, "")

    @property
    def precision(self) -> str:
        return self["precision_mode_v2"] or self["precision_mode"] or "force_fp16"

    @property
    def gears(self) -> str:
        """The option that lists gears, or nothing."""
        return next((name for name in GEARS if self[name]), "")


def parsed(arguments: Sequence[str]) -> Options:
    """Return the options; unknown ones and those without a value are refused."""
    found, rest = Options(), list(arguments)
    while rest:
        name, equals, content = rest.pop(0).partition("=")
        if not name.startswith("-"):
            raise AtcError("E10053", f"Invalid command line argument: {name}")
        name = name.lstrip("-")
        if name not in _FREE and name not in _CHOICES:
            raise AtcError("E10053", f"unknown command line flag '{name}'")
        if not equals and not rest:
            raise AtcError("E10053", f"flag '--{name}' is missing its argument")
        found.given[name] = content if equals else rest.pop(0)
    return found


def check(options: Options) -> None:
    """Refuse what is missing, unknown, or does not go together."""
    for name in ("model", "framework", "output", "soc_version"):
        if not options[name]:
            told = f"Required parameter --{name} is empty."
            raise AtcError("E10054", told, f"Set --{name} to a valid value.")
    for name, choices in _CHOICES.items():
        if options[name] and options[name] not in choices:
            raise invalid(name, options[name], f"The value must be selected from the following: {sorted(choices)}.")
    if options["soc_version"] not in SOCS:
        told = f"Inner Error! rtSetSocVersion failed, soc_version={options['soc_version']}"
        raise AtcError("E19999", told)
    if options["framework"] != "5":
        raise invalid("framework", options["framework"], "The fake compiles ONNX alone.")
    for each in filter(None, options["output_type"].split(";")):
        if each.rpartition(":")[2] not in OUTPUT_TYPES:
            raise invalid("output_type", each, f"The value must be selected from: {sorted(OUTPUT_TYPES)}.")
    if options["precision_mode"] and options["precision_mode_v2"]:
        raise AtcError("E10056", "--precision_mode and --precision_mode_v2 cannot be set at the same time.")
    _check_gears(options)


def _check_gears(options: Options) -> None:
    given = [name for name in GEARS if options[name]]
    if len(given) > 1:
        told = "[--dynamic_batch_size], [--dynamic_image_size], and [--dynamic_dims]"
        raise AtcError("E10009", f"Configuration conflict: {told} cannot be set at the same time.")
    if given and not options["input_shape"]:
        raise AtcError("E10007", f"[--input_shape] is required if [--{given[0]}] is set.")
    if given == ["dynamic_dims"] and options["input_format"] != "ND":
        raise invalid("input_format", options["input_format"] or "NCHW", "It must be ND if --dynamic_dims is set.")
    if given == ["dynamic_image_size"] and options["input_format"] == "ND":
        raise invalid("input_format", "ND", "It must be NCHW or NHWC if --dynamic_image_size is set.")
    if options["insert_op_conf"] and given == ["dynamic_dims"]:
        raise AtcError("E10009", "Configuration conflict: --insert_op_conf and --dynamic_dims.")
