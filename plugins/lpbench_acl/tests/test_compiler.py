"""The converter over the strict fake of ATC, which refuses what the documentation of the real one does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import pytest

from lpbench.plugin.converter import ConversionError, Converted
from lpbench.testing.conversions import OnnxModels, convert
from lpbench_acl import _om
from lpbench_acl._convert import AtcConverter, bound
from lpbench_acl.atc_config import AtcConfig

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.plugin.engine import Shapes
    from lpbench.testing.fixtures import Opener

pytestmark = pytest.mark.long

SOC = "Ascend310P3"
node = onnx.helper.make_node


@pytest.fixture
def models(tmp_path: Path) -> OnnxModels:
    folder = tmp_path / "source"
    folder.mkdir()
    return OnnxModels(folder)


def made(source: Path, precision: str = "F16", shapes: Shapes | None = None, **options: Any) -> Converted:
    return convert(AtcConverter(), source, precision, shapes, config=AtcConfig(**{"soc": SOC, **options}))


def refusal(source: Path, **options: Any) -> str:
    with pytest.raises(ConversionError) as caught:
        made(source, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("killed", "SIGKILL"),
        ("silent", "gave no reason (exit status 255)"),
        ("inner", "E19999: Inner Error!"),
        ("library", "libascend_hal.so comes with the NPU's driver"),
        ("nothing", "left no offline model"),
    ],
)
def test_each_end_of_the_fakes_compiler_is_told(fake_acl: Fake, models: OnnxModels, how: str, words: str) -> None:
    fake_acl.set(atc=how)
    assert words in refusal(models.network())


def test_an_npu_that_atc_does_not_know_is_told_with_how_to_find_its_name(fake_acl: Fake, models: OnnxModels) -> None:
    told = refusal(models.network(), soc="Ascend311")
    assert "rtSetSocVersion failed" in told
    assert "npu-smi info" in told


def test_operators_of_a_newer_version_are_named_with_the_versions_that_atc_reads(
    fake_acl: Fake, models: OnnxModels
) -> None:
    relu = node("Relu", ["x"], ["y"], name="cut")
    told = refusal(models.save([relu], [("x", (1, 4))], [("y", (1, 4))], {}, opset=21))
    assert "E19010: No parser is registered for Op [cut" in told
    assert "ai.onnx 21, and ATC reads 11 to 18" in told


@pytest.mark.parametrize("precision", ["F16", "F32", "auto"])
def test_the_strict_fake_takes_what_atc_is_told(fake_acl: Fake, models: OnnxModels, precision: str) -> None:
    """It refuses every option and value that the documentation of ATC does not have."""
    found = made(models.network(), precision, options={"op_select_implmode": "high_precision"})
    assert _om.soc(found.model.path) == SOC
    assert found.tools == {"CANN": "8.0.0+fake"}


@pytest.mark.parametrize(
    "gears", [{"batches": (1, 4)}, {"image_sizes": ((6, 5), (12, 10))}, {"dims": ((1, 6, 5) * 2, (2, 9, 9) * 2)}]
)
def test_the_strict_fake_takes_every_kind_of_gears(
    fake_acl: Fake, open_session: Opener, models: OnnxModels, gears: dict[str, Any]
) -> None:
    found = made(models.masked(), shapes={"image": (1, 3, 6, 5), "mask": (1, 1, 6, 5)}, **gears)
    session = open_session(found.model.path)
    assert [info.name for info in session.inputs] == [info.name for info in found.model.inputs]
    assert [info.name for info in session.outputs] == [info.name for info in found.model.outputs]


@pytest.mark.usefixtures("fake_acl")
def test_the_npu_of_this_machine_is_asked_where_none_is_named(models: OnnxModels) -> None:
    assert _om.soc(made(models.network(), soc="").model.path) == SOC
    assert bound(AtcConfig()) == {"CANN": "8.0.0+fake", "NPU": SOC}
