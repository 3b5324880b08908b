"""Answers requests: opens an app on an engine and measures it, in a worker or in the caller's process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from lpbench.worker import requests
from lpbench.worker.fitting import fit_processors
from lpbench.worker.handlers.agreement import AgreementHandlers
from lpbench.worker.handlers.engines import choose_options, find_engine, read_software
from lpbench.worker.handlers.machine import MachineHandlers
from lpbench.worker.handlers.operators import find_unsupported
from lpbench.worker.handlers.quality import QualityHandlers
from lpbench.worker.handlers.session import SessionHandlers
from lpbench.worker.handlers.timing import TimingHandlers
from lpbench.worker.open_app import OpenApp
from lpbench.worker.roof_kernel import measure_roof

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.plugin.engine import Engine
    from lpbench.worker.requests import Request

A = TypeVar("A")


class Runner:
    """An app on an engine, opened once and measured slice by slice.

    :param engine: An engine to use in place of a registered one, for notebooks.
    :param engine_config: What that engine's ``open`` gets as its config.
    """

    def __init__(self, engine: Engine[Any] | None = None, engine_config: object = None) -> None:
        app = OpenApp()
        session, timing = SessionHandlers(app, engine, engine_config), TimingHandlers(app)
        quality, agreement, machine = QualityHandlers(app), AgreementHandlers(app), MachineHandlers()
        self._app = app
        self.handlers: Mapping[type[Request[Any]], Callable[[Any], Any]] = {
            requests.OpenRequest: session.open,
            requests.FitProcessors: fit_processors,
            requests.FindUnsupported: find_unsupported,
            requests.OpenReferenceKernel: session.open_reference_kernel,
            requests.InspectModel: session.inspect,
            requests.CloseApp: session.close,
            requests.ReadDeviceMemory: session.device_memory,
            requests.ReadProfiles: session.profiles,
            requests.RunFirstSample: timing.first,
            requests.MeasureSlice: timing.measure,
            requests.MeasureCpuSlice: timing.measure_cpu,
            requests.MeasureStageMemory: timing.stage_memory,
            requests.PinThreads: timing.pin_threads,
            requests.BreakDownLatency: timing.explain,
            requests.Predict: quality.predict,
            requests.BeginQuality: quality.begin,
            requests.EvaluateQuality: quality.evaluate,
            requests.FinishQuality: quality.finish,
            requests.CollectOutputs: agreement.outputs,
            requests.KeepInputs: agreement.keep_inputs,
            requests.CollectNumbers: agreement.numbers,
            requests.ExposeTensors: agreement.expose,
            requests.SendTensors: agreement.tensors,
            requests.AvailableMemory: machine.available_memory,
            requests.BeginInterference: machine.begin_interference,
            requests.EndInterference: machine.end_interference,
            requests.ReadEnvironment: machine.environment,
            requests.Probe: machine.probe,
            requests.MeasureRoof: measure_roof,
            requests.FindEngine: find_engine,
            requests.ChooseOptions: choose_options,
            requests.ReadSoftware: read_software,
        }

    def handle(self, request: Request[A]) -> A:
        """Do what a request asks for and return its answer."""
        return cast("A", self.handlers[type(request)](request))

    def close(self) -> None:
        """Free what is open."""
        self._app.close()
