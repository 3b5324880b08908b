"""Opens an app on an engine and measures slices of it; lives in a worker, or in the caller's process.

Every public method takes and returns what JSON can carry, so that a worker can
be asked for it; ``measure`` and ``measure_cpu`` return their clock reads as a
block of bytes beside it (little-endian 64-bit integers, ``timing.reads_of`` the components for each sample).
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.model import App
from lpbench.app.model_choice import choose_model
from lpbench.errors import EngineError, LpbenchError, WorkerError
from lpbench.machine.process_memory import memory, reset_peak
from lpbench.plugin import registry
from lpbench.results.stages import durations, within
from lpbench.util import dataclass_config
from lpbench.util.jsonable import to_jsonable
from lpbench.util.unavailable import Unavailable
from lpbench.worker.pipeline import OpenComponent, Single
from lpbench.worker.quality_evaluator import QualityEvaluator
from lpbench.worker.requests import OpenRequest
from lpbench.worker.samples import Samples
from lpbench.worker.session_builder import Opener, components_of, engine_opener, opened

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Mapping, Sequence

    from lpbench.app.model import Component
    from lpbench.plugin.configuration import EngineConfiguration
    from lpbench.plugin.engine import Engine, Session
    from lpbench.plugin.processor import Sample
    from lpbench.worker.pipeline import Pipeline

REQUESTS = frozenset(
    {
        "open",
        "open_yardstick",
        "first",
        "measure",
        "measure_cpu",
        "spread",
        "room",
        "watch",
        "watched",
        "explain",
        "judge",
        "judge_more",
        "judged",
        "predict",
        "outputs",
        "numbers",
        "expose",
        "tensors",
        "probe",
        "inspect",
        "environment",
        "close",
    }
)
PREDICTIONS = 1000
"""Predictions that one request returns at most."""
BUSY = 0.25
"""A thread computes if it has used this share of what the busiest has."""
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

    def do(self, request: str, arguments: Mapping[str, Any]) -> Any:
        """Answer one request of the protocol by its name."""
        if request not in REQUESTS:
            raise WorkerError(f"unknown request {request!r}", hint=f"known: {', '.join(sorted(REQUESTS))}")
        return getattr(self, request)(**arguments)

    def open(self, **request: Any) -> dict[str, Any]:
        """Load the model, build the processors and return what is there.

        :param request: The fields of an ``OpenRequest``.
        :returns: ``load_ns``, ``facts`` of the session, ``inputs``, ``outputs``, ``components``, ``baseline_bytes``.
        """
        asked = dataclass_config.build(OpenRequest, request)
        app = App.from_request(asked.app)
        self._labels, self._draw = app.labels, asked.draw
        baseline = memory()["rss_bytes"]
        reset_peak()
        openers = [
            self._opener(component, app, asked.others.get(component.name, asked.configuration))
            for component in app.components
        ]
        self._pipeline, load_ns = opened(openers, asked.configuration.streams, asked.configuration.engine)
        self._stack.callback(self._pipeline.close)
        first = components_of(self._pipeline)[0]
        self._session, self._pre, self._post = first.session, first.pre, first.post
        self._samples = Samples(self._pre, list(map(Path, asked.samples)), seed=asked.seed)
        return {
            "load_ns": load_ns,
            "baseline_bytes": baseline,
            "facts": to_jsonable(self._pipeline.describe()),
            "inputs": to_jsonable([dataclasses.asdict(each) for each in self._session.inputs]),
            "outputs": to_jsonable([dataclasses.asdict(each) for each in self._session.outputs]),
            "components": list(self._pipeline.components),
        }

    def open_yardstick(self, *, threads: int = 1) -> dict[str, Any]:
        """Put the yardstick's kernel in the place of a model and return what its units depend on.

        :param threads: That this process's environment gives it.
        :raises LpbenchError: numpy is not installed.
        """
        from lpbench.worker.reference_kernel import Discard, Feed, Yardstick

        try:
            kernel = Yardstick(threads)
        except ImportError as error:
            raise LpbenchError("the yardstick needs numpy", hint="pip install numpy") from error
        self._session = kernel
        self._pre, self._post = Feed(None, ()), Discard(None, (), ())
        self._pipeline = Single(OpenComponent("yardstick", kernel, self._pre, self._post))
        self._samples = Samples(self._pre, [], seed=0)
        return dict(kernel.describe())

    def first(self) -> dict[str, Any]:
        """Run the first sample and return its nanoseconds by stage, and the types that flow between the stages."""
        pipeline = self._open_pipeline()
        batches = self._take(1)
        reads = pipeline.time(batches, time.perf_counter_ns)
        types = {}
        for name, (feeds, outputs) in pipeline.types(batches[0]).items():
            for stage, tensors in (("preprocessing", feeds), ("postprocessing", outputs)):
                types[within(name, stage) if name else stage] = _types(tensors)
        gc.collect()
        gc.freeze()  # what is there now stays; collections between slices need not look at it again
        self._stack.callback(gc.unfreeze)
        spent = durations(reads, pipeline.components)
        return {"ns": {stage: values[0] for stage, values in spent.items()}, "types": types}

    def measure(self, *, count: int) -> tuple[dict[str, Any], bytes]:
        """Time ``count`` lots of samples; return counters read before and after, and the clock reads."""
        pipeline = self._open_pipeline()
        before, cpu = time.perf_counter_ns(), time.process_time_ns()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        reads, wall = self._slices(count, lambda batches: pipeline.time(batches, time.perf_counter_ns))
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
        """Take the CPU time of all threads for ``count`` lots; a pass of its own, since its clock is slow."""
        reads, wall = self._slices(count, self._open_pipeline().time_cpu)
        return {"wall_ns": wall}, reads

    def spread(self, *, count: int) -> dict[str, Any]:
        """Keep each thread that computes on a core of its own from now on, where there are as many as cores.

        Of more cores the system chooses better: they may be large and small, or two halves of one.

        :param count: Lots of samples to compute, which shows the threads.
        :returns: ``threads``, how many compute, and ``cores``, those that they are kept on; none if it was left alone.
        """
        before = _thread_times()
        self._slices(count, lambda batches: self._open_pipeline().time(batches, time.perf_counter_ns))
        spent = {thread: after - before.get(thread, 0) for thread, after in _thread_times().items()}
        most = max(spent.values(), default=0)
        busy = [thread for thread, used in sorted(spent.items()) if used > BUSY * most]
        cores = sorted(os.sched_getaffinity(0))
        if not 1 < len(busy) == len(cores):
            return {"threads": len(busy), "cores": []}
        for thread, core in zip(busy, cores, strict=True):
            with contextlib.suppress(OSError):  # it has just ended
                os.sched_setaffinity(thread, {core})
        return {"threads": len(busy), "cores": cores}

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
        """Return the parts of a sample's time in nanoseconds, as ``lpbench.worker.breakdown`` takes it apart."""
        from lpbench.worker.breakdown import explain

        return explain(self._opened(), self._pre, self._post, list(self._samples.each(PREDICTIONS)), seconds)

    def predict(self, *, limit: int = PREDICTIONS) -> list[dict[str, Any]]:
        """Return the prediction of every sample, untimed, ready for JSON."""
        samples = list(self._open_samples().each(min(limit, PREDICTIONS)))
        found = self._open_pipeline().predictions(samples)
        described = [to_jsonable({"sample": sample.name, **each}) for sample, each in zip(samples, found, strict=True)]
        if self._draw:
            folder = Path(self._draw)
            folder.mkdir(parents=True, exist_ok=True)
            for sample, each in zip(samples, described, strict=True):
                self._pre.draw(sample, each, folder)
        return described

    def outputs(
        self, *, limit: int = PREDICTIONS, given: Sequence[str] = (), keep: str = ""
    ) -> tuple[dict[str, Any], bytes]:
        """Return everything that the first component puts out for each sample: what ``raw_outputs.unpack`` takes.

        :param given: Files of feeds to run instead of the samples.
        :param keep: A folder that gets a file of feeds for each sample.
        """
        from lpbench.worker.tensor_wire import collect

        session, samples = self._opened(), self._samples.each(0 if given else limit)
        places: dict[str, Any] = {"given": list(map(Path, given)), "keep": Path(keep) if keep else None}
        record, block = collect(session, self._pre, self._post, samples, **places)
        return to_jsonable(record), block

    def numbers(
        self, *, index: int, keep: str = "", given: Sequence[Mapping[str, Any]] = ()
    ) -> tuple[dict[str, Any], bytes]:
        """Return what every component puts out for one sample: what ``lpbench.jobs.agreement`` compares.

        :param keep: A folder that gets the feeds of each component and thing.
        :param given: Feeds that another worker kept, to run components with beside.
        """
        from lpbench.worker.intermediate import numbers

        parts, sample = components_of(self._open_pipeline()), self._open_samples().at(index)
        record, block = numbers(parts, sample, keep=Path(keep) if keep else None, given=given)
        return to_jsonable(record), block

    def expose(self, **asked: Any) -> dict[str, Any]:
        """Run a model that shows every intermediate tensor, once; the answer says which there are.

        :param asked: As ``lpbench.worker.intermediate.Exposed`` takes it.
        """
        from lpbench.worker.intermediate import Exposed

        self._exposed = Exposed(**asked)
        self._stack.callback(self._exposed.close)
        return to_jsonable(self._exposed.describe())  # type: ignore[no-any-return] # a dictionary stays one

    def tensors(self, *, names: Sequence[str]) -> tuple[dict[str, Any], bytes]:
        """Return some of the tensors of ``expose``."""
        return self._exposed.take(names)

    def judge(self, *, metrics: Sequence[str]) -> None:
        """Begin to judge predictions by metrics."""
        self._judge = QualityEvaluator(metrics, self._labels)
        self._unread: dict[str, str] = {}

    def judge_more(self, *, samples: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Judge the predictions of some files, each with what is true of it; what cannot be read is left out."""
        opened = [(self._load(Path(path)), truth) for path, truth in samples]
        read = [(sample, truth) for sample, truth in opened if sample is not None]
        found = self._open_pipeline().predictions([sample for sample, _ in read])
        self._judge.add((to_jsonable(each), truth) for each, (_, truth) in zip(found, read, strict=True))

    def _load(self, path: Path) -> Sample | None:
        try:
            return self._pre.load(path)
        except LpbenchError as error:
            self._unread[path.name] = str(error)
            return None

    def judged(self) -> dict[str, Any]:
        """Return what each metric found, and the files that could not be read."""
        return {"metrics": to_jsonable(self._judge.results()), "problems": self._unread}

    def probe(self, *, target: str, name: str) -> Any:
        """Call a plugin's probe: it loads the vendor's library and looks for devices."""
        from lpbench.plugin.specs import load

        return to_jsonable(load(target, who=name)())

    def inspect(self, *, model: str, format: str, engine: str) -> dict[str, Any]:  # noqa: A002 - the field's word
        """Open a model for a moment and return its inputs and outputs."""
        from lpbench.plugin.engine import Model

        spec = registry.current().get(registry.ENGINES, engine).spec
        with engine_opener(spec, Model(format, Path(model)), {})(shapes={}) as session:
            return {
                "inputs": to_jsonable([dataclasses.asdict(each) for each in session.inputs]),
                "outputs": to_jsonable([dataclasses.asdict(each) for each in session.outputs]),
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

    def _opener(self, component: Component, app: App, configuration: EngineConfiguration) -> Opener:
        """Import and build all that opening needs, so that only opening is timed."""
        if self._engine is not None:
            model = component.models[0]
            opens = functools.partial(self._engine.open, model, self._engine_config)
            return Opener(component, app, model, opens, configuration)
        spec = registry.current().get(registry.ENGINES, configuration.engine).spec
        for variable, value in spec.environment.items():  # a worker has them already; in the caller's process too
            os.environ.setdefault(variable, value)
        model = choose_model(component, spec, batch=configuration.batch)
        return Opener(component, app, model, engine_opener(spec, model, configuration.engine_options), configuration)

    def _slices(self, count: int, measure: Callable[[Sequence[Any]], array[int]]) -> tuple[bytes, int]:
        """Time lots that are decoded ahead; return the reads and the wall time inside the region."""
        blocks: list[bytes] = []
        wall = 0
        while count > 0:
            batches = self._take(count)
            begun = time.perf_counter_ns()
            reads = measure(batches)
            wall += time.perf_counter_ns() - begun
            if sys.byteorder == "big":  # the wire is little-endian
                reads.byteswap()
            blocks.append(reads.tobytes())
            count -= len(batches)
        return b"".join(blocks), wall

    def _take(self, count: int) -> Sequence[Any]:
        batch = self._open_pipeline().batch
        return self._samples.take(count) if batch == 1 else self._samples.batches(count, batch)

    def _open_samples(self) -> Samples:
        self._opened()
        return self._samples

    def _open_pipeline(self) -> Pipeline:
        self._opened()
        return self._pipeline

    def _opened(self) -> Session:
        if self._session is None:
            raise EngineError("nothing is open")
        return self._session


def _thread_times() -> dict[int, int]:
    """Return the nanoseconds that each thread of this process has run; none where the system does not tell."""
    found = {}
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError, ValueError):  # it has just ended
            found[int(path.parent.name)] = int(path.read_text(encoding="ascii").split()[0])
    return found


def _types(tensors: Mapping[str, Any]) -> str:
    """Return the glossary's words for the types of some tensors."""
    names = {str(getattr(each, "dtype", type(each).__name__)) for each in tensors.values()}
    return "/".join(sorted(DTYPES.get(name, name) for name in names))
