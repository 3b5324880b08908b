"""The shares of the roof that the configurations of a result reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench import machine
from lpbench.errors import LpbenchError, ResultError
from lpbench.jobs.roofline._probe import kept_roof, roofline
from lpbench.jobs.roofline._share import shares
from lpbench.machine.roofline import Roof, ThreadRoof
from lpbench.util.arguments import checked
from lpbench.util.shown import several
from lpbench.util.text import amount, first_line
from lpbench.util.unavailable import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lpbench.jobs.analysis import AnalysisReport
    from lpbench.jobs.roofline._values import RooflineShares
    from lpbench.results.model import Configuration, Result


@checked
def roof_shares(
    result: Result,
    report: AnalysisReport,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Mapping[str, RooflineShares | Unavailable]:
    """Return how near each configuration of a result came to the roof of its threads, or why that cannot be said.

    The roof of this machine is measured where it is not known yet.

    :param report: What ``lpbench.analyze`` returns for the same app and shapes; a model costs the same in all formats.
    :param progress: Called with what is being done.
    :raises ResultError: The result is of another app.
    """
    if result.app.get("name") != report.app:
        raise ResultError(f'the result is of the app "{result.app.get("name")}", the analysis of "{report.app}"')
    found: dict[str, RooflineShares | Unavailable] = {}
    for name, configuration in result.by_name().items():
        roof = _refusal(configuration, report) or roof_of(result, configuration, progress)
        one = roof if isinstance(roof, Unavailable) else shares(configuration, report.models[0].analysis, roof, name)
        found[name] = one
    return found


def _refusal(configuration: Configuration, report: AnalysisReport) -> Unavailable | None:
    """Return why a configuration has no share of any roof."""
    if len(report.models) + len(report.missing) > 1:
        return Unavailable("the app is a chain, whose components run as often as a sample needs", "not-comparable")
    if not configuration.measured:
        return Unavailable(f"it was not measured: {first_line(configuration.state)}", "not-read")
    ran = configuration.configuration.variant
    if ran != report.models[0].variant:
        what = f"it ran the variant {ran}" if ran else "it ran the app's own model"
        return Unavailable(f"{what}, which was not analysed", "not-comparable")
    return None


def roof_of(
    result: Result, configuration: Configuration, progress: Callable[[str], None] = lambda _: None
) -> ThreadRoof | Unavailable:
    """Return the roof under which a configuration ran; this machine's is measured where it is not known yet."""
    threads = _threads(configuration, result.environment)
    if isinstance(threads, Unavailable):
        return threads
    known = kept_roof(result.environment)
    found = known.at(threads) if isinstance(known, Roof) else known
    if isinstance(found, ThreadRoof):
        return found
    here = machine.environment()
    if (result.environment.get("hashes") or {}).get("machine") != here["hashes"]["machine"]:
        return _elsewhere(result.environment, here, threads)
    try:
        return roofline(threads=[threads], progress=progress).at(threads)
    except LpbenchError as error:  # as fewer cores are allowed now than then
        return Unavailable(f"the roof of {amount(threads, 'thread')}: {error.what}", "failed", error.hint)


def _elsewhere(there: Mapping[str, Any], here: Mapping[str, Any], threads: int) -> Unavailable:
    """Return why a result of another machine has no roof, with what tells that machine from this one."""
    facts = there.get("machine") or {}
    named = " with ".join(str(value) for name in ("platform", "cpu_model") if (value := machine.value_of(facts, name)))
    other = several(list(machine.differing(there, here)))
    which = f"another machine, {named}, whose" if named else "another machine, whose"
    why = f"it ran with {amount(threads, 'thread')} on {which} roof is not known here (different: {other})"
    return Unavailable(why, "other-machine", "ask on that machine, with this result's file")


def _threads(configuration: Configuration, there: Mapping[str, Any]) -> int | Unavailable:
    """Return how many threads computed at the same time: no more than there were cores for the run.

    :param there: The environment of the run, whichever machine it was.
    """
    threads = configuration.facts.get("threads")
    if not isinstance(threads, int) or threads < 1:
        return Unavailable("its engine does not tell its threads", "not-read")
    asked = configuration.configuration
    affinity = asked.affinity or machine.value_of(there.get("subject") or {}, "affinity")
    cores = len(affinity) if affinity else machine.value_of(there.get("machine") or {}, "cores")
    return min(threads * asked.streams, cores or threads * asked.streams)
