"""Vulkan devices: the CPU's numbers, honest labels, and no device where there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lpbench_ncnn import _devices

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ncnn.tests.conftest import Models

    from lpbench.testing.fixtures import Opener

SHAPE = {"in0": (1, 3, 8, 8)}
X = {"in0": np.random.default_rng(1).standard_normal((1, 3, 8, 8)).astype(np.float32)}


def test_a_device_answers_what_numpy_does(models: Models, open_session: Opener, vulkan: str) -> None:
    session = open_session(models.network(), SHAPE, device=vulkan)
    first, second = session.run(X)["out0"], session.run({"in0": -X["in0"]})["out0"]
    session.close()
    assert np.allclose(first, models.expected(X["in0"]), atol=1e-5)
    assert np.allclose(second, models.expected(-X["in0"]), atol=1e-5)


def test_a_software_device_is_labelled_cpu(models: Models, open_session: Opener, vulkan: str) -> None:
    """Drivers that compute on the processor are not called GPU."""
    facts = open_session(models.network(), SHAPE, device=vulkan).describe()
    assert facts["device"] == vulkan
    assert facts["processor"] == ("CPU" if "llvmpipe" in facts["device_name"] else "GPU")
    assert facts["nodes"] == {"Vulkan": 5, "CPU": 0}
    assert facts["precision"] == "F32"


def test_layers_that_stay_on_the_cpu_are_named(models: Models, open_session: Opener, vulkan: str) -> None:
    """BNLL has no Vulkan code in ncnn: the record says which layers the device did not take."""
    path = models.save(["Input in0 0 1 in0", "ReLU r 1 1 in0 x", "BNLL b 1 1 x out0"])
    session = open_session(path, {"in0": (1, 3, 4, 4)}, device=vulkan)
    facts = session.describe()
    assert facts["layers_on_cpu"] == ["BNLL"]
    assert facts["nodes"] == {"Vulkan": 1, "CPU": 1}
    assert facts["processor"] in {"CPU", "GPU/CPU"}
    data = np.ones((1, 3, 4, 4), np.float32)
    assert np.allclose(session.run({"in0": data})["out0"], np.log1p(np.exp(data)), atol=1e-5)


def test_a_gpu_that_leaves_layers_is_a_pair(models: Models, open_session: Opener, vulkan: str) -> None:
    """The label of a graph that is split between a GPU and the CPU."""
    session = open_session(models.save(["Input in0 0 1 in0", "BNLL b 1 1 in0 out0"]), {"in0": (1, 4)}, device=vulkan)
    loaded = session._loaded  # type: ignore[attr-defined]
    object.__setattr__(loaded, "device", _devices.Device(0, "Acme", "GPU"))
    assert session.describe()["processor"] == "GPU/CPU"


@pytest.mark.usefixtures("vulkan")
def test_the_probe_lists_the_device_with_its_name() -> None:
    found = json.loads(_python("from lpbench_ncnn._probe import probe; import json; print(json.dumps(probe()))"))
    assert found["devices"][:2] == ["cpu", "vulkan:0"]
    assert found["names"]["vulkan:0"]["name"]
    assert found["unusable"] == {}


def test_without_a_driver_the_error_says_so(models: Models) -> None:
    """The loader is told of no driver, as on a machine that has none."""
    code = f"""
from pathlib import Path
from lpbench.plugin.engine import Model
from lpbench_ncnn._engine import NcnnEngine
from lpbench_ncnn.config import NcnnConfig
try:
    NcnnEngine().open(Model("ncnn", Path({str(models.network())!r})), NcnnConfig("vulkan"), shapes={SHAPE!r})
except Exception as error:
    print(type(error).__name__, error)
"""
    found = _python(code, **_no_driver(models.folder))
    assert 'device "vulkan" needs a Vulkan driver, and none is installed' in found
    assert found.startswith("EngineError")


def test_without_a_driver_the_probe_has_the_cpu(models: Models) -> None:
    code = "from lpbench_ncnn._probe import probe; import json; print(json.dumps(probe()))"
    found = json.loads(_python(code, **_no_driver(models.folder)))
    assert found["devices"] == ["cpu"]
    assert found["unusable"] == {"vulkan": "no Vulkan driver is installed"}
    assert "libvulkan1" in found["hints"]["vulkan"]


def _no_driver(folder: Path) -> dict[str, str]:
    nowhere = str(folder / "none.json")
    return {"VK_ICD_FILENAMES": nowhere, "VK_DRIVER_FILES": nowhere}


def _python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
