"""Results of version 1 as documents of version 2.

Version 1 said in words how a run ended, kept a part of the settings and none of the reasons' codes.  What it did not
say has the settings' defaults, and codes that say nothing more.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from lpbench.errors import ResultError
from lpbench.results.names import numbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATE = re.compile(
    r"(?P<word>OK|interrupted|failed|crashed|killed|ended|hung|broke the protocol)"
    r"(?:: (?P<rest>.*?))?(?: while (?P<phase>[^:\n]+))?(?:: (?P<more>.*))?",
    re.DOTALL,
)
KINDS = {"OK": "ok", "ended": "exited", "broke the protocol": "protocol"}
"""Words of version 1 that are not the kind itself."""
SEVERAL = re.compile(r"\d+ of \d+ runs ")
LONGEST = 500
"""Characters of such words: what a file holds is not trusted, and the pattern above takes their square."""
NOT_READY = re.compile(r'engine "[^"]*" is not ready: ')


def to_version_2(document: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """Return a document of version 1 as one of version 2.

    :param where: The file, for errors.
    :raises ResultError: A part is missing, so that it is none of version 1 either.
    """
    try:
        return _document(document)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"[:LONGEST]
        raise ResultError(f"not a result of version 1: {what}", where=where) from error


def _document(document: Mapping[str, Any]) -> dict[str, Any]:
    old, configurations = document["settings"], document["configurations"]
    labels = _labels(configurations)
    return {
        **document,
        "version": 2,
        "settings": _settings(old, configurations),
        "resolved": {
            "runs": old.get("runs", 0),
            "width": old.get("width", 0.01),
            "max_time_s": old.get("max_time_s", 0.0),
            "samples": old.get("samples", []),
        },
        "configurations": [
            _configuration(each, label, old) for each, label in zip(configurations, labels, strict=True)
        ],
    }


def _settings(old: Mapping[str, Any], configurations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what version 1 kept of what was asked for."""
    names = ("number", "seed", "batch", "streams", "shapes", "priority")
    kept = {name: old[name] for name in names if old.get(name) is not None}
    return {**kept, "engine": [each["asked"] for each in configurations]}


def _labels(configurations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each engine with its options, numbered where two are the same."""
    engines = [each["engine"] for each in configurations]
    words = [":".join([each["engine"], *_pairs(each["options"])]) for each in configurations]
    count = Counter(engines)
    return numbered(word if count[engine] > 1 else engine for word, engine in zip(words, engines, strict=True))


def _pairs(options: Mapping[str, Any]) -> list[str]:
    return [f"{name}={value}" for name, value in options.items()]


def _configuration(old: Mapping[str, Any], label: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    options = dict(old["options"])
    configuration = {
        "engine": old["engine"],
        "device": options.pop("device") if isinstance(options.get("device"), str) else None,
        "threads": options.pop("threads") if isinstance(options.get("threads"), int) else None,
        "options": options,
        **{name: settings[name] for name in ("shapes", "batch", "streams", "affinity") if name in settings},
    }
    kept = {name: value for name, value in old.items() if name not in {"engine", "options", "state"}}
    return {
        **kept,
        "configuration": configuration,
        "label": label,
        "outcome": outcome(old["state"]),
        "runs": [_run(each) for each in old["runs"]],
        "metrics": {name: _coded(each) for name, each in old["metrics"].items()},
        **{name: _summaries(old[name]) for name in ("statistics", "cpu")},
    }


def _run(old: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in old.items() if name not in {"state", "parts"}}
    summaries = {name: _summaries(old[name]) for name in ("statistics", "cpu")}
    return {**kept, **summaries, "outcome": outcome(old["state"]), "breakdown": old["parts"]}


def outcome(state: str) -> dict[str, str]:
    """Return how a run ended from the words of version 1."""
    words = SEVERAL.sub("", state, count=1)
    if words.startswith("failed: "):
        return _failed(words.partition(": ")[2])
    found = STATE.fullmatch(words) if len(words) <= LONGEST else None
    if not found:
        return {"kind": "failed", "phase": "", "signal": "", "detail": words}
    word, rest = found["word"], found["rest"] or found["more"] or ""
    signalled = word in {"crashed", "killed"}
    return {
        "kind": KINDS.get(word, word),
        "phase": found["phase"] or "",
        "signal": rest if signalled else "",
        "detail": "" if signalled else rest,
    }


def _failed(error: str) -> dict[str, str]:
    """Return the outcome of an error, whose text may contain anything, colons included."""
    detail = NOT_READY.sub("", error, count=1)
    return {"kind": "failed" if detail == error else "unavailable", "phase": "", "signal": "", "detail": detail}


def _coded(metric: Mapping[str, Any]) -> dict[str, Any]:
    """Return a metric with codes for its reasons, where it has reasons."""
    codes = {"code": metric["reason"], "interval_code": metric["interval_reason"]}
    return {**metric, **{name: "unavailable" if reason else "" for name, reason in codes.items()}}


def _summaries(old: Mapping[str, Any]) -> dict[str, Any]:
    return {stage: {**each, "reasons": _reasons(each["reasons"])} for stage, each in old.items()}


def _reasons(old: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"reason": reason, "code": "unavailable"} for name, reason in old.items()}
