"""Catalogues: filters, names, records and tables; the page that lists their attributes."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lpbench
from lpbench.datasheets import Platform, Platforms, Price, Span, attributes, folder, read
from lpbench.datasheets.values import fits
from lpbench.errors import DataSheetError
from lpbench.plugin import registry as plugins

if TYPE_CHECKING:
    from lpbench.plugin.registry import Registry

PAGE = (Path(__file__).parents[2] / "docs/reference/datasheets.md").read_text(encoding="utf-8")
NONE = "\N{EN DASH}"
KINDS = ("platforms", "frameworks", "models")
NUMBERS = st.floats(0, 1e6, allow_nan=False)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_lists_every_attribute_with_its_unit_and_no_other(kind: str) -> None:
    part = PAGE.partition(f"\n## {kind.capitalize()}\n")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|", part, flags=re.MULTILINE)
    assert listed == [(each.key, each.description, each.unit or NONE) for each in attributes(kind)]


def test_the_rows_on_the_page_are_read_as_it_says() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    path = folder("platforms") / "own.json"
    path.parent.mkdir(parents=True)
    path.write_text(block, encoding="utf-8")
    found = lpbench.platforms()
    assert found["rpi4"].board_price == Price(61.5, 61.5, "EUR", "2026-11-02")
    assert found.named("proto-3").board_power == Span(4, 9)
    assert "from files of yours: rpi4, our-board" in found.notes()


def test_the_examples_on_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "datasheets.md", "exec"), {})  # noqa: S102 - running the page is the test
    assert "99 99 USD 2022-07-05 99" in capsys.readouterr().out


def test_filters_take_parts_of_texts_and_numbers_in_ranges() -> None:
    found = lpbench.platforms()
    assert set(found.where(os="LINUX", frameworks="tensorrt")) == {"jetson-nano2", "jetson-agx"}
    assert set(found.where(board_power=6)) == {"rpi4"}
    assert set(found.where(board_price="USD")) == {"jetson-nano2", "sa8155p", "coral", "imx8m"}
    assert set(found.where(os="none")) == {"ncs2"}
    assert "rpi3" in found.where(board_power=None)
    assert "rpi3" not in found.where(board_power="0")
    assert set(lpbench.models().where(performance="miou")) == {"unet", "deeplab-v3plus", "pidnet-s"}


def test_what_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(DataSheetError, match='did you mean "rpi4"'):
        lpbench.platforms().named("rpi44")
    with pytest.raises(DataSheetError, match='did you mean "board_power"'):
        lpbench.platforms().where(board_powr=3)
    assert lpbench.platforms().named("Jetson-Nano").id == "jetson-nano2"


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_number_fits_a_range_that_holds_it(one: float, other: float, wanted: float) -> None:
    low, high = sorted((one, other))
    assert fits(Span(low, high), repr(wanted)) == (low <= wanted <= high)
    assert fits(Span(low, high), repr(low))


@pytest.mark.parametrize("kind", KINDS)
def test_records_have_the_columns_of_the_header_and_json_has_everything(kind: str) -> None:
    found = getattr(lpbench, kind)()
    assert all(list(record) == found.header() for record in found.records())
    assert list(found.of(()).header()) == found.header()
    (first, *_) = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert {"id", "aliases", "sources", *(each.key for each in attributes(kind))} <= first.keys()


def test_an_exchange_finds_the_platform_and_its_price_first() -> None:
    records = {each["HW_ID"]: each for each in lpbench.platforms().records()}
    assert list(records["rpi4"])[:2] == ["HW_ID", "HW_price"]
    assert records["jetson-nano2"]["HW_price"] == 150
    assert records["rpi3"]["HW_price"] is None
    assert records["kria-k26"]["board_power_low"] == 7.5


def test_pandas_takes_the_records() -> None:
    pytest.importorskip("pandas", reason="needs pandas")
    frame = lpbench.models().to_pandas()
    assert len(frame) == 17
    assert frame.set_index("id").loc["yolov7", "parameters"] == 36_900_000


def test_this_machine_is_marked_where_it_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, marked in (("jetson-nano", "jetson-nano2"), ("nobodys-board", "")):
        monkeypatch.setattr("lpbench.machine.platform", lambda name=name: name)
        found = lpbench.platforms()
        assert [row.id for row in found.values() if found.mark(row)] == ([marked] if marked else [])
        assert [row["id"] for row in found.to_dict() if row["here"]] == ([marked] if marked else [])
        assert ("this machine is nobodys-board, which has no row" in found.notes()) == (not marked)
        assert not found.where(board_name="raspberry").notes(), "what was left out is no news"


def test_a_framework_has_the_engines_that_share_a_name_with_it(fakes: Registry, tmp_path: Path) -> None:
    assert fakes
    spec = plugins.current().get(plugins.ENGINES, "fake").spec
    rows = [
        {"id": "faker", "aliases": [spec.name], "sources": ["us"]},
        {"id": "absent", "sources": ["us"]},
        {"id": "else", "sources": ["us"]},
    ]
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"frameworks": rows}), encoding="utf-8")
    found = lpbench.frameworks(files=[file])
    assert found["faker"].engines == {"fake": "ready"}
    assert found["absent"].engines == {"absent": "missing"}
    assert found["absent"].engines_in_words() == "absent (missing)"
    assert found["else"].engines == {}


def test_a_value_is_a_line_a_sheet_and_a_table() -> None:
    found = Platforms(read(Platform))
    assert (
        repr(found["rpi4"])
        == "<Platform rpi4 (StairwAI D6.4, 2023-06-26, EC7 catalogue, 2022-07-05, StairwAI data set)>"
    )
    assert "<Platforms 32: rpi3, rpi4" in repr(found)
    assert max(map(len, str(found).splitlines())) <= 100
    assert "Raspberry Pi 4b" in str(found)
    assert "not told: " in str(found["rpi4"])
    assert "<td" in (found["rpi4"]._repr_html_() or "")


def test_the_csv_reads_back(tmp_path: Path) -> None:
    from lpbench.cli import main

    file = tmp_path / "hw_info.csv"
    assert main(["platforms", "--csv", str(file)]) == 0
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["HW_ID"] for row in rows] == [row.id for row in read(Platform)]
    assert {row["HW_ID"]: row["HW_price"] for row in rows}["coral"] == "99"
    assert all(None not in row and None not in row.values() for row in rows)
