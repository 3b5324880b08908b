"""Why an engine fails, or why there is no verdict on it, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.jobs.agreement._agreed import COMPARED
from lpbench.util.text import amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lpbench.app.model import App
    from lpbench.errors import LpbenchError
    from lpbench.jobs.agreement._agreed import EngineAgreement
    from lpbench.jobs.agreement._tally import Array, ArraySummary, Tally
    from lpbench.plugin.engine import TensorInfo

AGAIN = "the model does not repeat itself: run twice on one sample, the reference gives different values"
WHY = "it has random operators or keeps a state"
TENSORS = "tensors"
"""The preprocessor that makes whole tensors up."""
WHOLE = ("int", "uint", "bool")
"""How numpy's names of types begin that are zeros where no range is given."""
ITEMS = ""
"""In place of an array's name: the items that a component processes."""


def failure(state: str, tally: Tally, values: Sequence[ArraySummary], *, chain: bool) -> str:
    """Return why an engine fails, or an empty text."""
    if state != COMPARED:
        return state
    for part, count in tally.miscounts.items():
        if (part, ITEMS) not in tally.unrepeated:
            found = f"{amount(count, 'object')} {'was' if count == 1 else 'were'} found"
            return f"{part}: {found} by only one of the two engines"
    for array in values:
        if array.reason:
            reason = f"{array.reason} ({array.worst}; in {array.failed} of {array.of} samples)"
            return f"{_name(array.component, array.name, chain=chain)}: {reason}"
    return ""


def no_verdict(tally: Tally, values: Sequence[ArraySummary], *, chain: bool) -> str:
    """Return why an engine that does not fail has not been compared, or an empty text."""
    if not tally.samples:
        return "no sample could be compared"
    for (part, name), reason in tally.unrepeated.items():
        if name == ITEMS or (part, name) in {(array.component, array.name) for array in values}:
            return f"{_name(part, name, chain=chain)}: {reason}"
    for array in values:
        if array.incomparable:
            return f"{_name(array.component, array.name, chain=chain)}: {array.incomparable}"
    if not any(array.count for array in values):
        return "every array is empty, so nothing could be compared" if values else "the app has nothing to be compared"
    return ""


def unrepeated(twice: Tally) -> Mapping[Array, str]:
    """Return the arrays that differ between two runs of one sample on the reference, with the reason.

    :param twice: The second run beside the first.
    """
    arrays = {
        (array.component, array.name): f"{AGAIN} ({array.reason}): {WHY}"
        for array in (*twice.values(), *twice.outputs())
        if array.reason
    }
    items = {
        (part, ITEMS): f"{AGAIN}, and finds other objects ({count} only once): {WHY}"
        for part, count in twice.miscounts.items()
    }
    return {**items, **arrays}


def unvisited(app: App, rows: Iterable[EngineAgreement]) -> tuple[str, ...]:
    """Return a note on each component of a chain that had nothing to process on any engine that was compared."""
    compared = [row for row in rows if row.compared and row.samples]
    seen = {array.component for row in compared for array in row.values}
    missing = [component.name for component in app.components if component.name not in seen] if compared else []
    return tuple(f'component "{name}" was not compared: no sample gave it anything to process' for name in missing)


def zeros(app: App, inputs: Iterable[TensorInfo]) -> tuple[str, ...]:
    """Return a note on synthetic inputs of whole numbers: without a range they are zeros, which show little.

    :param inputs: Of the reference's session.
    """
    step = app.components[0].preprocessing
    given = step.config.get("ranges", {})
    names = [each.name for each in inputs if each.dtype.startswith(WHOLE) and each.name not in given]
    if step.type != TENSORS or not names:
        return ()
    quoted = ", ".join(f'"{name}"' for name in names)
    return (f"synthetic values of {quoted} are 0 everywhere, which shows little: give a range, or samples",)


def in_one_line(error: LpbenchError) -> str:
    """Return an error with its place and its remedy in one line."""
    place = f"{error.where}: " if error.where else ""
    return "; ".join(filter(None, (f"{place}{error.what}", error.hint)))


def _name(component: str, name: str, *, chain: bool) -> str:
    return ", ".join(filter(None, (component if chain or not name else "", name)))
