"""The memory of each stage, from the kernel's high-water mark: in a pass that times nothing."""

from __future__ import annotations

import contextlib
import ctypes
from typing import TYPE_CHECKING, Any

from lpbench.machine.process_memory import memory, reset_peak
from lpbench.results.stages import STAGES, within
from lpbench.worker.requests.timing import StagePeak

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpbench.worker.pipeline import Batch, OpenComponent


class StageMeter:
    """Keeps the highest marks of each stage over several samples."""

    def __init__(self) -> None:
        self.peaks: dict[str, StagePeak] = {}
        self._trim = _trimmer()

    def run(self, stage: str, call: Callable[..., Any], *given: Any) -> Any:
        """Call a stage and note the memory's high-water mark meanwhile."""
        # What earlier stages have freed goes back to the system first: this stage would use it again unseen.
        self._trim()
        reset_peak()
        before = memory()["rss_bytes"]
        answer = call(*given)
        peak = memory()["peak_bytes"]
        known = self.peaks.get(stage, StagePeak(0, 0))
        increase = max(0, peak - before)
        self.peaks[stage] = StagePeak(max(known.peak_bytes, peak), max(known.increase_bytes, increase))
        return answer


def measure(components: Sequence[OpenComponent], batches: Sequence[Batch], *, chain: bool) -> dict[str, StagePeak]:
    """Return the memory of each stage; those of a chain have their component's name before them."""
    meter = StageMeter()
    for batch in batches:
        items = [(batch, None)]
        for at, part in enumerate(components):
            names = [within(part.name, stage) if chain else stage for stage in STAGES]
            items = [done for each in items for done in _component(meter, names, part, each, first=at == 0)]
    return meter.peaks


def _component(
    meter: StageMeter, names: Sequence[str], part: OpenComponent, parent: tuple[Any, Any], *, first: bool
) -> list[tuple[Any, Any]]:
    """Run one component on the items of its parent; return them with their predictions."""
    sample, prediction = parent
    pre, inference, post = names
    items = [sample] if first else list(meter.run(pre, part.pre.items, sample, prediction))
    done = []
    for item in items:
        feeds = meter.run(pre, part.pre, item)
        outputs = meter.run(inference, part.session.run, feeds)
        done.append((item, meter.run(post, part.post, outputs, item)))
    return done


def resets() -> bool:
    """Return whether the high-water mark can be reset here: where not, it is that of the whole life of the process."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii"):  # noqa: PTH123 - nothing is written
            return True
    except OSError:
        return False


def _trimmer() -> Callable[[], object]:
    """Return glibc's malloc_trim(3), or a call that does nothing where there is none."""
    with contextlib.suppress(OSError, AttributeError):
        trim = ctypes.CDLL(None).malloc_trim
        return lambda: trim(0)
    return lambda: None
