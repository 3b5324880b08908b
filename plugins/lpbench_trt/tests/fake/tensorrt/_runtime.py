"""Loads plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _cuda
from ._builder import started
from ._engine import ICudaEngine
from ._native import ERROR, Native, _refuse, api
from ._plugins import IPluginRegistry
from ._program import Refused, read

if TYPE_CHECKING:
    from ._logger import ILogger


class Runtime(Native):
    def __init__(self, logger: ILogger) -> None:
        super().__init__(started(logger, "Runtime"))
        self.max_threads = 1
        self.engine_host_code_allowed = False
        self._dla_core = -1

    @property
    def logger(self) -> ILogger | None:
        return self._logger

    @property
    def num_DLA_cores(self) -> int:  # noqa: N802 - the library's name
        return _cuda.number("FAKE_DLA_CORES", 0)

    @property
    def DLA_core(self) -> int:  # noqa: N802 - the library's name
        return self._dla_core

    @DLA_core.setter
    def DLA_core(self, core: int) -> None:  # noqa: N802 - the library's name
        if 0 <= core < self.num_DLA_cores:
            self._dla_core = core
        else:
            self._say(ERROR, f"IRuntime::setDLACore: Error Code 3: API Usage Error (DLA core {core} is not there)")

    @api(fails=None)
    def get_plugin_registry(self) -> IPluginRegistry:
        return IPluginRegistry()

    @api(object, fails=None)
    def deserialize_cuda_engine(self, serialized_engine: Any) -> ICudaEngine | None:
        try:
            content = bytes(memoryview(serialized_engine))
        except TypeError:
            raise _refuse("Runtime.deserialize_cuda_engine", (serialized_engine,)) from None
        try:
            return self._engine(content)
        except Refused as reason:
            self._say(ERROR, f"IRuntime::deserializeCudaEngine: Error Code 1: {reason}")
            return None

    def _engine(self, content: bytes) -> ICudaEngine:
        if _cuda.lost():
            raise Refused(f"Cuda Runtime (error {_cuda.lost()})")
        program = read(content)
        if program.dla_core is not None and program.dla_core >= self.num_DLA_cores:
            raise Refused(f"Internal Error (DLA core {program.dla_core} is not there)")
        memory = _cuda.reserve(program.weights_bytes)
        if memory is None:
            raise Refused(f"OutOfMemory (Requested size was {program.weights_bytes} bytes.)")
        return ICudaEngine(self, program, memory, content)
