"""Opens an app on an engine and measures slices of it; lives in a worker, or in the caller's process.

Every public method takes and returns what JSON can carry, so that a worker can
be asked for it; ``measure`` and ``measure_cpu`` return their clock reads as a
block of bytes beside it (little-endian 64-bit integers, ``timing.READS`` for each sample).
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import math
import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench import config, registry, timing
from lpbench.app import App
from lpbench.errors import EngineError, LpbenchError, WorkerError
from lpbench.memory import memory, reset_peak
from lpbench.models import choose_model, merge
from lpbench.monitor import Unavailable
from lpbench.samples import InRegion, Samples

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from lpbench.app import Component, Step
    from lpbench.engine import Engine, Model, Session
    from lpbench.processor import Postprocessor, Preprocessor
    from lpbench.specs import EngineSpec, ProcessorSpec

REQUESTS = frozenset(
    {
        "open",
        "open_yardstick",
        "first",
        "measure",
        "measure_cpu",
        "settle",
        "room",
        "watch",
        "watched",
        "explain",
        "predict",
        "profile",
        "probe",
        "inspect",
        "environment",
        "close",
    }
)
PREDICTIONS = 1000
"""Predictions that one request returns at most."""
SETTLE_S = 0.25
"""A worker that still spins after this long never settles."""
SETTLE_STEP_S = 0.001
SETTLED = 0.2
"""Share of a core that a settled process may use."""
DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "S64",
    "int32": "S32",
    "int16": "S16",
    "int8": "S8",
    "uint8": "U8",
    "bool": "B",
}
"""The glossary's words for types."""


class Runner:
    """An app on an engine, opened once and measured slice by slice.

    :param engine: An engine to use in place of a registered one, for notebooks.
    :param engine_config: What that engine's ``open`` gets as its config.
    """

    def __init__(self, engine: Engine[Any] | None = None, engine_config: object = None) -> None:
        self._engine = engine
        self._engine_config = engine_config
        self._session: Session | None = None
        self._stack = contextlib.ExitStack()

    def do(self, request: str, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - each request has its answer
        """Answer one request of the protocol by its name."""
        if request not in REQUESTS:
            what = f"unknown request {request!r}"
            raise WorkerError(what, hint=f"known: {', '.join(sorted(REQUESTS))}")
        return getattr(self, request)(**arguments)

    def open(  # noqa: PLR0913 - the parts of one request
        self,
        *,
        app: Mapping[str, Any],
        engine: str,
        options: Mapping[str, Any],
        shapes: Mapping[str, Sequence[int]],
        samples: Sequence[str],
        seed: int = 0,
        profile: bool = False,
    ) -> dict[str, Any]:
        """Load the model, build the processors and return what is there.

        :returns: ``load_ns``, ``facts`` of the session, ``inputs``, ``outputs``, ``stages``, ``baseline_bytes``.
        """
        loaded = App.from_request(app)
        component = loaded.components[0]
        baseline = memory()["rss_bytes"]
        reset_peak()
        opener = self._opener(component, engine, options)
        start = time.perf_counter_ns()
        self._session = opener(shapes=_tuples(shapes), profile=profile)
        load_ns = time.perf_counter_ns() - start
        self._stack.callback(self._session.close)
        self._pre, self._post = self._processors(component, loaded)
        self._samples = Samples(self._pre, [Path(path) for path in samples], seed=seed)
        return {
            "load_ns": load_ns,
            "baseline_bytes": baseline,
            "facts": plain(dict(self._session.describe())),
            "inputs": plain([dataclasses.asdict(each) for each in self._session.inputs]),
            "outputs": plain([dataclasses.asdict(each) for each in self._session.outputs]),
        }

    def open_yardstick(self) -> dict[str, Any]:
        """Put the yardstick's kernel in the place of a model and return what its units depend on.

        :raises LpbenchError: numpy is not installed.
        """
        from lpbench.yardstick import Discard, Feed, Yardstick

        try:
            kernel = Yardstick()
        except ImportError as error:
            what = "the yardstick needs numpy"
            raise LpbenchError(what, hint="pip install numpy") from error
        self._session = kernel
        self._pre, self._post = Feed(None, ()), Discard(None, (), ())
        self._samples = Samples(self._pre, [], seed=0)
        return dict(kernel.describe())

    def first(self) -> dict[str, Any]:
        """Run the first sample and return its nanoseconds by stage, and the types that flow between the stages."""
        sample = self._samples.take(1)
        reads = self._time(sample, time.perf_counter_ns)
        feeds = self._pre(sample[0])
        types = {"preprocessing": _types(feeds), "postprocessing": _types(self._opened().run(feeds))}
        gc.collect()
        gc.freeze()  # what is there now stays; collections between slices need not look at it again
        self._stack.callback(gc.unfreeze)
        return {"ns": {stage: values[0] for stage, values in timing.durations(reads).items()}, "types": types}

    def measure(self, *, count: int) -> tuple[dict[str, Any], bytes]:
        """Time ``count`` samples; return counters read before and after, and the clock reads."""
        before, cpu = time.perf_counter_ns(), time.process_time_ns()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        reads, wall = self._slices(count, time.perf_counter_ns)
        spent = time.process_time_ns() - cpu
        after = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "begun_ns": before,
            "wall_ns": wall,
            "cpu_ns": spent,
            "switches": after.ru_nivcsw - usage.ru_nivcsw,
            "faults": after.ru_majflt - usage.ru_majflt,
            "rss_bytes": memory()["rss_bytes"],
        }, reads

    def measure_cpu(self, *, count: int) -> tuple[dict[str, Any], bytes]:
        """Take the CPU time of all threads for ``count`` samples; a pass of its own, since its clock is slow."""
        reads, wall = self._slices(count, time.process_time_ns)
        return {"wall_ns": wall}, reads

    def settle(self) -> dict[str, Any]:
        """Wait until this process uses no CPU time any more: idle thread pools spin for a while."""
        begun = time.monotonic()
        while (spent := time.monotonic() - begun) < SETTLE_S:
            before = time.process_time_ns()
            time.sleep(SETTLE_STEP_S)
            if time.process_time_ns() - before < SETTLED * SETTLE_STEP_S * 1e9:
                break
        return {"seconds": spent}

    def room(self) -> dict[str, Any]:
        """Return the bytes of memory that further workers may take, None where the kernel does not tell."""
        from lpbench import machine

        return {"available_bytes": machine.available_memory()}

    def watch(self, *, others: Sequence[int] = ()) -> None:
        """Begin to watch what others do to the machine.

        :param others: Processes that belong to the benchmark.
        """
        from lpbench import machine

        self._before = machine.snapshot(others)
        self._others = others

    def watched(self) -> dict[str, Any]:
        """Return what others did since ``watch``, ready for JSON, with the reason why it counts as disturbed."""
        from lpbench import machine

        found = machine.between(self._before, machine.snapshot(self._others))
        values = {item.name: getattr(found, item.name) for item in dataclasses.fields(found)}
        known = {name: None if isinstance(value, Unavailable) else value for name, value in values.items()}
        return {**known, "disturbed": found.disturbed()}

    def explain(self, *, seconds: float) -> dict[str, float]:
        """Return the parts of a sample's time in nanoseconds, as ``lpbench.explain`` takes it apart."""
        from lpbench.explain import explain

        return explain(self._opened(), self._pre, self._post, list(self._samples.each(PREDICTIONS)), seconds)

    def predict(self, *, limit: int = PREDICTIONS) -> list[dict[str, Any]]:
        """Return the prediction of every sample, untimed, ready for JSON."""
        session = self._opened()
        found = []
        for sample in self._samples.each(min(limit, PREDICTIONS)):
            prediction = self._post(session.run(self._pre(sample)), sample)
            found.append(plain({"sample": sample.name, **self._post.describe(prediction)}))
        return found

    def profile(self) -> list[dict[str, Any]]:
        """Return the engine's own per-layer records."""
        return [plain(dict(record)) for record in self._opened().profile()]

    def probe(self, *, target: str, name: str) -> Any:  # noqa: ANN401 - what the plugin's probe returns
        """Call a plugin's probe: it loads the vendor's library and looks for devices."""
        from lpbench.specs import load

        return plain(load(target, who=name)())

    def inspect(self, *, model: str, format: str, engine: str) -> dict[str, Any]:  # noqa: A002 - the field's word
        """Open a model for a moment and return its inputs and outputs."""
        from lpbench.engine import Model

        spec = registry.current().get(registry.ENGINES, engine).spec
        with _opener(spec, Model(format, Path(model)), {})(shapes={}) as session:
            return {
                "inputs": plain([dataclasses.asdict(each) for each in session.inputs]),
                "outputs": plain([dataclasses.asdict(each) for each in session.outputs]),
            }

    def environment(self) -> dict[str, Any]:
        """Return what ``lpbench.machine`` sees from this process."""
        from lpbench import machine

        return machine.environment()

    def close(self) -> dict[str, Any]:
        """Close the session and return the memory's high-water mark and the samples that were left out."""
        peak = memory()
        self._stack.close()
        self._session = None
        problems = self._samples.problems if hasattr(self, "_samples") else {}
        return {**peak, "problems": [{"sample": name, "error": error} for name, error in problems.items()]}

    def _opener(self, component: Component, name: str, options: Mapping[str, Any]) -> Callable[..., Session]:
        """Import and build all that opening needs, so that only opening is timed."""
        if self._engine is not None:
            self._model = component.models[0]
            return functools.partial(self._engine.open, self._model, self._engine_config)
        spec = registry.current().get(registry.ENGINES, name).spec
        for variable, value in spec.environment.items():  # a worker has them already; in the caller's process too
            os.environ.setdefault(variable, value)
        self._model = choose_model(component, spec)
        return _opener(spec, self._model, options)

    def _processors(self, component: Component, app: App) -> tuple[Preprocessor[Any], Postprocessor[Any]]:
        session = self._opened()
        pre, pre_config = _processor(registry.PREPROCESSORS, component.preprocessing)
        post, post_config = _processor(registry.POSTPROCESSORS, component.postprocessing)
        built = pre(pre_config, merge(session.inputs, self._model.inputs))
        outputs = merge(session.outputs, self._model.outputs)
        return InRegion(built) if app.decode_in_region else built, post(post_config, outputs, app.labels)

    def _slices(self, count: int, clock: Callable[[], int]) -> tuple[bytes, int]:
        """Time samples in batches that are decoded ahead; return the reads and the wall time inside the region."""
        blocks: list[bytes] = []
        wall = 0
        while count > 0:
            batch = self._samples.take(count)
            begun = time.perf_counter_ns()
            reads = self._time(batch, clock)
            wall += time.perf_counter_ns() - begun
            if sys.byteorder == "big":  # the wire is little-endian
                reads.byteswap()
            blocks.append(reads.tobytes())
            count -= len(batch)
        return b"".join(blocks), wall

    def _time(self, samples: Sequence[Any], clock: Callable[[], int]) -> array[int]:
        reads = timing.anchors(len(samples))
        with timing.collector_off():
            timing.time_samples(self._pre, self._opened().run, self._post, samples, reads, clock=clock)
        return reads

    def _opened(self) -> Session:
        if self._session is None:
            what = "nothing is open"
            raise EngineError(what)
        return self._session


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a plugin returns
    """Return a value as JSON can carry it: arrays become lists, what is not finite null, the unknown its text."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    return plain(value.tolist()) if hasattr(value, "tolist") else str(value)


def _opener(spec: EngineSpec, model: Model, options: Mapping[str, Any]) -> Callable[..., Session]:
    from lpbench.specs import load

    available = spec.availability()
    if not available:
        what = f'engine "{spec.name}" is not ready: {available.reason}'
        raise EngineError(what, hint=available.hint)
    kind = load(spec.config, who=spec.name) if spec.config else None
    settings = config.build(kind, options, where=f"options of {spec.name}") if kind else None
    return functools.partial(spec.load()().open, model, settings)


def _processor(kind: registry.Kind[ProcessorSpec], step: Step) -> tuple[Any, Any]:
    """Return a processor's class and its config."""
    from lpbench.specs import load

    spec = registry.current().get(kind, step.type).spec
    available = spec.availability()
    if not available:
        what = f'{kind.word} "{spec.name}" is not ready: {available.reason}'
        raise LpbenchError(what, hint=available.hint)
    where = f"config of {kind.word} {spec.name}"
    return spec.load(), config.build(load(spec.config, who=spec.name), step.config, where=where)


def _tuples(shapes: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in shapes.items()}


def _types(tensors: Mapping[str, Any]) -> str:
    """Return the glossary's words for the types of some tensors."""
    names = {str(getattr(each, "dtype", type(each).__name__)) for each in tensors.values()}
    return "/".join(sorted(DTYPES.get(name, name) for name in names))
