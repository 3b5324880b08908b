"""What a worker is asked and what it answers: values that ``lpbench.worker.wire`` carries as JSON.

A request is a dataclass whose base names the type of its answer, so that a type checker knows what comes back:
``client.request(MeasureSlice(100))`` is a ``Slice``.  An answer's field ``block`` holds bytes, which follow the JSON.
"""

from __future__ import annotations

from lpbench.worker.requests.agreement import (
    CollectNumbers,
    CollectOutputs,
    ExposedTensors,
    ExposeTensors,
    KeepInputs,
    KeptInputs,
    RawOutputs,
    SampleNumbers,
    SendTensors,
    TensorBlock,
)
from lpbench.worker.requests.base import Record, Records, Request, RunnerClient
from lpbench.worker.requests.device import DeviceMemory, ReadDeviceMemory
from lpbench.worker.requests.engines import (
    ChooseOptions,
    EngineFound,
    FindEngine,
    OptionsChosen,
    ReadSoftware,
    Software,
)
from lpbench.worker.requests.machine import (
    AvailableMemory,
    BeginInterference,
    EndInterference,
    MeasureRoof,
    Probe,
    ReadEnvironment,
    RoofRates,
)
from lpbench.worker.requests.profiling import ReadProfiles
from lpbench.worker.requests.quality import BeginQuality, EvaluateQuality, FinishQuality, Predict, QualityFound
from lpbench.worker.requests.session import (
    CloseApp,
    Closed,
    FitProcessors,
    InspectModel,
    Opened,
    OpenReferenceKernel,
    OpenRequest,
    Tensors,
)
from lpbench.worker.requests.timing import (
    BreakDownLatency,
    ClockReads,
    FirstSample,
    MeasureCpuSlice,
    MeasureSlice,
    MeasureStageMemory,
    PinnedThreads,
    PinThreads,
    RunFirstSample,
    Slice,
    StagePeak,
    StagePeaks,
)
from lpbench.worker.requests.unsupported import FindUnsupported, Unsupported

__all__ = [
    "AvailableMemory",
    "BeginInterference",
    "BeginQuality",
    "BreakDownLatency",
    "ChooseOptions",
    "ClockReads",
    "CloseApp",
    "Closed",
    "CollectNumbers",
    "CollectOutputs",
    "DeviceMemory",
    "EndInterference",
    "EngineFound",
    "EvaluateQuality",
    "ExposeTensors",
    "ExposedTensors",
    "FindEngine",
    "FindUnsupported",
    "FinishQuality",
    "FirstSample",
    "FitProcessors",
    "InspectModel",
    "KeepInputs",
    "KeptInputs",
    "MeasureCpuSlice",
    "MeasureRoof",
    "MeasureSlice",
    "MeasureStageMemory",
    "OpenReferenceKernel",
    "OpenRequest",
    "Opened",
    "OptionsChosen",
    "PinThreads",
    "PinnedThreads",
    "Predict",
    "Probe",
    "QualityFound",
    "RawOutputs",
    "ReadDeviceMemory",
    "ReadEnvironment",
    "ReadProfiles",
    "ReadSoftware",
    "Record",
    "Records",
    "Request",
    "RoofRates",
    "RunFirstSample",
    "RunnerClient",
    "SampleNumbers",
    "SendTensors",
    "Slice",
    "Software",
    "StagePeak",
    "StagePeaks",
    "TensorBlock",
    "Tensors",
    "Unsupported",
]
