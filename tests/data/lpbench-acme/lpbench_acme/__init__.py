"""An engine for lpbench: this module is imported to list it, so it imports nothing heavy."""

import lpbench


@lpbench.hookimpl
def lpbench_register_engines(register):
    """Offer the engine by its import path; it reads files that end in .acme."""
    formats = {"acme": (".acme",)}
    needs = {"requires": ("numpy",), "hint": "pip install numpy"}
    register(lpbench.EngineSpec("acme", "lpbench_acme.engine:Acme", "scales its input", formats=formats, **needs))
