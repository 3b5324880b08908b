"""An engine for lpbench: this module is imported to list it, so it imports nothing heavy."""

import lpbench


@lpbench.hookimpl
def lpbench_register_engines(register):
    about = {"requires": ("numpy",), "hint": "pip install numpy", "formats": {"acme": (".acme",)}}
    register(lpbench.EngineSpec("acme", "lpbench_acme.engine:Acme", "scales its input", **about))
