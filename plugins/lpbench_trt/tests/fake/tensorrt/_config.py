"""How a network is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from . import _analysis, _cuda
from ._enums import (
    MAJOR,
    BuilderFlag,
    DeviceType,
    EngineCapability,
    HardwareCompatibilityLevel,
    MemoryPoolType,
    PreviewFeature,
    ProfilingVerbosity,
)
from ._native import ERROR, NEVER, Enumeration, Interface, Native, _refuse, api
from ._network import ILayer
from ._profiles import IOptimizationProfile, ITimingCache, timing_cache

if TYPE_CHECKING:
    from ._logger import ILogger

DEFAULT_MEMORY = 8 << 30


class IProgressMonitor(Interface):
    """Is told how far a build has come; its methods are the implementation's."""

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        raise RuntimeError('Tried to call pure virtual function "IProgressMonitor::phase_start"')

    def step_complete(self, phase_name: str, step: int) -> bool:
        raise RuntimeError('Tried to call pure virtual function "IProgressMonitor::step_complete"')

    def phase_finish(self, phase_name: str) -> None:
        raise RuntimeError('Tried to call pure virtual function "IProgressMonitor::phase_finish"')


class IBuilderConfig(Native):
    """Options of a build; TF32 is on from the start, as in the real library."""

    _kinds: ClassVar[dict[str, Any]] = {
        "profiling_verbosity": ProfilingVerbosity,
        "default_device_type": DeviceType,
        "engine_capability": EngineCapability,
        "hardware_compatibility_level": HardwareCompatibilityLevel,
        "DLA_core": int,
        "builder_optimization_level": int,
        "max_aux_streams": int,
        "avg_timing_iterations": int,
        "flags": int,
        "profile_stream": int,
        "plugins_to_serialize": list,
        "progress_monitor": (IProgressMonitor, type(None)),
    }

    def __init__(self, logger: ILogger) -> None:
        super().__init__(logger)
        self.flags = 1 << BuilderFlag.TF32.value
        self.profiling_verbosity: Enumeration = ProfilingVerbosity.LAYER_NAMES_ONLY
        self.default_device_type: Enumeration = DeviceType.GPU
        self.engine_capability: Enumeration = EngineCapability.STANDARD
        self.hardware_compatibility_level: Enumeration = HardwareCompatibilityLevel.NONE
        self.DLA_core = -1
        self.builder_optimization_level = 3
        self.max_aux_streams = -1
        self.profile_stream = 0
        self.plugins_to_serialize: list[str] = []
        self.avg_timing_iterations = 1
        if MAJOR >= 10:
            self.progress_monitor: IProgressMonitor | None = None
        self._pools = {"WORKSPACE": _cuda.number("FAKE_DEVICE_MEMORY", DEFAULT_MEMORY)}
        self._profiles: list[IOptimizationProfile] = []
        self._cache: ITimingCache | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse what the bindings refuse: attributes that are none, and values of another class."""
        if not name.startswith("_") and name not in self._kinds:
            raise AttributeError(f"'IBuilderConfig' object has no attribute '{name}'")
        kind: Any = self._kinds.get(name)
        if kind is not None and not isinstance(value, kind):
            raise _refuse(f"IBuilderConfig.{name}", (value,))
        if name == "DLA_core" and value >= _cuda.number("FAKE_DLA_CORES", 0):
            self._say(
                ERROR, f"IBuilderConfig::setDLACore: Error Code 3: API Usage Error (DLA core {value} is not there)"
            )
            return
        if name == "builder_optimization_level" and not 0 <= value <= 5:
            self._say(ERROR, f"setBuilderOptimizationLevel: Error Code 3: API Usage Error (level {value})")
            return
        object.__setattr__(self, name, value)

    @property
    def num_optimization_profiles(self) -> int:
        return len(self._profiles)

    @api(MemoryPoolType, int, fails=NEVER)
    def set_memory_pool_limit(self, pool: Enumeration, pool_size: int) -> None:
        if pool_size < 0:
            raise _refuse("IBuilderConfig.set_memory_pool_limit", (pool_size,))
        self._pools[pool.name] = pool_size

    @api(MemoryPoolType, fails=NEVER)
    def get_memory_pool_limit(self, pool: Enumeration) -> int:
        return self._pools.get(pool.name, 0)

    @api(BuilderFlag, fails=NEVER)
    def set_flag(self, flag: Enumeration) -> None:
        self.flags |= 1 << flag.value

    @api(BuilderFlag, fails=NEVER)
    def clear_flag(self, flag: Enumeration) -> None:
        self.flags &= ~(1 << flag.value)

    @api(BuilderFlag, fails=NEVER)
    def get_flag(self, flag: Enumeration) -> bool:
        return bool(self.flags >> flag.value & 1)

    def _has(self, name: str) -> bool:
        return name in BuilderFlag.__members__ and bool(self.flags >> BuilderFlag.__members__[name].value & 1)

    @api(IOptimizationProfile, fails=-1)
    def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
        if not profile:
            return -1
        self._profiles.append(profile)
        return len(self._profiles) - 1

    @api(object, fails=None)
    def create_timing_cache(self, serialized_timing_cache: Any) -> ITimingCache | None:
        try:
            content = bytes(memoryview(serialized_timing_cache))
        except TypeError:
            raise _refuse("IBuilderConfig.create_timing_cache", (serialized_timing_cache,)) from None
        assert self._logger is not None
        made = timing_cache(self._logger, content)
        if made is None:
            self._say(
                ERROR, "createTimingCache: Error Code 1: Serialization (Serialized cache header is not compatible)"
            )
        return made

    @api(ITimingCache, bool, fails=False)
    def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:  # noqa: FBT001 - the library's
        assert self._logger is not None
        if cache._where != ITimingCache(self._logger)._where and not ignore_mismatch:
            self._say(ERROR, "setTimingCache: Error Code 3: API Usage Error (cache of another device)")
            return False
        self._cache = cache
        return True

    @api(fails=None)
    def get_timing_cache(self) -> ITimingCache | None:
        return self._cache

    @api(ILayer, fails=NEVER)
    def can_run_on_DLA(self, layer: ILayer) -> bool:  # noqa: N802 - the library's name
        return bool(_cuda.number("FAKE_DLA_CORES", 0)) and layer.type.name in _analysis.DLA_KINDS

    @api(int, fails=False)
    def set_tactic_sources(self, tactic_sources: int) -> bool:
        return True

    @api(PreviewFeature, bool, fails=NEVER)
    def set_preview_feature(self, feature: Enumeration, enable: bool) -> None:  # noqa: FBT001 - the library's
        pass
