"""Installs the fake of CANN: a folder laid out as the toolkit's, with the module ``acl`` and the command ``atc``."""

from __future__ import annotations

import importlib
import platform
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpbench.testing import ledger
from lpbench.testing.fake_library import FakeLibrary

if TYPE_CHECKING:
    from types import ModuleType

    from lpbench.testing.ledger import Entry

FAKE = Path(__file__).parent / "fake" / "acl"
VERSION = "8.0.0+fake"
SOC = "Ascend310P3"


@dataclass(frozen=True)
class Site:
    """A toolkit's folder."""

    root: Path

    @property
    def packages(self) -> Path:
        """The folder for the module search path."""
        return self.root / "python" / "site-packages"

    @property
    def programs(self) -> Path:
        """The folder for the search path of programs."""
        return self.root / "bin"


def build(folder: Path) -> Site:
    """Lay out a toolkit.

    :param folder: A folder of its own, made here.
    """
    site = Site(folder)
    for each in (site.packages, site.programs, folder / f"{platform.machine()}-linux", folder / "compiler"):
        each.mkdir(parents=True)
    (site.packages / "acl").symlink_to(FAKE, target_is_directory=True)
    (site.packages / "acl.so").write_text("the fake is the package beside this file\n", encoding="utf-8")
    atc = site.programs / "atc"
    python, packages = shlex.quote(sys.executable), shlex.quote(str(site.packages))
    atc.write_text(f'#!/bin/sh\nPYTHONPATH={packages}:$PYTHONPATH exec {python} -m acl._atc "$@"\n', encoding="utf-8")
    atc.chmod(0o755)
    _tell_version(folder)
    return site


def _tell_version(root: Path) -> None:
    told = f"package_name=Ascend-cann-toolkit\nversion={VERSION}\narch={platform.machine()}\nos=linux\npath={root}\n"
    (root / f"{platform.machine()}-linux" / "ascend_toolkit_install.info").write_text(told, encoding="utf-8")
    (root / "version.cfg").write_text(f"toolkit_installed_version=[7.6.0.1.220:{VERSION}]\n", encoding="utf-8")
    (root / "compiler" / "version.info").write_text(f"Version={VERSION}\n", encoding="utf-8")
    lines = [
        f"export ASCEND_TOOLKIT_HOME={shlex.quote(str(root))}",
        'export PYTHONPATH="$ASCEND_TOOLKIT_HOME/python/site-packages:$PYTHONPATH"',
        'export PATH="$ASCEND_TOOLKIT_HOME/bin:$PATH"',
    ]
    (root / "set_env.sh").write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass
class Fake(FakeLibrary):
    """The fake as it is installed for one test: here, and in the processes that the test starts.

    What its variables say, which ``set`` and ``run`` take without FAKE_ and in lower case:

    - FAIL_AT=N: the N-th call of anything fails; FAIL_AT=NAME:N the N-th call of NAME, for example acl.rt.malloc:2
    - LOST_AT=N: from the N-th call on, what needs the device returns an error of a lost device
    - NO_DRIVER=CODE: what needs the driver returns this code, for example 507899
    - DEVICES=N, DEVICE_MEMORY=BYTES, SOC=Ascend310P3: what the devices are like; DEVICES=0: the driver finds none
    - RUN_MODE=1: the program runs on a host; 0: on the device's own processor
    - API=old: what older generations lack is not there, and codes of errors are theirs
    - ATC=killed, silent, inner, library, nothing: how ATC ends; nothing: well, but without a file
    - CALLS=0: calls are not counted, for benchmarks
    """

    site: Site
    folder: Path
    excused: bool = False

    @property
    def module(self) -> ModuleType:
        """The module ``acl`` in this process."""
        return importlib.import_module("acl")

    def set(self, **variables: object) -> None:
        """Set variables of the fake, here and in processes started from now on.

        :param variables: Without their prefix, in lower case, for example ``device_memory=1 << 20``.
        """
        super().set(**variables)
        self.module.fake_settings()

    def om(self, model: str | Path, **options: object) -> Path:
        """Compile an ONNX model with the fake of ATC, in this process; returns the file.

        :param options: Of ATC, for example ``input_shape="x:-1,3"``, ``dynamic_batch_size="1,2,4"``.
        """
        compiler: Any = importlib.import_module("acl._atc_compiler")
        atc: Any = importlib.import_module("acl._atc_options")
        om: Any = importlib.import_module("acl._om")
        given = {"framework": 5, "output": "model", "soc_version": SOC, "precision_mode": "must_keep_origin_dtype"}
        arguments = [f"--{name}={value}" for name, value in {"model": model, **given, **options}.items()]
        chosen = atc.parsed(arguments)
        atc.check(chosen)
        program, content = compiler.compiled(chosen, shlex.join(["atc", *arguments]))
        target = self.folder / f"{Path(model).stem}.om"
        target.write_bytes(om.pack(program, content))
        return target

    def report(self) -> list[Entry]:
        """Return the account of this process since the test began."""
        return ledger.entries(self.module.fake_report())

    def begin(self) -> None:
        """Begin a new account in this process."""
        self.module.fake_begin()

    def misuse(self) -> str:
        """Return what this process did wrong."""
        return "; ".join(entry.detail for entry in self.report() if entry.what == "misuse")

    def excuse(self) -> None:
        """Let this test end with misuse, or with something that is not released: it is what it tests."""
        self.excused = True

    def run(self, code: str, **variables: object) -> list[Entry]:
        """Run code in a Python process with the fake; returns what the process left in the ledger.

        :param variables: Variables of the fake, as for ``set``.
        """
        return self.run_in_process(code, [self.site.packages, Path(__file__).parent], **variables)
