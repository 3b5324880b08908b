"""Plan files that were built elsewhere, or are damaged: refused with the library's reason and a remedy; on the fake."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_trt.tests.library import Library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from plugins.lpbench_trt.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

    Builder = Callable[..., Path]


@pytest.fixture
def built(fake_sites: Mapping[str, Path], models: Graphs, tmp_path: Path) -> Builder:
    """Return a function that has a version of the fake build a plan, and returns its file."""

    def build(version: str, **variables: str) -> Path:
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        shutil.copy(models.one("Relu"), folder / "model.onnx")
        library = Library(fake_sites[version], folder, {"FAKE_TENSORRT": version, **variables})
        told: Mapping[str, Any] = library.build(folder, [["built", "model.onnx", "F32", {}, {}]])
        assert "bytes" in told["built"]
        return (folder / "plans" / "built" / "model.plan").rename(folder / "users.plan")

    return build


def test_a_plan_runs_where_it_was_built(built: Builder, open_session: Opener) -> None:
    session = open_session(built("10"))
    assert session.run({"x": np.array([[-1, 0, 2]], np.float32)})["y"].tolist() == [[0, 0, 2]]
    assert "from_cache" not in session.describe()


@pytest.mark.parametrize(
    ("version", "variables"), [("8", {}), ("11", {}), ("10", {"FAKE_COMPUTE": "89"})], ids=["8", "11", "other GPU"]
)
def test_a_plan_of_another_version_or_device_is_refused(
    built: Builder, open_session: Opener, version: str, variables: dict[str, str]
) -> None:
    words = open_session.refused(built(version, **variables))
    assert "cannot load the plan" in words
    assert "Error Code" in words
    assert "build it here" in words


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "one bit": lambda content: bytes([*content[:-9], content[-9] ^ 1, *content[-8:]]),
    "half": lambda content: content[: len(content) // 2],
    "shifted": lambda content: b"\x7fELF" + content,
    "zeros": lambda _: bytes(4096),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_plan_is_refused(built: Builder, open_session: Opener, fake_tensorrt: Fake, damage: str) -> None:
    path = built("10")
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert "cannot load the plan" in open_session.refused(path)
    assert fake_tensorrt.wrong() == []
