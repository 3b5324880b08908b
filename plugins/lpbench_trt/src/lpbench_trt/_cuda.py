"""CUDA's runtime library, libcudart, called through ctypes: memory, streams, events, graphs and facts of devices.

Source of the calls: NVIDIA's CUDA Runtime API manual.  Only calls that CUDA 10.2 and later have in common are used.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib.util
import re
from ctypes import POINTER, c_char_p, c_float, c_int, c_size_t, c_uint, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SONAMES = ("libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so.10.2", "libcudart.so")
FOLDERS = ("cu13/lib", "cuda_runtime/lib")
"""Where NVIDIA's packages on PyPI keep the library, below the namespace package ``nvidia``."""
SYSTEM = Path("/usr/local/cuda/lib64")
MISSING = "libcudart, CUDA's runtime library, is not found"
REMEDY = "pip install nvidia-cuda-runtime (CUDA 13) or nvidia-cuda-runtime-cu12; on a Jetson it comes with JetPack"

H2D: Final = 1
"""Copy from host to device (cudaMemcpyHostToDevice)."""
D2H: Final = 2
"""Copy from device to host (cudaMemcpyDeviceToHost)."""
NON_BLOCKING: Final = 1
"""Flag of a stream that does not wait for the default stream (cudaStreamNonBlocking)."""
BLOCKING_EVENT: Final = 0x01 | 0x02
"""Flags of an event to wait for without spinning (cudaEventBlockingSync), which keeps no time."""
TIMED_EVENT: Final = 0
SPIN: Final = 1
"""Flag of a device whose waits spin (cudaDeviceScheduleSpin)."""
CAPTURE_THREAD: Final = 1
"""Capture that other threads do not disturb (cudaStreamCaptureModeThreadLocal)."""
MAJOR: Final = 75
"""Attribute: major compute capability."""
MINOR: Final = 76
PROPERTIES_BYTES = 1 << 14
"""Room for cudaDeviceProp, of about 1 KiB: it differs between versions, only its beginning does not."""
NAME_BYTES = 256
"""Length of the name, with which cudaDeviceProp begins."""

OUT_OF_MEMORY: Final = 2
INSUFFICIENT_DRIVER: Final = 35
NO_DEVICE: Final = 100
ACTIVE_PROCESS: Final = 708
"""The device's flags cannot be changed any more (cudaErrorSetOnActiveProcess)."""
HINTS = {
    OUT_OF_MEMORY: "free device memory: end other programs on the device, or use smaller shapes",
    INSUFFICIENT_DRIVER: "install NVIDIA's driver; if nvidia-smi names one, a newer one, or a CUDA runtime and a "
    "TensorRT for its version",
    NO_DEVICE: "nvidia-smi lists the devices; CUDA_VISIBLE_DEVICES hides those that it does not name",
}

OUT = POINTER(c_void_p)
NUMBER = POINTER(c_int)
FUNCTIONS: dict[str, tuple[type[Any], ...]] = {
    "cudaGetDeviceCount": (NUMBER,),
    "cudaSetDevice": (c_int,),
    "cudaSetDeviceFlags": (c_uint,),
    "cudaDeviceGetAttribute": (NUMBER, c_int, c_int),
    "cudaDriverGetVersion": (NUMBER,),
    "cudaRuntimeGetVersion": (NUMBER,),
    "cudaGetLastError": (),
    "cudaMemGetInfo": (POINTER(c_size_t), POINTER(c_size_t)),
    "cudaMalloc": (OUT, c_size_t),
    "cudaFree": (c_void_p,),
    "cudaMallocHost": (OUT, c_size_t),
    "cudaFreeHost": (c_void_p,),
    "cudaMemcpyAsync": (c_void_p, c_void_p, c_size_t, c_int, c_void_p),
    "cudaStreamCreateWithFlags": (OUT, c_uint),
    "cudaStreamDestroy": (c_void_p,),
    "cudaStreamSynchronize": (c_void_p,),
    "cudaStreamBeginCapture": (c_void_p, c_int),
    "cudaStreamEndCapture": (c_void_p, OUT),
    "cudaGraphInstantiate": (OUT, c_void_p, c_void_p, c_void_p, c_size_t),
    "cudaGraphLaunch": (c_void_p, c_void_p),
    "cudaGraphDestroy": (c_void_p,),
    "cudaGraphExecDestroy": (c_void_p,),
    "cudaEventCreateWithFlags": (OUT, c_uint),
    "cudaEventRecord": (c_void_p, c_void_p),
    "cudaEventSynchronize": (c_void_p,),
    "cudaEventElapsedTime": (POINTER(c_float), c_void_p, c_void_p),
    "cudaEventDestroy": (c_void_p,),
}
PROPERTIES = ("cudaGetDeviceProperties_v2", "cudaGetDeviceProperties")
"""Names of one function, which fills a larger structure from CUDA 12 on."""


class CudaError(EngineError):
    """A call of CUDA's runtime failed.

    :param call: The function's name.
    :param code: Its ``cudaError_t``.
    :param name: The code's name.
    :param text: Its description.
    """

    def __init__(self, call: str, code: int, name: str, text: str) -> None:
        super().__init__(f"{call} failed: {name} ({code}): {text}", hint=HINTS.get(code, ""))
        self.call = call
        self.code = code


@dataclass(frozen=True)
class Device:
    """A GPU.

    :param index: As CUDA counts.
    :param name: As the driver states it: ``NVIDIA GeForce RTX 4090``.
    :param capability: Compute capability: ``8.9``.
    """

    index: int
    name: str
    capability: str


class Cuda:
    """The library's functions; each raises CudaError if the call fails.

    :param library: libcudart.
    :raises EngineError: The library lacks a function.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._functions = {name: _declared(library, name, kinds) for name, kinds in FUNCTIONS.items()}
        self._properties = next((name for name in PROPERTIES if hasattr(library, name)), PROPERTIES[-1])
        self._functions[self._properties] = _declared(library, self._properties, (c_void_p, c_int))
        self._name = _declared(library, "cudaGetErrorName", (c_int,), c_char_p)
        self._text = _declared(library, "cudaGetErrorString", (c_int,), c_char_p)
        self.device_memory = CudaMemory(self, "cudaMalloc", "cudaFree")
        self.pinned_memory = CudaMemory(self, "cudaMallocHost", "cudaFreeHost")

    def call(self, name: str, *values: Any) -> None:
        """Call a function by its name."""
        self._require(name, self._functions[name](*values))

    def prepared(self, name: str, *values: Any) -> Callable[[], None]:
        """Return a call with its arguments converted, to be made in every run."""
        function = self._functions[name]
        arguments = tuple(kind(value) for kind, value in zip(FUNCTIONS[name], values, strict=True))
        require = self._require

        def call() -> None:
            if code := function(*arguments):
                require(name, code)

        return call

    def made(self, name: str, *values: Any) -> int:
        """Return the pointer or handle that a function writes to its first argument."""
        out = c_void_p()
        self.call(name, ctypes.byref(out), *values)
        return out.value or 0

    def made_last(self, name: str, *values: Any) -> int:
        """Return the handle that a function writes to its last argument."""
        out = c_void_p()
        self.call(name, *values, ctypes.byref(out))
        return out.value or 0

    def elapsed_ns(self, start: int, end: int) -> int:
        """Return the nanoseconds between two events that have passed; CUDA resolves about 500."""
        ms = c_float()
        self.call("cudaEventElapsedTime", ctypes.byref(ms), start, end)
        return max(0, round(ms.value * 1e6))

    def count(self) -> int:
        """Return the number of devices."""
        return self._number("cudaGetDeviceCount")

    def use(self, index: int) -> None:
        """Select a device for the calls of this thread.

        :raises EngineError: There is none of this number, or it is not usable.
        """
        count = self.count()
        if index >= count:
            here = ", ".join(f"gpu:{number}" for number in range(count))
            raise EngineError(f"there is no device gpu:{index}", hint=f"here: {here or 'none'}")
        self.call("cudaSetDevice", index)

    def device(self, index: int) -> Device:
        """Return the facts of a device."""
        properties = ctypes.create_string_buffer(PROPERTIES_BYTES)
        self.call(self._properties, properties, index)
        name = properties.raw[:NAME_BYTES].partition(b"\0")[0].decode("utf-8", "replace")
        major, minor = (self._number("cudaDeviceGetAttribute", attribute, index) for attribute in (MAJOR, MINOR))
        return Device(index, name, f"{major}.{minor}")

    def memory(self) -> tuple[int, int]:
        """Return the free and all bytes of the selected device."""
        free, total = c_size_t(), c_size_t()
        self.call("cudaMemGetInfo", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def runtime_version(self) -> str:
        """Return the library's version of CUDA: ``12.6``."""
        return _version(self._number("cudaRuntimeGetVersion"))

    def driver_version(self) -> str:
        """Return the latest CUDA that the driver supports; empty without a driver."""
        return _version(self._number("cudaDriverGetVersion"))

    def clear_error(self) -> None:
        """Forget the error of a call that failed, unless the device is lost."""
        self._functions["cudaGetLastError"]()

    def _number(self, name: str, *values: int) -> int:
        out = c_int()
        self.call(name, ctypes.byref(out), *values)
        return out.value

    def _require(self, name: str, code: int) -> None:
        if code:
            words = [self._name(code), self._text(code)]
            raise CudaError(name, code, *((word or b"unknown error").decode("utf-8", "replace") for word in words))


@dataclass(frozen=True)
class CudaMemory:
    """A kind of memory, on the device that is selected or pinned on the host.

    :param malloc: Name of the function that gives it.
    :param release: Name of the function that takes it back.
    """

    cuda: Cuda
    malloc: str
    release: str

    def allocate(self, size: int, /) -> int:
        """Return the address of new memory."""
        return self.cuda.made(self.malloc, size)

    def free(self, address: int, /) -> None:
        """Take memory back."""
        self.cuda.call(self.release, address)


@functools.cache
def cuda() -> Cuda:
    """Return CUDA's runtime, which is loaded once.

    :raises EngineError: It is not installed, cannot be loaded, or lacks a function.
    """
    problem = ""
    for place in _places():
        library, refused = _loaded(place)
        if library:
            return Cuda(library)
        problem = problem or refused
    raise EngineError(f"{MISSING}: {problem}" if problem else MISSING, hint=REMEDY)


def _loaded(place: str) -> tuple[ctypes.CDLL | None, str]:
    """Return a library, or why it cannot be loaded, which is empty where there is none."""
    try:
        return ctypes.CDLL(place), ""
    except OSError as error:
        return None, "" if "No such file" in str(error) else str(error)


def _places() -> Iterator[str]:
    """Yield the library's possible places, the preferred one first."""
    for folder in FOLDERS:
        for root in _packages():
            yield from map(str, sorted((root / folder).glob("libcudart.so*"), key=_numbers, reverse=True))
    yield from SONAMES
    if found := ctypes.util.find_library("cudart"):
        yield found
    yield from map(str, sorted(SYSTEM.glob("libcudart.so*"), key=_numbers, reverse=True))


def _packages() -> list[Path]:
    """Return the folders of NVIDIA's packages, without importing them."""
    try:
        spec = importlib.util.find_spec("nvidia")
    except ValueError:  # a module of that name without a spec is imported
        return []
    return [Path(place) for place in spec.submodule_search_locations or ()] if spec else []


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


def _declared(library: ctypes.CDLL, name: str, kinds: tuple[type[Any], ...], answer: type[Any] = c_int) -> Any:
    try:
        function = library[name]
    except AttributeError as error:
        raise EngineError(f"libcudart lacks {name}: it is too old, or no CUDA runtime", hint=REMEDY) from error
    function.argtypes, function.restype = kinds, answer
    return function


def _version(number: int) -> str:
    """Return a version as CUDA writes it: 12060 is 12.6."""
    return f"{number // 1000}.{number % 1000 // 10}" if number else ""
