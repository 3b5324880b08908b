"""Checks of what is said without the library: the hook module, the spec, availability, the probe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from lpbench.plugin import specs
from lpbench.testing._checks import NotApplicable, require

if TYPE_CHECKING:
    from lpbench.testing._subject import EngineSubject, Subject

    Any_ = Subject[Any, Any]

LIST = """
import importlib, json, sys
from lpbench.plugin import registry
before = set(sys.modules)
found = registry.Registry()
found.add("it", importlib.import_module({module!r}))
for kind in registry.KINDS:
    found.all(kind)
print(json.dumps(sorted(set(sys.modules) - before)))
"""
HIDE = """
import importlib, json, sys
for name in {hidden!r}:
    sys.modules[name] = None
from lpbench.plugin import registry
found = registry.Registry()
found.add("it", importlib.import_module({module!r}))
(kind,) = [kind for kind in registry.KINDS if kind.word == {kind!r}]
answer = found.all(kind)[{name!r}].spec.availability()
print(json.dumps([answer.state.value, answer.reason, answer.hint]))
"""
LIGHT = frozenset({"lpbench", "pluggy", "typing_extensions"})


def plugin_registers_cleanly(subject: Any_) -> None:
    """Every hook of the plugin is known and works, and no other plugin has its names."""
    found = subject.failures()
    require(not found and not subject.offer.clash, "; ".join(found) or subject.offer.clash)


def listing_imports_nothing_heavy(subject: Any_) -> None:
    """The hook module imports neither the library nor numpy nor the implementation."""
    imported = _python(LIST.format(module=subject.module))
    own = subject.module.partition(".")[0]
    paths = [subject.spec.target, getattr(subject.spec, "probe", ""), getattr(subject.spec, "case", "")]
    late = {path.partition(":")[0] for path in paths} - {subject.module}
    foreign = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names - LIGHT - {own}
    heavy = sorted(foreign | late.intersection(imported))
    require(not heavy, f"listing imports {', '.join(heavy)}; import it where it is used")


def spec_is_complete(subject: Any_) -> None:
    """The spec has a summary in one line and an import path, and its names and endings are lower case."""
    spec = subject.spec
    require(spec.summary and "\n" not in spec.summary, "the spec has no summary of one line")
    require(":" in spec.target, f'the target "{spec.target}" is no "module:attribute"')
    names = [spec.name, *getattr(spec, "aliases", ())]
    wrong = [name for name in names if name != name.lower() or " " in name]
    require(not wrong, f"names are lower case, joined by -: {', '.join(wrong)}")
    wrong = [each for each in _endings(spec) if not each.startswith(".") or each != each.lower()]
    require(not wrong, f"file endings are lower case with the dot: {', '.join(wrong)}")


def formats_are_stated(subject: EngineSubject) -> None:
    """The spec names the model formats that the engine reads, each with its file endings."""
    require(subject.spec.formats, "the spec names no model format")
    empty = [name for name, endings in subject.spec.formats.items() if not endings]
    require(not empty, f"no file ending for {', '.join(empty)}")


def missing_library_is_told(subject: Any_) -> None:
    """Where the library is not installed, the listing says what is missing and how to install it."""
    names = [name for each in subject.spec.requires for name in each.split("|")]
    if not names:
        raise NotApplicable("it requires no library")
    code = HIDE.format(hidden=names, module=subject.module, kind=subject.kind.word, name=subject.spec.name)
    state, reason, hint = _python(code)
    require(state != specs.State.READY.value, f"it calls itself ready without {', '.join(names)}")
    require(any(name in reason for name in names), f'the reason names none of {", ".join(names)}: "{reason}"')
    require(hint, "there is no hint how to install it")


def probe_returns_facts(subject: EngineSubject) -> None:
    """The probe returns the version, usable devices by name and unusable ones with the reason, as JSON carries it."""
    spec = subject.spec
    if not spec.probe:
        raise NotApplicable("the spec names no probe")
    subject.case  # noqa: B018 - not applicable where the library is not there
    found = specs.load(spec.probe, who=spec.name)()
    require(isinstance(found, dict), f"the probe returned {type(found).__name__}; expected a dict")
    _require_json(found)
    require(isinstance(found.get("version"), str), 'the probe returned no "version"')
    require(_texts(found.get("devices")), 'the probe returned no list of names as "devices"')
    unusable = found.get("unusable", {})
    require(isinstance(unusable, dict) and all(unusable.values()), '"unusable" is no mapping of devices to reasons')


def _texts(found: object) -> bool:
    return isinstance(found, (list, tuple)) and all(isinstance(each, str) for each in found)


def _require_json(found: Any) -> None:
    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        require(condition=False, what=f"it is no JSON: {error}")


def _endings(spec: specs.Spec) -> list[str]:
    if isinstance(spec, specs.EngineSpec):
        return [each for endings in spec.formats.values() for each in endings]
    return list(getattr(spec, "suffixes", ()))


def _python(code: str) -> Any:
    """Run a program in a new interpreter and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ}, capture_output=True, text=True, check=False, timeout=120
    )
    said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
    require(done.returncode == 0, f"the hook module fails where the library is not there: {said}")
    return json.loads(done.stdout.splitlines()[-1])
