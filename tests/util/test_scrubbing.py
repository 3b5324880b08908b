"""What tells whose machine it was is taken out of texts, and columns stay where they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpbench.util.scrubbing import COMMON, Scrubber

SCRUBBER = Scrubber(["workbench7", "workbench7.lab.example", "ada"])


@pytest.mark.parametrize(
    ("text", "clean", "kind"),
    [
        (
            "Serial\t\t: 10000000b3c4d5e6\nModel\t\t: Raspberry Pi 5\n",
            "Serial\t\t: 0000000000000000\n",
            "serial numbers",
        ),
        ("| Serial Number : A1-B2 | Health : OK |", "| Serial Number : 00-00", "serial numbers"),
        ("0, GPU-3fa85f64-5717-4562-b3fc-2c963f66afa6, 41", "0, GPU-00000000-0000-0000-0000-000000000000", "UUIDs"),
        ("eth0 link/ether b8:27:eb:4d:5e:6f brd", "eth0 link/ether 00:00:00:00:00:00", "network addresses"),
        ("server 192.168.17.4 answers", "server 000.000.00.0 answers", "internet addresses"),
        ("Linux Workbench7 6.6.31", "Linux xxxxxxxxxx 6.6.31", "names of this machine and its user"),
        ("/home/ada/models", "/home/xxx/models", "names of this machine and its user"),
    ],
)
def test_it_is_replaced_at_its_length_and_told(text: str, clean: str, kind: str) -> None:
    scrubbed, kinds = SCRUBBER.scrub(text)
    assert scrubbed.startswith(clean)
    assert len(scrubbed) == len(text)
    assert kinds == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "cpu  1027 33 4211 99218 310 0 22 0 0 0",
        "raspberrypi,5-model-b",
        "00000000:01:00.0 Off",
        "535.104.05",
        "12:34:56",
        "adapter 3",
        "11-30-2026 09:15:02 RAM 2541/7764MB (lfb 3x4MB) CPU [12%@1479,off] EMC_FREQ 2%@2133",
    ],
)
def test_what_sensors_say_stays(text: str) -> None:
    assert SCRUBBER.scrub(text) == (text, [])


@pytest.mark.parametrize("name", [*sorted(COMMON)[:5], "pi", "", "42"])
def test_a_name_that_many_share_is_no_secret(name: str) -> None:
    assert Scrubber([name]).scrub(f"{name} 42 pi") == (f"{name} 42 pi", [])


@pytest.mark.parametrize(
    "file",
    [
        "sys/class/dmi/id/product_serial",
        "sys/class/dmi/id/product_uuid",
        "sys/class/net/eth0/address",
        "sys/class/net/eth0/speed",
        "proc/sys/kernel/hostname",
        "proc/cmdline",
        "proc/4711/stat",
        "proc/self/status",
        "etc/machine-id",
        "home/you/power.csv",
        "/etc/passwd",
        "proc/../etc/passwd",
        "sys/firmware/b8:27:eb:4d:5e:6f",
    ],
)
def test_private_files_are_known_by_their_names(file: str) -> None:
    assert SCRUBBER.private(file)


@pytest.mark.parametrize(
    "file",
    ["proc/stat", "sys/class/thermal/thermal_zone0/temp", "sys/class/powercap/intel-rapl:0/energy_uj", "proc/meminfo"],
)
def test_sensors_are_not_private(file: str) -> None:
    assert not SCRUBBER.private(file)


@given(st.text(alphabet="0123456789abcdef:-. \nSerialada", max_size=200))
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    once, _ = SCRUBBER.scrub(text)
    assert SCRUBBER.scrub(once)[0] == once
