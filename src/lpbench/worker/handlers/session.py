"""Opens apps on engines, and closes them."""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.model import App
from lpbench.app.model_choice import model_for
from lpbench.errors import LpbenchError, WorkerError
from lpbench.machine.process_memory import memory, reset_peak
from lpbench.plugin import registry
from lpbench.plugin.engine import Model
from lpbench.worker.pipeline import OpenComponent, Single
from lpbench.worker.requests import Closed, Opened, Tensors
from lpbench.worker.samples import Samples
from lpbench.worker.session_builder import Opener, components_of, engine_opener, opened
from lpbench.worker.statements import check_tensors, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpbench.app.model import Component
    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.plugin.engine import Engine
    from lpbench.results.profile import LayerProfile
    from lpbench.worker.open_app import OpenApp
    from lpbench.worker.requests import (
        CloseApp,
        DeviceMemory,
        InspectModel,
        OpenReferenceKernel,
        OpenRequest,
        ReadDeviceMemory,
        ReadProfiles,
        Record,
    )


class SessionHandlers:
    """Opens an app, or the reference kernel in its place.

    :param engine: An engine to use in place of a registered one, for notebooks.
    :param engine_config: What that engine's ``open`` gets as its config.
    """

    def __init__(self, app: OpenApp, engine: Engine[Any] | None, engine_config: object) -> None:
        self._app = app
        self._engine = engine
        self._engine_config = engine_config

    def open(self, request: OpenRequest) -> Opened:
        """Load the models and build the processors."""
        app = App.from_request(request.app)
        baseline = memory()["rss_bytes"]
        reset_peak()
        self._app.peak_bytes = 0
        openers = [
            self._opener(component, app, request.others.get(component.name, request.configuration))
            for component in app.components
        ]
        if request.profile:
            from lpbench.worker.profiled_session import profiled

            openers = [dataclasses.replace(each, opens=profiled(each.opens, each.engine)) for each in openers]
        pipeline, load_ns = opened(openers, request.configuration.streams, request.configuration.engine)
        first = components_of(pipeline)[0]
        samples = Samples(first.pre, list(map(Path, request.samples)), seed=request.seed)
        self._app.take(pipeline, samples, labels=app.labels, draw=request.draw)
        return Opened(
            load_ns=load_ns,
            baseline_bytes=baseline,
            facts=pipeline.describe(),
            inputs=plain(first.session.inputs),
            outputs=plain(first.session.outputs),
            components=tuple(pipeline.components),
        )

    def open_reference_kernel(self, request: OpenReferenceKernel) -> Record:
        """Put the yardstick's kernel in the place of a model.

        :raises LpbenchError: numpy is not installed.
        """
        from lpbench.worker.reference_kernel import Discard, Feed, Yardstick

        try:
            kernel = Yardstick(request.threads)
        except ImportError as error:
            raise LpbenchError("the yardstick needs numpy", hint="pip install numpy") from error
        pre = Feed(None, ())
        component = OpenComponent("yardstick", kernel, pre, Discard(None, (), ()))
        self._app.take(Single(component), Samples(pre, [], seed=0))
        return dict(kernel.describe())

    def inspect(self, request: InspectModel) -> Tensors:
        """Open a model for a moment and return its inputs and outputs."""
        spec = registry.current().get(registry.ENGINES, request.engine).spec
        with engine_opener(spec, Model(request.format, Path(request.model)), {})(shapes={}) as session:
            check_tensors(session, spec.name)
            return Tensors(plain(session.inputs), plain(session.outputs))

    def device_memory(self, request: ReadDeviceMemory) -> Mapping[str, DeviceMemory]:
        """Return what engines know of their device's memory, by component."""
        return self._app.pipeline.device_memory()

    def profiles(self, request: ReadProfiles) -> tuple[LayerProfile, ...]:
        """Return the layers of each component, by the order of components.

        :raises WorkerError: The app was not opened with its profile.
        """
        from lpbench.worker.layer_profiles import layer_profile
        from lpbench.worker.profiled_session import ProfiledSession

        parts, pipeline = components_of(self._app.pipeline), self._app.pipeline
        sessions = [part.session for part in parts if isinstance(part.session, ProfiledSession)]
        if len(sessions) < len(parts):
            raise WorkerError("the app was not opened with its profile")
        names = pipeline.components or ("",)
        return tuple(layer_profile(session, name) for session, name in zip(sessions, names, strict=True))

    def close(self, request: CloseApp) -> Closed:
        """Close the session and return the memory's high-water mark and the samples that were left out."""
        self._app.keep_peak()
        peak = self._app.peak_bytes
        problems = self._app.close()
        left_out = tuple({"sample": name, "error": error} for name, error in problems.items())
        return Closed(peak, left_out, self._app.undrawn)

    def _opener(self, component: Component, app: App, configuration: EngineConfiguration) -> Opener:
        """Import and build all that opening needs, so that only opening is timed."""
        if self._engine is not None:
            model = component.models[0]
            opens = functools.partial(self._engine.open, model, self._engine_config)
            return Opener(component, app, model, opens, configuration)
        spec = registry.current().get(registry.ENGINES, configuration.engine).spec
        for variable, value in spec.environment.items():  # a worker has them already; in the caller's process too
            os.environ.setdefault(variable, value)
        model = model_for(component, spec, configuration)
        return Opener(component, app, model, engine_opener(spec, model, configuration.engine_options), configuration)
