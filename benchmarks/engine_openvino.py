"""What lpbench costs around OpenVINO: its timed loop above the shortest loop that one would write by hand.

Both loops run in one process on one request, alternating in short turns.  The
hand-written ones are ``request.infer``: "shared" hands arrays over without a copy, as
OpenVINO's manual advises, and is what the limit is for; "copied" is its default.
lpbench shares arrays as well, and reads outputs where they lie.

    python benchmarks/engine_openvino.py [--rounds 300]
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path

os.environ.setdefault("CI", "true")  # before openvino is imported: else it counts uses in the home folder

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
