"""What the plugin offers, and that listing it costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys

from lpbench.plugin import registry

HEAVY = ("acl", "numpy", "lpbench_acl._engine", "lpbench_acl._convert")
LISTED = f"""
import json, sys
from lpbench.plugin import registry
found = registry.current()
found.all(registry.ENGINES)["acl"].spec.availability()
found.all(registry.CONVERTERS)["atc"].spec.availability()
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""


def test_the_engine_goes_by_three_names_and_reads_offline_models() -> None:
    specs = [registry.current().get(registry.ENGINES, name).spec for name in ("acl", "ascendcl", "ascend")]
    assert {spec.name for spec in specs} == {"acl"}
    assert specs[0].formats == {"om": (".om",)}


def test_listing_imports_neither_the_vendors_module_nor_numpy() -> None:
    done = subprocess.run([sys.executable, "-c", LISTED], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == []


def test_no_monitor_has_a_name_of_the_engine() -> None:
    """``lpbench check acl`` asks for no --kind."""
    assert not {"acl", "ascendcl", "ascend"} & set(registry.current().all(registry.MONITORS))
