"""What ``lpbench engines --probe`` says of NPUs, usable or not: the reason, and what to do; over the fake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.jobs.probing import probe
from lpbench.plugin.specs import State
from lpbench_acl import _probe

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return the root of a machine with an NPU's device files."""
    root = tmp_path / "machine"
    (root / "dev").mkdir(parents=True)
    for name in ("davinci0", "davinci_manager", "devmm_svm", "hisi_hdc"):
        (root / "dev" / name).touch()
    return root


def test_npus_that_answer_are_devices(fake_acl: Fake) -> None:
    fake_acl.set(devices=2)
    found = probe("acl")
    assert found.availability.state is State.READY
    assert found.devices == ("npu:0", "npu:1")
    assert "fake" in found.version
    assert found.facts["names"] == {"npu:0": "Ascend310P3", "npu:1": "Ascend310P3"}
    assert not found.unusable


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("generation", ["old", "new"])
def test_every_run_mode_and_generation_is_probed(fake_acl: Fake, mode: int, generation: str) -> None:
    fake_acl.set(run_mode=mode, api=generation)
    assert probe("acl").devices == ("npu:0",)


def test_what_is_missing_is_told_by_the_device_files(fake_acl: Fake, machine: Path) -> None:
    fake_acl.set(no_driver=507899)
    (machine / "dev/davinci_manager").unlink()
    found = _probe.probe(machine)
    assert found["devices"] == []
    assert "507899" in found["unusable"]["npu"]
    assert "there is no /dev/davinci_manager" in found["unusable"]["npu"]
    assert "install the NPU's driver" in found["hints"]["npu"]


def test_the_drivers_version_stands_beside_canns(fake_acl: Fake, machine: Path) -> None:
    (machine / "usr/local/Ascend/driver").mkdir(parents=True)
    (machine / "usr/local/Ascend/driver/version.info").write_text("Version=25.2.0\n", encoding="utf-8")
    assert _probe.probe(machine)["driver"] == "25.2.0"


def test_where_files_explain_nothing_npu_smi_and_the_log_may(fake_acl: Fake, machine: Path) -> None:
    fake_acl.set(no_driver=507899)
    assert "~/ascend/log" in _probe.probe(machine)["hints"]["npu"]


def test_a_machine_without_npus_is_told_what_hides_them(fake_acl: Fake, machine: Path) -> None:
    fake_acl.set(devices=0)
    found = _probe.probe(machine)
    assert found["devices"] == []
    assert "ASCEND_RT_VISIBLE_DEVICES" in found["hints"]["npu"]


@pytest.mark.parametrize(
    "call", ["rt.set_device", "rt.create_context", "rt.create_stream", "rt.malloc", "rt.memcpy_async"]
)
def test_one_npu_that_fails_leaves_the_other(fake_acl: Fake, machine: Path, call: str) -> None:
    """A call on the first one fails; nothing is left behind, as the fixture sees."""
    fake_acl.set(devices=2, fail_at=f"acl.{call}:1")
    found = _probe.probe(machine)
    assert found["devices"] == ["npu:1"]
    assert f"acl.{call} failed" in found["unusable"]["npu:0"]
    assert found["hints"]["npu:0"]


def test_an_npu_that_is_lost_is_told_by_the_call_that_noticed(fake_acl: Fake, machine: Path) -> None:
    """What it was to release cannot be released either, which is no reason."""
    fake_acl.excuse()
    _probe.probe(machine)
    begins = fake_acl.calls().index("acl.rt.memcpy_async") + 1
    fake_acl.begin()
    fake_acl.set(lost_at=begins)
    assert "acl.rt.memcpy_async failed" in _probe.probe(machine)["unusable"]["npu:0"]


def test_an_npu_that_returns_other_bytes_is_no_device(
    fake_acl: Fake, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_probe, "SENT", bytes(256))
    real = fake_acl.module.rt.memcpy_async
    monkeypatch.setattr(fake_acl.module.rt, "memcpy_async", lambda *values: 0 if values[4] == 2 else real(*values))
    assert "is not what was sent" in _probe.probe(machine)["unusable"]["npu:0"]


def test_a_library_that_does_not_load_is_named(fake_acl: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CANN is on PYTHONPATH alone."""
    place = tmp_path / "toolkit" / "python/site-packages" / "acl"
    place.mkdir(parents=True)
    (tmp_path / "toolkit/version.cfg").write_text("toolkit_installed_version=[7.6:8.0.0]\n", encoding="utf-8")
    words = "libascendcl.so: cannot open shared object file: No such file or directory"
    (place / "__init__.py").write_text(f"raise ImportError({words!r})\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(place.parent))
    found = probe("acl")
    assert found.availability.state is State.UNSUPPORTED
    assert "libascendcl.so" in found.availability.reason
    assert "set_env.sh" in found.availability.hint
