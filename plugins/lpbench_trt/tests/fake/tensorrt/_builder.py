"""Builds a network into a plan."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from . import _analysis, _cuda
from ._config import IBuilderConfig
from ._enums import NetworkDefinitionCreationFlag
from ._logger import taken
from ._native import ERROR, INFO, WARNING, Native, api
from ._network import INetworkDefinition
from ._profiles import IOptimizationProfile, ITimingCache
from ._program import Layer, Program, Refused, Tensor, capability, write
from ._values import ITEM_SIZES, IHostMemory

if TYPE_CHECKING:
    from ._logger import ILogger
    from ._network import ITensor
    from ._program import Range

_REDUCED = ("FP16", "BF16", "INT8", "FP8")
_WHOLE_NUMBERS = ("Conv", "ConvTranspose", "MatMul", "Gemm")
"""What computes in eight bits where its input comes from a dequantisation."""
_WORKING_MEMORY = 1 << 16


def started(logger: object, name: str) -> ILogger:
    """Check that the device can be used, as constructors do.

    :raises TypeError: If it cannot.
    """
    checked = taken(logger, name)
    code = _cuda.lost()
    if code:
        checked.say(ERROR, f"CUDA initialization failure with error: {code}")
    if code or _cuda.fails(name):
        raise TypeError("pybind11::init(): factory function returned nullptr")
    return checked


class Builder(Native):
    def __init__(self, logger: ILogger) -> None:
        super().__init__(started(logger, "Builder"))
        self.max_threads = 1

    @property
    def logger(self) -> ILogger | None:
        return self._logger

    @property
    def num_DLA_cores(self) -> int:  # noqa: N802 - the library's name
        return _cuda.number("FAKE_DLA_CORES", 0)

    @property
    def platform_has_fast_fp16(self) -> bool:
        return True

    @property
    def platform_has_fast_int8(self) -> bool:
        return True

    @property
    def platform_has_tf32(self) -> bool:
        return True

    @api(int, fails=None, needed=0)
    def create_network(self, flags: int = 0) -> INetworkDefinition:
        known = sum(1 << each.value for each in NetworkDefinitionCreationFlag.__members__.values())
        if flags & ~known:
            raise RuntimeError(f"createNetworkV2: Error Code 3: API Usage Error (flags {flags})")
        assert self._logger is not None
        return INetworkDefinition(self._logger, flags)

    @api(fails=None)
    def create_builder_config(self) -> IBuilderConfig:
        assert self._logger is not None
        return IBuilderConfig(self._logger)

    @api(fails=None)
    def create_optimization_profile(self) -> IOptimizationProfile:
        assert self._logger is not None
        return IOptimizationProfile(self._logger)

    @api(INetworkDefinition, IBuilderConfig, fails=False)
    def is_network_supported(self, network: INetworkDefinition, config: IBuilderConfig) -> bool:
        return network.num_outputs > 0

    @api(INetworkDefinition, IBuilderConfig, fails=None)
    def build_serialized_network(self, network: INetworkDefinition, config: IBuilderConfig) -> IHostMemory | None:
        try:
            program = _Build(network, config).program()
            self._work(program, config)
        except Refused as reason:
            self._say(ERROR, f"IBuilder::buildSerializedNetwork: {reason}")
            return None
        self._say(INFO, f"Total Weights Memory: {program.weights_bytes} bytes")
        return IHostMemory(write(program))

    def _work(self, program: Program, config: IBuilderConfig) -> None:
        """Take and give back the memory that building needs; tell the monitor."""
        if _cuda.lost():
            raise Refused(f"Error Code 1: Cuda Runtime (error {_cuda.lost()})")
        size = program.weights_bytes + program.activation_bytes
        memory = _cuda.reserve(size)
        if memory is None:
            raise Refused(f"Error Code 2: OutOfMemory (Requested size was {size} bytes.)")
        try:
            self._steps(program, config)
        finally:
            _cuda.release(memory)

    def _steps(self, program: Program, config: IBuilderConfig) -> None:
        monitor: Any = getattr(config, "progress_monitor", None)
        phases = (("Building Engine", None), ("Tactic Selection", "Building Engine"))
        entered = []
        try:
            for phase, parent in phases if monitor else ():
                monitor.phase_start(phase, parent, len(program.layers))
                entered.append(phase)
                for step in range(len(program.layers)):
                    if not monitor.step_complete(phase, step):
                        raise Refused("Error Code 9: Internal Error (the build was cancelled by the progress monitor)")
        finally:
            for phase in reversed(entered):
                monitor.phase_finish(phase)
        if not config._has("DISABLE_TIMING_CACHE"):
            assert self._logger is not None
            config._cache = config._cache or ITimingCache(self._logger)
            config._cache._keys |= {f"{each.operator}/{each.precision}" for each in program.layers}


class _Build:
    """One build: checks first, then the program."""

    def __init__(self, network: INetworkDefinition, config: IBuilderConfig) -> None:
        self.network = network
        self.config = config

    def program(self) -> Program:
        if not self.network.num_outputs:
            raise Refused("Error Code 4: Internal Error (Network must have at least one output)")
        self._check_precision()
        graph = self.network._model.graph
        layers = self._layers()
        weights = sum(each.nbytes for each in _analysis.constants(graph).values())
        profiles = self._profiles()
        return Program(
            name=self.network.name,
            model=self.network._model.SerializeToString(),
            tensors=tuple(_tensor(each) for each in (*self.network._inputs, *self.network._outputs)),
            layers=layers,
            profiles=profiles,
            shape_inputs=_analysis.shape_inputs(graph),
            data_dependent=_analysis.data_dependent(graph),
            intermediates={each.name: _analysis.shape_of(each) for each in graph.value_info},
            weights_bytes=weights,
            activation_bytes=_WORKING_MEMORY + self._activations(profiles),
            verbosity=self.config.profiling_verbosity.name,
            tf32=self.config._has("TF32") and capability() >= "8.0",
            dla_core=max(self.config.DLA_core, 0) if self._on_dla else None,
        )

    @property
    def _on_dla(self) -> bool:
        return bool(self.config.default_device_type.name == "DLA")

    def _check_precision(self) -> None:
        asked = [each for each in _REDUCED if self.config._has(each)]
        if asked and self.network._strongly_typed:
            raise Refused(f"Error Code 3: API Usage Error ({asked[0]} is not allowed in a strongly typed network)")
        quantised = _analysis.quantised(self.network._model.graph)
        if "INT8" in asked and not quantised:
            raise Refused(
                "Error Code 4: Internal Error (Calibration failure occurred with no scaling factors detected.)"
            )
        if quantised and not self.network._strongly_typed and "INT8" not in asked:
            text = "Int8 precision has been set for a layer or layer output, but int8 is not configured in the builder"
            raise Refused(f"Error Code 4: API Usage Error ({text})")
        if self._on_dla and not self.config._has("FP16") and not self.config._has("INT8"):
            raise Refused(
                "Error Code 4: API Usage Error (Default DLA is enabled but neither FP16 nor Int8 mode is enabled)"
            )
        if self._on_dla and self.config.DLA_core < 0:
            raise Refused("Error Code 4: API Usage Error (DLA is the default device, but no DLA core is set)")

    def _layers(self) -> tuple[Layer, ...]:
        found = []
        graph = self.network._model.graph
        fixed = {*_analysis.constants(graph), ""}
        whole = _analysis.dequantised(graph)
        for each in self.network._layers:
            on_dla = self._on_dla and self.config.can_run_on_DLA(each)
            if self._on_dla and not on_dla:
                self._fall_back(each.name)
            precision = self._precision(each.precision.name, each.type.name)
            if each._node.input and each._node.input[0] in whole and each._node.op_type in _WHOLE_NUMBERS:
                precision = "INT8"
            names = tuple(name for name in each._node.input if name not in fixed), tuple(each._node.output)
            found.append(Layer(each.name, each._node.op_type, each.type.name, precision, *names, on_dla=on_dla))
        return tuple(found)

    def _fall_back(self, name: str) -> None:
        if not self.config._has("GPU_FALLBACK"):
            text = f"DLA validation failed: layer {name} is not supported on DLA and GPU fallback is not enabled."
            raise Refused(f"Error Code 4: Internal Error ({text})")
        self.network._say(WARNING, f"Layer '{name}' is not supported on DLA. Falling back to GPU.")

    def _precision(self, typed: str, kind: str) -> str:
        """Return what a layer computes in: the model's type, or the first reduced one that is allowed."""
        if typed != "FLOAT" or kind in {"QUANTIZE", "DEQUANTIZE", "SHAPE", "CONSTANT"}:
            return typed
        return next((name for flag, name in (("FP16", "HALF"), ("BF16", "BF16")) if self.config._has(flag)), "FLOAT")

    def _profiles(self) -> tuple[dict[str, Range], ...]:
        varying = [each for each in self.network._inputs if -1 in each._shape]
        shapes = [each for each in self.network._inputs if each.is_shape_tensor]
        if (varying or shapes) and not self.config._profiles:
            text = "Network has dynamic or shape inputs, but no optimization profile has been defined."
            raise Refused(f"Error Code 4: API Usage Error ({text})")
        return tuple(self._profile(each) for each in self.config._profiles) or ({},)

    def _profile(self, profile: IOptimizationProfile) -> dict[str, Range]:
        found: dict[str, Range] = {}
        for each in self.network._inputs:
            if each.is_shape_tensor:
                if each.name not in profile._values:
                    raise Refused(
                        f"Error Code 4: Internal Error (no values in the profile for shape input {each.name})"
                    )
                found[f"values of {each.name}"] = profile._values[each.name]
            if -1 in each._shape or each.name in profile._shapes:
                found[each.name] = self._range(each, profile)
        return found

    def _range(self, tensor: ITensor, profile: IOptimizationProfile) -> Range:
        if tensor.name not in profile._shapes:
            text = f"for input {tensor.name}, the profile has no dimensions"
            raise Refused(f"Error Code 4: Internal Error (Network has dynamic inputs, but {text})")
        given = profile._shapes[tensor.name]
        for each in given:
            if len(each) != len(tensor._shape) or any(
                fixed not in (-1, size) for fixed, size in zip(tensor._shape, each, strict=True)
            ):
                text = f"{tensor.name}: profile dimensions {each} do not match the network's {tensor._shape}"
                raise Refused(f"Error Code 4: API Usage Error ({text})")
        return given

    def _activations(self, profiles: tuple[dict[str, Range], ...]) -> int:
        """Return the bytes of the largest inputs."""
        largest = profiles[0]
        shapes = (
            (largest[each.name][2] if each.name in largest else each._shape, each._dtype.name)
            for each in self.network._inputs
        )
        return sum(math.prod(shape) * ITEM_SIZES[kind] for shape, kind in shapes)


def _tensor(given: ITensor) -> Tensor:
    kind = given._value.type.tensor_type.elem_type
    return Tensor(given.name, given.is_network_input, given._dtype.name, given._shape, kind)
