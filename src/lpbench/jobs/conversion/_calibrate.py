"""The samples with which a converter measures the ranges of values: as the app's preprocessor makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.jobs.conversion._check import keep_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lpbench.jobs.conversion._job import Job

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
    """Return the files to calibrate with, evenly spread over those there are, since classes may lie in order.

    Only the first component of an app gets samples: what the others get, earlier ones find.
    """
    check, files = job.check, job.order.data or job.check.app.samples
    if check.component is not check.app.components[0]:
        return []
    count = min(job.order.samples, len(files))
    return [files[at * len(files) // count] for at in range(count)]


def keep_feeds(job: Job, folder: Path) -> Calibration:
    """Write what the preprocessor makes of the samples into a folder; without any, of synthetic ones.

    :raises LpbenchError: No sample can be used.
    """
    samples = samples_of(job)
    files = keep_inputs(job.check, samples, folder)
    names = {info.alias: info.name for info in job.source.inputs if info.alias}
    return Calibration(files, names, {"samples" if samples else "synthetic": len(files)})
