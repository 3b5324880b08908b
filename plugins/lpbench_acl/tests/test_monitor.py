"""The monitor of NPUs through AscendCL, over the fake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.plugin import registry
from lpbench.plugin.monitor import MonitorTarget, Reading, Unavailable
from lpbench.testing import Machine, ledger, monitor_checks
from lpbench.testing.machines import Answers
from lpbench_acl._monitor import AclMonitor
from lpbench_acl._runtime import runtime

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.plugin.monitor import Readings


@pytest.mark.long
@monitor_checks("acl-npu")
def test_the_conformance_kit_passes(check: Callable[[], None], fake_acl: Fake) -> None:
    check()


def target(npu_smi: str | None = None) -> MonitorTarget:
    """Return this machine with what ``npu-smi info`` prints; without, it is not installed."""
    return MonitorTarget(commands=Answers({} if npu_smi is None else {"npu-smi info": npu_smi}))


def sampled() -> Readings:
    with AclMonitor(target()) as monitor:
        return monitor.sample()


def values(found: Readings) -> dict[str, float]:
    return {name: each.value for name, each in found.items() if isinstance(each, Reading)}


def missing(found: Readings, name: str) -> Unavailable:
    why = found[name]
    assert isinstance(why, Unavailable)
    return why


def test_load_and_memory_of_each_npu_and_of_all(fake_acl: Fake) -> None:
    fake_acl.set(devices=2, device_memory=800_000_000)
    calls = runtime().calls
    with AclMonitor(target()) as monitor:
        before = values(monitor.sample())["NPU_MEM/npu1"]
        address = calls.handle("rt.malloc", 50_000_000, 0)  # the last context is that of npu:1
        found = values(monitor.sample())
        calls.call("rt.free", address)
    assert (found["NPU_LOAD"], found["NPU_LOAD/npu0"]) == (40, 40)
    assert (found["NPU_LOAD/npu1/vector"], found["NPU_LOAD/npu1/aicpu"]) == (10, 0)
    assert found["NPU_MEM/npu1"] - before == pytest.approx(50, rel=0.01)
    assert found["NPU_MEM"] == pytest.approx(found["NPU_MEM/npu0"] + found["NPU_MEM/npu1"])


def tells(monkeypatch: pytest.MonkeyPatch, fake: Fake, call: str, answer: object) -> None:
    """Have a call of the fake give another answer."""
    monkeypatch.setattr(fake.module.rt, call, lambda *_: answer)


def test_a_unit_that_the_chip_lacks_is_no_part(fake_acl: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"cube_utilization": 7, "vector_utilization": -1, "aicpu_utilization": 3, "memory_utilization": -1}
    tells(monkeypatch, fake_acl, "get_device_utilization_rate", (told, 0))
    assert {name for name in sampled() if "LOAD" in name} == {"NPU_LOAD", "NPU_LOAD/npu0", "NPU_LOAD/npu0/aicpu"}


@pytest.mark.parametrize(
    "told", [{"cube_utilization": 250}, {"cube_utilization": "7"}, {"cube_utilization": -1}, {}, 7]
)
def test_a_load_that_cannot_be_is_none(fake_acl: Fake, monkeypatch: pytest.MonkeyPatch, told: object) -> None:
    tells(monkeypatch, fake_acl, "get_device_utilization_rate", (told, 0))
    found = sampled()
    assert "no share in %" in missing(found, "NPU_LOAD").reason
    assert "NPU_MEM" in values(found)


@pytest.mark.parametrize("told", [(9, 8, 0), (0, 0, 0), ("a", "b", 0)])
def test_a_memory_that_cannot_be_is_none(fake_acl: Fake, monkeypatch: pytest.MonkeyPatch, told: object) -> None:
    tells(monkeypatch, fake_acl, "get_mem_info", told)
    found = sampled()
    assert missing(found, "NPU_MEM") == Unavailable("AscendCL tells no memory of this NPU", "not-supported")
    assert "NPU_LOAD" in values(found)


def test_an_npu_that_does_not_open_keeps_its_load_and_the_others(
    fake_acl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_acl.set(devices=2, fail_at="acl.rt.create_context:2")
    found = sampled()
    assert missing(found, "NPU_MEM").code == "failed"
    assert {"NPU_MEM/npu0", "NPU_LOAD", "NPU_LOAD/npu1"} <= set(values(found))


@pytest.mark.parametrize(
    ("variables", "code"), [({"devices": 0}, "not-here"), ({"no_driver": 207006}, "no-permission")]
)
def test_without_a_usable_npu_the_reason_is_ascendcls(fake_acl: Fake, variables: dict[str, int], code: str) -> None:
    fake_acl.set(**variables)
    assert {missing(sampled(), name).code for name in ("NPU_LOAD", "NPU_MEM")} == {code}


def test_of_more_npus_than_are_watched_there_is_no_sum(fake_acl: Fake) -> None:
    fake_acl.set(devices=17)
    found = sampled()
    for name in ("NPU_LOAD", "NPU_MEM"):
        assert missing(found, name).reason == "AscendCL finds 17 NPUs, of which 16 are watched"
        assert f"{name}/npu15" in values(found)


def test_a_recorded_machine_is_not_answered_by_this_one(fake_acl: Fake, tmp_path: Path) -> None:
    with AclMonitor(Machine(tmp_path).target()) as monitor:
        assert missing(monitor.sample(), "NPU_LOAD").code == "other-machine"
    assert "acl.rt.create_context" not in ledger.calls(fake_acl.report())


TABLE = """
| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page)             |
| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                                    |
| 0       310P3     | OK              | 17.5         51                12    / 15                        |
| 0       0         | 0000:3B:00.0    | 34           1500  / 21527                                       |
"""


@pytest.mark.parametrize(
    ("table", "opened"), [(TABLE, 0), ("dcmi module initialize failed. ret is -8005\n", 1), ("", 1)]
)
def test_beside_an_npu_smi_that_answers_nothing_is_opened(fake_acl: Fake, table: str, opened: int) -> None:
    with AclMonitor(target(table)) as monitor:
        found = monitor.sample()
    assert ledger.calls(fake_acl.report()).count("acl.rt.create_context") == opened
    assert isinstance(found["NPU_MEM"], Reading if opened else Unavailable)


def test_of_both_npu_smi_counts() -> None:
    monitors = registry.current().all(registry.MONITORS)
    ours, other = monitors["acl-npu"].spec, monitors["npu-smi"].spec
    assert set(ours.metrics) <= set(other.metrics)
    assert ours.rank > other.rank
