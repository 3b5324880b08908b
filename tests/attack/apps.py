"""Apps: their config, their metadata, their labels, and the conversions that live beside pulled ones."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import documents
from tests.attack.kinds import Kind, command, pulled_configs, text_of

import lpbench
from lpbench.app import files, labels, metadata, pulled
from lpbench.app.model import App
from lpbench.app.model_choice import origin, unchecked
from lpbench.testing import mutations

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

TENSOR = {"name": "x", "dtype": "uint8", "shape": [1, "N", None, 3], "layout": "NHWC", "scale": 0.5, "zero_point": 3}
MODEL: dict[str, Any] = {
    "file": "model.onnx",
    "extra": ["extra.bin"],
    "inputs": [TENSOR],
    "outputs": [{**TENSOR, "name": "y", "alias": "scores"}],
}
PROVENANCE: dict[str, Any] = {
    "converter": "pnnx 1.0",
    "tools": {"pnnx": "20260101"},
    "source": {"model.onnx": "0" * 64},
    "precision": "F16",
    "options": {"level": 1, "sizes": {"x": [1, 2]}},
    "bound": {"library": "10.3", "device": "Orin"},
    "shapes": {"x": [1, 2]},
    "types": {"x": "float64"},
    "date": "2026-11-30T12:00:00+00:00",
}
CHECKED = {"engine": "ncnn 1", "reference": "onnxruntime 1", "samples": 3, "max_absolute": 0.1, "cosine": 0.9}
OUTCOMES: dict[str, dict[str, Any]] = {"ncnn": {"checked": CHECKED}, "plan": {"unchecked": "no device"}, "tflite": {}}
"""What the provenance of a format's model says of the comparison with the source."""
CHAIN: dict[str, Any] = {
    "schema_version": 1,
    "ai_app_class": "image_classification",
    "labels": "labels.txt",
    "samples": ["samples", "one.txt"],
    "quality": {"metric": "top1", "reference": 0.7, "at_least_of_reference": 0.98},
    "decode_in_region": True,
    "components": [
        {
            "name": "first",
            "preprocessing": {"type": "tensors", "shapes": {"x": [1, 2]}, "ranges": {"x": [0, 1]}, "seed": 3},
            "inference": {
                "engine": "onnxruntime",
                "models": {"onnx": MODEL, "ncnn": {"file": "model.param"}},
            },
            "postprocessing": {"type": "tensors"},
        },
        {
            "name": "second",
            "preprocessing": {"type": "image", "resize": {"mode": "letterbox"}},
            "inference": {
                "models": {
                    name: {**MODEL, "provenance": {**PROVENANCE, **outcome}} for name, outcome in OUTCOMES.items()
                }
            },
            "postprocessing": {"type": "embedding", "gallery": {"file": "extra.bin"}},
            "labels": ["a", "b"],
        },
    ],
}
"""A config that has every key."""
SMALL = {
    "schema_version": 1,
    "ai_app_class": "model",
    "components": [
        {
            "name": "net",
            "preprocessing": {"type": "tensors"},
            "inference": {"models": {"onnx": {"file": "model.onnx"}}},
            "postprocessing": {"type": "tensors"},
        }
    ],
}
YML = {
    "name": "my-app",
    "version": "1.0",
    "licence": "Apache-2.0",
    "source": "https://example.org/weights",
    "authors": ["a", {"name": "b", "year": 2024}],
    "nested": {"x": 1.5, "y": None, "z": True},
}
MANY = 30
"""Files of a pulled app from which on its mutants take too long."""
NAMES = ("0 cat", "1 dog", "2 猫", "3: ", "[4] fish", "5\tbird", "-", "10 dollars")


def write_files(folder: Path) -> None:
    """Write the files that the configs above name."""
    (folder / "samples" / "deeper").mkdir(parents=True)
    for name in ("one.txt", "samples/a.npy", "samples/deeper/b.png", "model.onnx", "model.param", "extra.bin"):
        (folder / name).write_bytes(b"\x08\x08 content")
    (folder / "labels.txt").write_text("\n".join(f"{at} class{at}" for at in range(5)), encoding="utf-8")
    (folder / files.METADATA).write_text(metadata.write_metadata({"name": "a", "version": "1"}), encoding="utf-8")


def told_of_models(app: App) -> str:
    """Return what is told of an app's converted models: by what they were made, and whether they were checked."""
    models = [model for component in app.components for model in component.models]
    return "\n".join(f"{origin(model)} {unchecked(model)}" for model in models)


class Configs(Kind):
    """``ai_app_config.json`` by every function that reads it, and by ``lpbench validate``."""

    name: ClassVar[str] = "app-config"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._seeds = [(json.dumps(each), self._folder(f"own-{at}")) for at, each in enumerate((CHAIN, SMALL))]
        self._seeds *= 4
        pulled_apps = [path for path in pulled_configs() if sum(1 for _ in path.parent.rglob("*")) < MANY]
        self._seeds += [(path.read_text(encoding="utf-8"), self._beside(path)) for path in pulled_apps]

    def _folder(self, name: str) -> Path:
        folder = self.home / name
        folder.mkdir()
        write_files(folder)
        return folder

    def _beside(self, config: Path) -> Path:
        """Return a folder with the names of a pulled app's files; their content is not read."""
        folder = self.home / config.parent.name
        for path in (each for each in sorted(config.parent.rglob("*")) if each.is_file()):
            target = folder / path.relative_to(config.parent)
            target.parent.mkdir(parents=True, exist_ok=True)
            small = path.stat().st_size < 1 << 16
            target.write_bytes(path.read_bytes() if small else b"content")
        return folder

    def write(self, random: Random, folder: Path) -> None:
        """Write an app whose config is damaged."""
        text, beside = random.choice(self._seeds)
        shutil.copytree(beside, folder, dirs_exist_ok=True, copy_function=os.link)
        others = tuple(other for other, _ in self._seeds)
        (folder / files.CONFIG).write_bytes(documents.damaged(text, random, others))

    def read(self, folder: Path) -> Iterable[str]:
        """Check it, load it, send it to a worker and back."""
        yield command(folder, "validate", str(folder))[1]
        yield command(folder, "validate", str(folder), "--json")[1]
        app = lpbench.load_app(folder)
        assert App.from_request(json.loads(json.dumps(app.request()))) == app
        assert app.digest()
        yield text_of(app)
        yield told_of_models(app)
        app.metadata()


class Conversions(Kind):
    """The list of conversions beside a pulled app."""

    name: ClassVar[str] = "app-conversions"

    def write(self, random: Random, folder: Path) -> None:
        """Write a pulled app, and a damaged list of its conversions."""
        app, beside = pulled.apps_folder() / "app", pulled.apps_folder().parent / "conversions" / "app"
        for each in (app, beside):
            shutil.rmtree(each, ignore_errors=True)
            each.mkdir(parents=True)
            write_files(each)
        (app / files.CONFIG).write_text(json.dumps(SMALL), encoding="utf-8")
        models: dict[str, dict[str, Any]] = {
            name: {**MODEL, "file": "model.param", "provenance": {**PROVENANCE, **outcome}}
            for name, outcome in OUTCOMES.items()
        }
        text = json.dumps({"net": models})
        content = documents.damaged(text, random)
        for place in (beside, folder):
            (place / pulled.MODELS).write_bytes(content)

    def read(self, folder: Path) -> Iterable[str]:
        """Load the app with them."""
        app = pulled.with_conversions(lpbench.load_app(pulled.apps_folder() / "app"))
        json.dumps(app.request())
        yield f"{app.digest()} {app!r}"
        yield told_of_models(app)


class Metadata(Kind):
    """``ai_app.yml``."""

    name: ClassVar[str] = "app-yml"
    needs: ClassVar[tuple[str, ...]] = ("yaml",)

    def write(self, random: Random, folder: Path) -> None:
        """Write damaged YAML."""
        (folder / files.METADATA).write_bytes(documents.yaml(json.dumps(YML), random))

    def read(self, folder: Path) -> Iterable[str]:
        """Read it for its content, and for its problems."""
        path = folder / files.METADATA
        yield "\n".join(map(str, metadata.metadata_problems(path)))
        json.dumps(metadata.read_metadata(path), allow_nan=False)


class Labels(Kind):
    """Class names in a text file."""

    name: ClassVar[str] = "labels"

    def write(self, random: Random, folder: Path) -> None:
        """Write damaged names."""
        lines = random.sample(NAMES, random.randrange(1, len(NAMES))) * random.choice((1, 1, 100))
        (folder / "labels.txt").write_bytes(mutations.mutated("\n".join(lines).encode(), random))

    def read(self, folder: Path) -> Iterable[str]:
        """Read them, look for problems, write them again."""
        found = files.labels_of(folder / "labels.txt")
        yield text_of(list(labels.label_problems(found)))
        labels.parse(labels.written(found), "again")


KINDS = (Configs, Conversions, Metadata, Labels)
