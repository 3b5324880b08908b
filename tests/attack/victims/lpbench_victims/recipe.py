"""Builds the app: a config and a model of a few hundred kilobytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TENSORS = {"type": "tensors"}
SIZE = 300_000


def build(_members: Path, app: Path) -> None:
    """Write it."""
    (app / "model.victim").write_bytes(b"x" * SIZE)
    inference: dict[str, Any] = {"models": {"victim": {"file": "model.victim"}}}
    component = {"name": "net", "preprocessing": TENSORS, "inference": inference, "postprocessing": TENSORS}
    config = {"schema_version": 1, "ai_app_class": "signal_processing", "components": [component]}
    (app / "ai_app_config.json").write_text(json.dumps(config), encoding="utf-8")
