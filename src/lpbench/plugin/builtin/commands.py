"""The names of the built-in commands, which are known without pluggy and without any plugin."""

from __future__ import annotations

COMMANDS = {
    "run": "measure an app or a model",
    "benchmark-analyzer": "measure an app with the options of the published command line",
    "analyze": "count what one inference of a model costs, from its file",
    "convert": "convert an app's models, or a model file, to another format",
    "quantize": "store an app's models in 8 or 16 bits, and say how good the answers still are",
    "compare": "compare two results: which is faster, and with what confidence",
    "sweep": "measure many configurations, a row for each",
    "export": "write what a sweep measured as published data: a descriptor and a CSV",
    "import": "take published data over, without the values that are known to be wrong",
    "choose": "choose the best of what was measured, under conditions",
    "optimise": "find the best configuration of an app, from converting to choosing",
    "agree": "check whether engines agree, and where they diverge",
    "doctor": "report what makes this machine noisy, and how to fix it",
    "show": "print a saved result or a sweep again",
    "results": "list the saved results, and delete some",
    "engines": "list the inference engines",
    "monitors": "show what monitors tell of this machine, or why they do not",
    "plugins": "list the plugins and what failed to load",
    "apps": "list the catalogue",
    "platforms": "list hardware platforms with what is known of them",
    "frameworks": "list deployment frameworks, and the engines here that run them",
    "models": "list reference models with what is known of them",
    "pull": "fetch and build a catalogue entry",
    "validate": "check an AI app, or published data",
    "new-app": "write an AI app around a model",
    "env": "make an environment with another version of a library, to be compared with this one",
    "check": "check that an engine, a processor or a monitor meets its contract",
    "new-plugin": "write the project skeleton of an engine plugin",
}
