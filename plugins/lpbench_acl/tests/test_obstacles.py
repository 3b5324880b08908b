"""What keeps AscendCL from an NPU is found out from files, and each cause comes with its remedy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lpbench_acl import _cann
from lpbench_acl._obstacles import driver_version, obstacles

if TYPE_CHECKING:
    from pathlib import Path

DRIVER = """Version=24.1.rc1
ascendhal_version=7.35.19
Innerversion=V100R001C15SPC006B220
compatible_version=[V100R001C30],[V100R001C13],[V100R001C15],[V100R001C17]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root of a machine with the nodes of two NPUs and a driver."""
    (tmp_path / "dev").mkdir()
    for name in ("davinci0", "davinci1", "davinci_manager", "devmm_svm", "hisi_hdc"):
        (tmp_path / "dev" / name).touch()
    driver = tmp_path / "usr/local/Ascend/driver/version.info"
    driver.parent.mkdir(parents=True)
    driver.write_text(DRIVER, encoding="utf-8")
    return tmp_path


def told(root: Path) -> str:
    return "; ".join(f"{cause.what} -> {cause.hint}" for cause in obstacles(root))


def test_nothing_is_in_the_way_of_a_machine_that_has_all(root: Path) -> None:
    assert told(root) == ""
    assert driver_version(root) == "24.1.rc1"


@pytest.mark.parametrize("node", ["davinci_manager", "davinci[01]"])
def test_without_the_drivers_nodes_the_driver_is_missing(root: Path, node: str) -> None:
    for path in (root / "dev").glob(node):
        path.unlink()
    assert "there is no /dev/davinci" in told(root)
    assert "install the NPU's driver" in told(root)


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv"])
def test_in_a_container_it_was_started_without_the_nodes(root: Path, mark: str) -> None:
    (root / "dev/davinci_manager").unlink()
    (root / mark).parent.mkdir(exist_ok=True)
    (root / mark).touch()
    assert "in this container" in told(root)
    assert "--device=/dev/davinci_manager" in told(root)
    assert "install" not in told(root)


@pytest.mark.skipif(os.geteuid() == 0, reason="needs a user other than root")
def test_a_user_outside_the_group_is_told_to_join_it(root: Path) -> None:
    (root / "dev/davinci1").chmod(0)
    assert f"this user may not use {root / 'dev/davinci1'}" in told(root)
    assert "HwHiAiUser" in told(root)


@pytest.mark.parametrize(("internal", "known"), [("V100R001C23SPC001B200", False), ("V100R001C17SPC001B200", True)])
def test_a_driver_that_does_not_list_the_installed_cann_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, internal: str, *, known: bool
) -> None:
    place = root / "usr/local/Ascend/cann"
    (place / "python/site-packages").mkdir(parents=True)
    (place / "python/site-packages/acl.so").touch()
    (place / "x86_64-linux").mkdir()
    facts = f"version=8.5.0\ninnerversion={internal}\n"
    (place / "x86_64-linux/ascend_toolkit_install.info").write_text(facts, encoding="utf-8")
    monkeypatch.setattr(_cann, "module_file", lambda: place / "python/site-packages/acl.so")
    words = told(root)
    assert ("driver 24.1.rc1 does not list CANN 8.5.0" in words) is not known
    assert ("install the driver that belongs to this CANN" in words) is not known


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"Version=\nVersion=\x1b[2J\n", b"=" * 100_000])
def test_a_drivers_file_that_is_nonsense_says_nothing(root: Path, content: bytes) -> None:
    (root / "usr/local/Ascend/driver/version.info").write_bytes(content)
    assert driver_version(root) == ""
    assert told(root) == ""
