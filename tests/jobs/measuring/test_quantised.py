"""A quantised TFLite classifier: the same pixels in and the same scores out on every engine that reads the file."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

for needed in ("lpbench_tflite", "lpbench_openvino", "lpbench_image", "ai_edge_litert", "openvino", "cv2"):
    pytest.importorskip(needed, reason=f"needs {needed}")
np = pytest.importorskip("numpy", reason="needs numpy")

from lpbench.jobs.new_app import new_app  # noqa: E402 - after the checks
from lpbench_tflite._write import CONV_2D, SOFTMAX, Network, Number  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

SIDE, CLASSES, WEIGHT, STEP = 4, 5, 0.02, 1 / 256
LOWEST = {"int8": -128, "uint8": 0}


class Classifier:
    """A convolution over the whole picture and a softmax, all in 8 bits.

    :param dtype: ``int8`` or ``uint8``, of all of its tensors.
    :param steps: Steps from the smallest integer of the input to the one that stands for zero.
    """

    def __init__(self, dtype: str, scale: float, steps: int) -> None:
        lowest, random = LOWEST[dtype], np.random.default_rng(3)
        self.dtype, self.scale, self.zero_point = dtype, float(np.float32(scale)), lowest + steps
        self.weights = random.integers(-100, 100, (CLASSES, SIDE, SIDE, 3))
        self.bias = random.integers(-50, 50, CLASSES)

    def save(self, path: Path) -> Path:
        network, lowest, dtype = Network(), LOWEST[self.dtype], self.dtype
        centre = lowest + 128
        x = network.tensor("pixels", (1, SIDE, SIDE, 3), dtype, quantised=(self.scale, self.zero_point))
        stored = (self.weights + centre).astype(dtype)
        weights = network.tensor("weights", stored.shape, dtype, data=stored, quantised=(WEIGHT, centre))
        bias = network.tensor(
            "bias", (CLASSES,), "int32", data=self.bias.astype(np.int32), quantised=(self.scale * WEIGHT, 0)
        )
        logits = network.tensor("logits", (1, 1, 1, CLASSES), dtype, quantised=(0.1, centre))
        scores = network.tensor("scores", (1, 1, 1, CLASSES), dtype, quantised=(STEP, lowest))
        valid = {0: Number("b", 1), **dict.fromkeys((1, 2, 4, 5), Number("i", 1))}
        network.operator(CONV_2D, [x, weights, bias], [logits], valid)
        network.operator(SOFTMAX, [logits], [scores], {0: Number("f", 1)})
        path.write_bytes(network.save([x], [scores]))
        return path

    def scores(self, real: Any) -> Any:
        """Return the scores of real inputs, computed in float."""
        lowest = LOWEST[self.dtype]
        steps = np.clip(np.rint(real / self.scale) + self.zero_point, lowest, lowest + 255)
        inputs = (steps - self.zero_point) * self.scale
        logits = np.einsum("hwc,ohwc->o", inputs, self.weights * WEIGHT) + self.bias * self.scale * WEIGHT
        exponentials = np.exp(np.clip(logits, -12.8, 12.7))
        return exponentials / exponentials.sum()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    import cv2

    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8))
    return path


def real_values(picture: Path, preprocessing: dict[str, Any]) -> Any:
    """Return what an app's settings say that a picture becomes."""
    import cv2

    given = {"scale": 1 / 255, "mean": 0, "std": 1, **preprocessing["normalise"]}
    pixels: Any = cv2.imread(str(picture))
    return (pixels[:, :, ::-1] * given["scale"] - given["mean"]) / given["std"]


def write(folder: Path, model: Path, picture: Path) -> dict[str, Any]:
    """Write an app as ``lpbench new-app`` does, which shows the whole picture and the model's own scores."""
    new_app(folder, app_class="image_classification", model=model, samples=picture)
    config: dict[str, Any] = json.loads((folder / "ai_app_config.json").read_text("utf-8"))
    step: dict[str, Any] = config["components"][0]
    step["preprocessing"] |= {"resize": {"mode": "stretch", "size": SIDE}, "crop": SIDE}
    step["postprocessing"] |= {"activation": "none", "top_k": CLASSES}
    del step["inference"]["models"]["tflite"]["inputs"]  # each engine has to find the quantisation by itself
    (folder / "ai_app_config.json").write_text(json.dumps(config), "utf-8")
    return step


@pytest.mark.parametrize(("dtype", "scale", "steps"), [("int8", 1 / 255, 0), ("uint8", 0.0187, 114)])
def test_a_run_gives_equal_scores_on_all_engines(
    dtype: str, scale: float, steps: int, tmp_path: Path, picture: Path
) -> None:
    """An app that ``new-app`` wrote: equal scores, those that the normalisation in its config leads to."""
    model = Classifier(dtype, scale, steps)
    settings = write(tmp_path / "app", model.save(tmp_path / "net.tflite"), picture)
    first, second = run(tmp_path / "app")
    assert first == second
    expected = model.scores(real_values(picture, settings["preprocessing"])).tolist()
    assert [first[at] for at in range(CLASSES)] == pytest.approx(expected, abs=0.05)


def run(app: Path) -> list[dict[int, float]]:
    """Return each engine's scores by class."""
    words = [
        "--engine",
        "tflite,openvino",
        "--threads",
        "1",
        "--runs",
        "1",
        "--number",
        "20",
        "--alone",
        "0.1",
        "--json",
    ]
    command = [sys.executable, "-m", "lpbench", "run", str(app), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=True)
    configurations = json.loads(done.stdout)["configurations"]
    tops = [configuration["predictions"][0]["top"] for configuration in configurations]
    return [{item["index"]: item["score"] for item in top} for top in tops]
