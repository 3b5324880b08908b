"""Checks that work without the library: hook module, spec, availability and probe."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from lpbench.plugin import specs
from lpbench.testing._checks import NotApplicable, require
from lpbench.util import processes

if TYPE_CHECKING:
    from lpbench.testing._subject import EngineSubject, Subject

    Any_ = Subject[Any, Any]

LIST = """
import importlib, json, sys
from lpbench.plugin import registry
before = set(sys.modules)
plugins = registry.Registry()
plugins.add("it", importlib.import_module({module!r}))
for kind in registry.KINDS:
    plugins.all(kind)
print(json.dumps(sorted(set(sys.modules) - before)))
"""
HIDE = """
import importlib, json, sys
for name in {hidden!r}:
    sys.modules[name] = None
from lpbench.plugin import registry
plugins = registry.Registry()
plugins.add("it", importlib.import_module({module!r}))
(kind,) = [kind for kind in registry.KINDS if kind.word == {kind!r}]
availability = plugins.all(kind)[{name!r}].spec.availability()
print(json.dumps([availability.state.value, availability.reason, availability.hint]))
"""
LIGHT = frozenset({"lpbench", "pluggy", "typing_extensions"})


def plugin_registers_cleanly(subject: Any_) -> None:
    """Every hook of the plugin is known and runs without errors, and no other plugin uses its names."""
    failures = subject.failures()
    require(not failures and not subject.offer.clash, "; ".join(failures) or subject.offer.clash)


def listing_imports_nothing_heavy(subject: Any_) -> None:
    """Importing the hook module imports neither the library, nor numpy, nor the implementation."""
    imported = in_python(LIST.format(module=subject.module))
    own = subject.module.partition(".")[0]
    named = (getattr(subject.spec, name, "") for name in ("probe", "case", "guess", "operators"))
    paths = [subject.spec.target, *named]
    late = {path.partition(":")[0] for path in paths} - {subject.module}
    foreign = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names - LIGHT - {own}
    heavy = sorted(foreign | late.intersection(imported))
    require(not heavy, f"listing imports {', '.join(heavy)}; import it where it is used")


def spec_is_complete(subject: Any_) -> None:
    """The spec has a one-line summary and an import path; its names and file endings are lower case."""
    spec = subject.spec
    require(spec.summary and "\n" not in spec.summary, "the spec has no one-line summary")
    require(":" in spec.target, f'the target "{spec.target}" is not of the form "module:attribute"')
    names = [spec.name, *getattr(spec, "aliases", ())]
    wrong = [name for name in names if name != name.lower() or " " in name]
    require(not wrong, f"names must be lower case, with - between words: {', '.join(wrong)}")
    wrong = [ending for ending in _endings(spec) if not ending.startswith(".") or ending != ending.lower()]
    require(not wrong, f"file endings must be lower case and begin with a dot: {', '.join(wrong)}")


def formats_are_stated(subject: EngineSubject) -> None:
    """The spec states the model formats that the engine reads, each with its file endings."""
    require(subject.spec.formats, "the spec names no model format")
    empty = [name for name, endings in subject.spec.formats.items() if not endings]
    require(not empty, f"the spec gives no file ending for {', '.join(empty)}")


def missing_library_is_told(subject: Any_) -> None:
    """If the library is not installed, the listing names what is missing and how to install it."""
    names = [name for requirement in subject.spec.requires for name in requirement.split("|")]
    if not names:
        raise NotApplicable("the plugin requires no library")
    code = HIDE.format(hidden=names, module=subject.module, kind=subject.kind.word, name=subject.spec.name)
    state, reason, hint = in_python(code)
    require(state != specs.State.READY.value, f"the listing reports it as ready without {', '.join(names)}")
    require(any(name in reason for name in names), f'the reason does not name {" or ".join(names)}: "{reason}"')
    require(hint, "the listing gives no hint how to install the library")


def probe_returns_facts(subject: EngineSubject) -> None:
    """The probe returns the version, usable devices and unusable ones with the reason, as values valid in JSON."""
    spec = subject.spec
    if not spec.probe:
        raise NotApplicable("the spec names no probe")
    subject.case  # noqa: B018 - not ready if the library is not installed
    facts = specs.load(spec.probe, who=spec.name)()
    require(isinstance(facts, dict), f"the probe returned {type(facts).__name__}; expected a dict")
    _require_json(facts)
    require(isinstance(facts.get("version"), str), 'the probe returned no "version"')
    require(_texts(facts.get("devices")), 'the probe returned no list of names as "devices"')
    unusable = facts.get("unusable", {})
    require(isinstance(unusable, dict) and all(unusable.values()), '"unusable" is not a mapping of devices to reasons')


def probe_tells_remedies(subject: EngineSubject) -> None:
    """The probe's hint, and the hint for each unusable device, is text that is not empty; it may give none."""
    if not subject.spec.probe:
        raise NotApplicable("the spec names no probe")
    subject.case  # noqa: B018 - not ready if the library is not installed
    facts = specs.load(subject.spec.probe, who=subject.spec.name)()
    hint, hints, unusable = facts.get("hint", "text"), facts.get("hints", {}), facts.get("unusable", {})
    require(isinstance(hint, str) and hint, '"hint" is not a text that says what helps')
    texts = isinstance(hints, dict) and all(isinstance(each, str) and each for each in hints.values())
    require(texts, '"hints" is not a mapping of devices to texts that say what helps')
    strange = sorted(set(hints) - set(unusable))
    require(not strange, f'"hints" has devices that "unusable" does not have: {", ".join(map(str, strange))}')


def _texts(values: object) -> bool:
    return isinstance(values, (list, tuple)) and all(isinstance(value, str) for value in values)


def _require_json(facts: Any) -> None:
    try:
        json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        require(condition=False, what=f"the probe's result is not valid JSON: {error}")


def _endings(spec: specs.Spec) -> list[str]:
    if isinstance(spec, specs.EngineSpec):
        return [ending for endings in spec.formats.values() for ending in endings]
    return list(getattr(spec, "suffixes", ()))


def in_python(code: str, doing: str = "the hook module fails when the library is not installed") -> Any:
    """Run code in a new interpreter and return the JSON that it prints last.

    :param doing: What is wrong if the code fails.
    """
    told = processes.capture(processes.python("-c", code), timeout=120)
    last_line = (told.errors.strip().splitlines() or ["nothing"])[-1]
    require(told.status == 0, f"{doing}: {last_line}")
    return json.loads(told.output.splitlines()[-1])
