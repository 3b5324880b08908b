"""The rows that lpbench brings: they fit their schemas, are complete as their sources are, and carry those's ids."""

from __future__ import annotations

import dataclasses
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from lpbench.datasheets import DataSheet, Framework, ModelSheet, Platform, attributes, platform_id, price, read
from lpbench.datasheets.attributes import IDENTITY, PACKAGE
from lpbench.machine import platform
from lpbench.util.schema import iter_problems, published
from lpbench.util.unavailable import Unavailable

SHEETS = (Platform, Framework, ModelSheet)
KINDS = [(sheet, rows, fields) for sheet, rows, fields in zip(SHEETS, (32, 16, 17), (24, 11, 11), strict=True)]
TEN = {
    *("rpi3", "rpi4", "jetson-nano2", "jetson-xav-agx", "x86-64-nuc", "imx8m-nano", "stm32mp1", "hpc"),
    *("atlas200", "atlas800"),
}
"""The platforms of the published results."""
PUBLISHED = Path(__file__).parents[3] / "shared" / "stairwai" / "configs"


@pytest.mark.parametrize(("sheet", "rows", "fields"), KINDS, ids=lambda each: getattr(each, "kind", ""))
def test_each_kind_has_its_rows_and_attributes(sheet: type[DataSheet], rows: int, fields: int) -> None:
    found = read(sheet)
    assert len(found) == len({row.id for row in found}) == rows
    assert len(attributes(sheet.kind)) == fields
    assert all(row.sources and row.known() for row in found if row.id not in {"vm", "pc", "g100", "leonardo", "mbp19"})


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.kind)
def test_rows_fit_the_schema_and_fields_are_its_attributes(sheet: type[DataSheet]) -> None:
    document = json.loads(files(PACKAGE).joinpath(f"{sheet.kind}.json").read_bytes())
    assert list(iter_problems(document, published(PACKAGE, sheet.kind))) == []
    own = [each.name for each in dataclasses.fields(sheet)][len(dataclasses.fields(DataSheet)) :]
    assert own[: len(attributes(sheet.kind))] == [each.key for each in attributes(sheet.kind)]
    assert set(IDENTITY) <= {each.name for each in dataclasses.fields(DataSheet)}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.kind)
def test_any_validator_of_json_schema_agrees(sheet: type[DataSheet]) -> None:
    jsonschema: Any = pytest.importorskip("jsonschema", reason="needs jsonschema")
    document = json.loads(files(PACKAGE).joinpath(f"{sheet.kind}.json").read_bytes())
    schema = published(PACKAGE, sheet.kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)


def test_the_ten_published_platforms_are_there_and_no_id_has_an_underscore() -> None:
    ids = {row.id for row in read(Platform)}
    assert ids >= TEN
    assert not any("_" in name for name in ids)


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs stairwai: the published data beside this checkout")
def test_every_platform_of_the_published_data_has_a_row() -> None:
    published_ids = {path.stem.rpartition("_")[2] for path in PUBLISHED.glob("*.json")}
    assert published_ids <= {row.id for row in read(Platform)}


@pytest.mark.parametrize(
    ("board", "known"),
    [
        ("NVIDIA Jetson Nano Developer Kit", "jetson-nano2"),
        ("NVIDIA Jetson Nano 2GB Developer Kit", "jetson-nano2"),
        ("Jetson-AGX", "jetson-xav-agx"),
        ("NVIDIA Jetson AGX Orin Developer Kit", "jetson-orin-agx"),
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "rpi3"),
        ("Raspberry Pi 4 Model B Rev 1.4", "rpi4"),
        ("FSL i.MX8MNano LPDDR4 EVK board", "imx8m-nano"),
        ("STMicroelectronics STM32MP157C-DK2 Discovery Board", "stm32mp1"),
        ("Atlas 200 Developer Kit", "atlas200"),
    ],
)
def test_a_board_is_known_under_the_id_of_the_published_data(board: str, known: str, tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_text(f"{board}\0", encoding="ascii")
    assert platform_id(platform(tmp_path)) == known
    assert known in {row.id for row in read(Platform)}


def test_a_machine_without_a_row_keeps_its_id() -> None:
    assert platform_id("x86-64-vm") == "x86-64-vm"


def test_a_price_is_a_range_with_its_date_or_the_reason_why_there_is_none() -> None:
    nano = price("jetson-nano")
    assert not isinstance(nano, Unavailable)
    assert (nano.low, nano.high, nano.currency, nano.date, nano.figure) == (90, 150, "USD", "2022-07-05", 150)
    unnamed = price("rpi4")
    assert not isinstance(unnamed, Unavailable)
    assert unnamed.currency is None, "the source has a number alone"
    for name, reason in (("rpi3", "no source"), ("nobodys-board", "not among")):
        missing = price(name)
        assert isinstance(missing, Unavailable)
        assert reason in missing.reason
