"""The samples with which a converter measures the ranges of values: as the app's preprocessor makes them.

Of a chain, a later component gets what the components before it find in the app's samples.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.app.default_engine import default_engine
from lpbench.app.model_choice import choose_model, reference
from lpbench.jobs.conversion._check import RUN_TIMEOUT, keep_inputs
from lpbench.plugin.configuration import EngineConfiguration
from lpbench.worker.client import Worker, WorkerOptions
from lpbench.worker.requests import CollectNumbers, OpenRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lpbench.app.model import Component
    from lpbench.jobs.conversion._job import Job
    from lpbench.plugin.engine import Model

CALIBRATING = "preparing samples"
"""Phase, as progress tells it."""


@dataclass(frozen=True)
class Calibration:
    """Inputs of a model in files.

    :param files: One of each sample, as ``lpbench.worker.tensor_wire`` writes them.
    :param names: The source's names of inputs that the app calls otherwise.
    :param counts: How many are of samples, and how many are made up, as the schema of apps has it.
    """

    files: Sequence[Path]
    names: Mapping[str, str]
    counts: Mapping[str, int]

    def request(self) -> dict[str, Any]:
        """Return what the converter's process is told."""
        return {"calibration": list(map(str, self.files)), "names": dict(self.names)}


def samples_of(job: Job) -> list[Path]:
    """Return the files to calibrate with, evenly spread over those there are, since classes may lie in order."""
    files = job.order.data or job.check.app.samples
    count = min(job.order.samples, len(files))
    return [files[at * len(files) // count] for at in range(count)]


def keep_feeds(job: Job, folder: Path) -> Calibration:
    """Write what the preprocessor makes of the samples into a folder; without any, of synthetic ones.

    :param folder: It does not exist yet.
    :raises LpbenchError: No sample can be used.
    """
    check, samples = job.check, samples_of(job)
    later = check.component is not check.app.components[0]
    files = _found_inputs(job, samples, folder / "found") if later and samples else []
    given = bool(files) or (bool(samples) and not later)
    files = files or keep_inputs(check, [] if later else samples, folder / "made")
    names = {info.alias: info.name for info in job.source.inputs if info.alias}
    return Calibration(files, names, {"samples" if given else "synthetic": len(files)})


def _found_inputs(job: Job, samples: Sequence[Path], folder: Path) -> list[Path]:
    """Write what the components before this one find for it in the samples, and return the files, at most so many."""
    check, files = job.check, list[Path]()
    before = check.app.components[: check.app.components.index(check.component)]
    specs = {each.name: default_engine(each).spec for each in before}
    parts = [_with_model(each, choose_model(each, specs[each.name])) for each in before]
    specs[check.component.name] = reference(check.source.format, named=check.component.engine)
    app = dataclasses.replace(check.app, components=(*parts, _with_model(check.component, check.source)))
    how = {name: EngineConfiguration.of(spec.name, spec.reference or {}) for name, spec in specs.items()}
    environment = {name: value for spec in specs.values() for name, value in spec.environment.items()}
    with Worker(WorkerOptions(environment=environment, timeout=RUN_TIMEOUT)) as worker:
        paths = tuple(map(str, samples))
        worker.request(OpenRequest(app.request(), how[before[0].name], others=how, samples=paths))
        for at in range(len(samples)):
            place = folder / f"{at:06}"
            place.mkdir(parents=True)
            visits = worker.request(CollectNumbers(at, keep=str(place))).visits
            files += [Path(visit["feeds"]) for visit in visits if visit["part"] == check.component.name]
            if len(files) >= job.order.samples:
                break
    return files[: job.order.samples]


def _with_model(component: Component, model: Model) -> Component:
    """Return a component with one model, which every choice then takes."""
    return dataclasses.replace(component, models=(dataclasses.replace(model, variant=""),))
