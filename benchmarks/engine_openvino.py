"""Overhead of lpbench around OpenVINO: its timed loop against the shortest handwritten loop.

Both loops run in one process on one request, alternating in short turns.  The
handwritten loops are ``request.infer``: "shared" passes arrays without a copy, as
OpenVINO's manual recommends, and the limit applies to it; "copied" is the default.
lpbench shares arrays as well, and reads outputs in place.

    python benchmarks/engine_openvino.py [--rounds 300]
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path

os.environ.setdefault("CI", "true")  # before openvino is imported: else it writes usage data into the home folder

import numpy as np
from _alternate import compare, prepare
from models import INPUT, SHAPE, squeezenet

from lpbench.plugin.engine import Model
from lpbench_openvino._engine import OpenvinoEngine
from lpbench_openvino.config import OpenvinoConfig


def main() -> None:
    """Compare on SqueezeNet, in F32 on one thread."""
    rounds = prepare(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        model = Model("onnx", squeezenet(Path(folder) / "model.onnx"))
        with OpenvinoEngine().open(model, OpenvinoConfig(threads=1), shapes={}) as session:
            request = session._request  # type: ignore[attr-defined] # noqa: SLF001 - the very same request
            feeds = {INPUT: np.random.default_rng(1).standard_normal(SHAPE, np.float32)}
            shared, copied = partial(request.infer, feeds, share_inputs=True), partial(request.infer, feeds)
            compare(session, feeds, {"shared": shared, "copied": copied}, rounds)


if __name__ == "__main__":
    main()
