"""Published data: a descriptor and its dataset, read, validated, imported and imported again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import documents
from tests.attack.kinds import Kind, command

import lpbench
from lpbench.testing import mutations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

WORDS = ("ENGINE", "PROCESSOR")
FIGURES = ("LATENCY", "GPU_LOAD", "CPU_MEM", "CPU_MEM_PEAK", "POWER_CONSUMPTION")
DESCRIPTOR: dict[str, Any] = {
    "name": "net",
    "HW_ID": "pc",
    "HW_price": 60,
    "inputs": [{"ID": "size", "description": None, "type": "int", "LB": 1, "UB": 9}],
    "hyperparams": [{"ID": name, "description": None, "type": "str"} for name in WORDS],
    "targets": [{"ID": name, "description": "measured", "type": "float", "LB": None, "UB": None} for name in FIGURES],
}
CSV = f"""size,{",".join((*WORDS, *FIGURES))}
1,ncnn,CPU,20.5,0.0,44.2,1.4,0.0
1,"a, b",GPU,1e-3,0.0,30,40,3.5
2,ncnn,GPU/CPU,7,,12,13,-1
2,ncnn,GPU/CPU,9,55,12,13,4
"""
QUALITY = "ENGINE,PROCESSOR,quality\nncnn,CPU,0.5\n"


class Pairs(Kind):
    """Descriptors and datasets, either of them damaged."""

    name: ClassVar[str] = "published-data"

    def write(self, random: Random, folder: Path) -> None:
        """Write a pair and a quality file of which one is damaged."""
        text = {"net_pc.json": json.dumps(DESCRIPTOR).encode(), "net_pc.csv": CSV.encode()}
        text |= {"net_quality.csv": QUALITY.encode()} if random.random() < 1 / 4 else {}
        name = random.choice(list(text))
        if name.endswith(".json"):
            text[name] = documents.damaged(text[name].decode(), random, (json.dumps(DESCRIPTOR),))
        else:
            text[name] = mutations.mutated(text[name], random, (CSV.encode(), QUALITY.encode()))
        for file, content in text.items():
            (folder / file).write_bytes(content)

    def read(self, folder: Path) -> Iterable[str]:
        """Show it in every form; what was imported is imported again as the same bytes."""
        _, shown = command(folder, "validate", str(folder / "net_pc.csv"))
        yield shown
        found = lpbench.load_dataset(folder)
        yield from (str(found), repr(found), found._repr_html_() or "", str(found.faults))
        for table in found.tables:
            yield from (str(table), table._repr_html_() or "")
            json.dumps(table.rows(), allow_nan=False)
        lpbench.import_dataset(folder, folder / "a")
        again = lpbench.import_dataset(folder / "a", folder / "b")
        for file in (folder / "b").glob("net_pc.*"):
            assert file.read_bytes() == (folder / "a" / file.name).read_bytes()
        yield str(again)


KINDS = (Pairs,)
