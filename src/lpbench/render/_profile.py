"""Layers by kind, from the pass that ``--profile`` adds: their times, their shares, and what is outside of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.render._numbers import ABSENT, percent
from lpbench.render._table import Column, hanging, narrow, unstyled
from lpbench.render._units import Unit
from lpbench.results.metrics import MILLISECOND
from lpbench.util.text import amount, clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpbench.render._table import Paint
    from lpbench.results.model import Configuration
    from lpbench.results.profile import LayerProfile

OUTSIDE, WHOLE = "outside of layers", "inference, profiled"
SHORT = 1e5
"""Nanoseconds below which an inference is shown in microseconds."""
MOST_KINDS = 10
"""Kinds that are shown: no fewer than there are, but a result of others may hold any number."""
SLOWEST = 10
"""Layers that are shown one by one."""


def layer_lines(configuration: Configuration, *, width: int, verbose: bool, paint: Paint = unstyled) -> list[str]:
    """Return the tables of a configuration's components and their notes; nothing without ``--profile``.

    :param verbose: Whether the slowest layers follow.
    """
    return [
        line
        for profile in configuration.profile
        for line in ("", *_component(profile, width=width, verbose=verbose, paint=paint))
    ][1:]


def kinds_table(profile: LayerProfile) -> tuple[list[Column], list[list[str]]]:
    """Return the columns and a row for each kind of layers, with what is outside of them and the whole last."""
    unit, single = unit_of(profile), all(kind.median_ns is not None for kind in profile.kinds)
    title = f"layers of {profile.component}" if profile.component else "layers by kind"
    time = f"{'median' if single else 'mean'} {unit.name}"
    columns = [Column(clean(title), left=True), Column(time), Column("share"), Column("layers")]
    if not profile.kinds:
        return columns, []
    shown = [
        (kind.name, kind.median_ns if single else kind.ns, kind.ns, str(kind.layers))
        for kind in profile.kinds[:MOST_KINDS]
    ]
    outside = profile.outside_median_ns if single else profile.outside_ns
    whole = profile.median_ns if single else profile.inference_ns
    count = str(sum(kind.layers for kind in profile.kinds))
    ends = [(OUTSIDE, outside, profile.outside_ns, ""), (WHOLE, whole, profile.inference_ns, count)]
    return columns, [
        [clean(name), unit.show(time), percent(profile.share(mean)) if profile.inference_ns else ABSENT, layers]
        for name, time, mean, layers in (*shown, *ends)
    ]


def slowest_table(profile: LayerProfile) -> tuple[list[Column], list[list[str]]]:
    """Return the columns and a row for each of the slowest layers."""
    unit = unit_of(profile)
    slowest = sorted(profile.layers, key=lambda layer: -layer.ns)[:SLOWEST]
    columns = [
        Column("slowest layers", left=True),
        Column("type", left=True),
        Column("kind", left=True),
        Column(f"mean {unit.name}"),
        Column("share"),
        Column("calls"),
    ]
    rows = [
        [clean(layer.name), clean(layer.type), clean(layer.kind), unit.show(layer.ns), percent(profile.share(layer.ns))]
        for layer in slowest
    ]
    return columns, [[*row, f"{layer.count:g}"] for row, layer in zip(rows, slowest, strict=True)]


def profile_notes(profile: LayerProfile) -> list[str]:
    """Return what is to be said about a profile: why there is none, what it rests on, and the device's spans."""
    called, unit = f" of {profile.component}" if profile.component else "", unit_of(profile)
    notes = [f"no profile{called}: {profile.reason}"] if profile.reason else []
    if profile.kinds:
        notes.append(
            f"{amount(profile.runs, 'run')} of a session that is slower as it profiles itself; it is not timed above"
        )
        if profile.outside_ns < 0:
            more = percent(profile.share(profile.layers_ns))
            notes.append(f"the layers add up to {more} of the inference: some ran at the same time")
    if profile.left_out:
        left = f"{unit.show(profile.left_out_ns)} {unit.name}"
        notes.append(f"{amount(profile.left_out, 'layer')} of {left} together are not kept one by one")
    if profile.device_spans:
        spans = ", ".join(f"{name} {unit.show(ns)} {unit.name}" for name, ns in profile.device_spans.items())
        notes.append(f"on the device{called}, a part of the inference: {spans}")
    return [clean(note) for note in notes]


def unit_of(profile: LayerProfile) -> Unit:
    """Return milliseconds, or microseconds of a short inference."""
    return Unit("µs", 1e3) if profile.inference_ns < SHORT else Unit("ms", MILLISECOND)


def _component(profile: LayerProfile, *, width: int, verbose: bool, paint: Paint) -> list[str]:
    lines = _table(*kinds_table(profile), width, paint)
    for note in profile_notes(profile):
        lines += [paint(line, "dim") for line in hanging(note, width, 0)]
    if verbose and profile.layers:
        lines += ["", *_table(*slowest_table(profile), width, paint)]
    return lines


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int, paint: Paint) -> list[str]:
    if not rows:
        return []
    header, *lines = narrow(columns, rows, width)
    return [paint(header, "dim"), *lines]
