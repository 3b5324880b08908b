"""Checks of what a processor's spec names besides the processor: a guess for new apps, words for tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lpbench.plugin import specs
from lpbench.plugin.guessing import AppFacts, GuessedStep
from lpbench.testing._checks import NotApplicable, require
from lpbench.testing._listing import in_python
from lpbench.testing._post import described
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from lpbench.testing._subject import PostprocessorSubject, PreprocessorSubject

WORDS = """
import importlib, json, sys
for name in {hidden!r}:
    sys.modules[name] = None
module, _, function = {path!r}.partition(":")
print(json.dumps(getattr(importlib.import_module(module), function)(json.loads({prediction!r}))))
"""


def guess_suits_the_config(subject: PreprocessorSubject | PostprocessorSubject) -> None:
    """The guess returns None or a step that the config accepts, also where the model's tensors are not known."""
    if not subject.spec.guess:
        raise NotApplicable("the spec names no guess")
    case, guess = subject.case, specs.load(subject.spec.guess, who=subject.spec.name)
    known = {name: getattr(case, name) for name in ("inputs", "outputs") if hasattr(case, name)}
    labels = len(getattr(case, "labels", ()))
    for app_class in subject.spec.classes or ("model",):
        for facts in (AppFacts(app_class), AppFacts(app_class, **known, labels=labels)):
            _require_step(guess(facts), subject)


def _require_step(step: object, subject: PreprocessorSubject | PostprocessorSubject) -> None:
    if step is None:
        return
    require(isinstance(step, GuessedStep), f"the guess returned {type(step).__name__}; expected GuessedStep or None")
    assert isinstance(step, GuessedStep)  # noqa: S101 - for the type checker
    settings = json.loads(json.dumps(step.settings))
    if subject.config_path:
        dataclass_config.build(subject.config_class(), settings, where=f"settings guessed by {subject.spec.name}")


def words_are_one_line(subject: PostprocessorSubject) -> None:
    """The words for a prediction are one line, and made without numpy and the library, as results are read anywhere."""
    from lpbench.util.jsonable import to_jsonable

    words: dict[str, str] = dict(subject.spec.words)
    if not words:
        raise NotApplicable("the spec names no words")
    prediction: dict[str, Any] = to_jsonable(described(subject, subject.case.given))
    there = words.keys() & prediction.keys()
    if not there:
        raise NotApplicable(f"the case's prediction has no key of {', '.join(sorted(words))}")
    hidden = ["numpy", *(name for names in subject.spec.requires for name in names.split("|"))]
    for key in sorted(there):
        code = WORDS.format(hidden=hidden, path=words[key], prediction=json.dumps(prediction))
        text = in_python(code, f'the words for "{key}" fail without {", ".join(hidden)}')
        require(isinstance(text, str) and text, f'the words for "{key}" are {text!r}; expected a text')
        require("\n" not in text, f'the words for "{key}" are several lines: {text!r:.200}')
