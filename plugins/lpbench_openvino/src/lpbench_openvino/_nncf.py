"""Quantises a model with NNCF: ``python _nncf.py REQUEST ANSWER``, both JSON.

Runs in NNCF's own environment, so it imports nothing from lpbench.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from pathlib import Path
from typing import Any

TOOLS = ("nncf", "openvino")


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Write the quantised model and return the versions of the tools.

    ``request`` holds ``model`` and ``target``, files of OpenVINO's format, and ``samples``: files of numpy's by input.
    """
    import nncf  # type: ignore[import-not-found] # installed only in its own environment
    import numpy as np
    import openvino

    def feeds(files: dict[str, str]) -> dict[str, Any]:
        return {name: np.load(file) for name, file in files.items()}

    quantised = nncf.quantize(
        openvino.Core().read_model(request["model"]),
        nncf.Dataset(request["samples"], feeds),
        preset=nncf.QuantizationPreset.MIXED,  # weights around zero, activations as they are
        subset_size=len(request["samples"]),
    )
    openvino.save_model(quantised, request["target"], compress_to_fp16=False)
    return {"tools": {name: importlib.metadata.version(name) for name in TOOLS}}


if __name__ == "__main__":
    os.environ["CI"] = "true"  # otherwise importing openvino and nncf collects and reports usage data
    request_path, answer_path = map(Path, sys.argv[1:3])
    try:
        answer_path.write_text(json.dumps(main(json.loads(request_path.read_text("utf-8")))), "utf-8")
    except Exception as error:  # noqa: BLE001 - NNCF raises many types; the parent reads the words
        import traceback

        traceback.print_exc()
        words = " ".join(str(error).split())[:300]
        told = {"error": f"NNCF cannot quantise the model: {type(error).__name__}: {words}", "hint": ""}
        answer_path.write_text(json.dumps(told), "utf-8")
        sys.exit(1)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # everything is written; tearing down OpenVINO takes time, and may hang
