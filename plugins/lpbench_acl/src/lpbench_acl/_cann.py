"""Finds CANN, Huawei's toolkit for Ascend NPUs, and its Python module ``acl``, without importing any of it.

CANN is no Python package: its set_env.sh puts ``ROOT/python/site-packages`` onto PYTHONPATH, where ``acl.so`` lies, and
its libraries onto LD_LIBRARY_PATH.  Versions up to 5.0 have ``ROOT/pyACL/python/site-packages/acl/acl.so``.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.errors import LpbenchError
from lpbench.plugin.distributions import identity
from lpbench.plugin.kit.untrusted import open_regular, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = "acl"
NAMESAKES = ("acl", "pyacl")
"""Distributions on PyPI that bring a module of this name: a parser of access lists, and one of 2009."""
VARIABLES = ("ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH")
"""Variables that set_env.sh sets to the root."""
PRODUCTS = ("cann", "ascend-toolkit", "nnrt", "nnae")
"""Folders of an installation: the toolkit's since CANN 8.5, and before; those of runtimes without a compiler."""
USUAL = "source /usr/local/Ascend/ascend-toolkit/set_env.sh, or since CANN 8.5 /usr/local/Ascend/cann/set_env.sh"
NOT_ON_PYPI = "what PyPI has as acl is something else"
MARKS = ("version.cfg", "*-linux/ascend_*_install.info", "*/version.info")
"""Files by which a root of CANN is told from any other folder."""
FUNCTION = b"aclrtSetDevice"
"""A function of AscendCL that acl.so of every version asks its libraries for."""
LONGEST_TEXT, LONGEST_LIBRARY = 64 << 10, 64 << 20
"""Bytes that are read of a file of versions, and of acl.so."""
NUMBER = re.compile(r"\d[\w.+-]{0,40}", re.ASCII)
STATED = re.compile(r"^(version|innerversion)=([\w.+-]{1,40})\s*$", re.MULTILINE | re.ASCII)
PARTS = re.compile(r"^\w+_(?:running|installed)_version=\[[^\]\n]*:([\w.+-]{1,40})\]", re.MULTILINE | re.ASCII)
"""Matches a line of version.cfg, which names a part's version and that of CANN."""


def module_file() -> Path | None:
    """Return the file that ``import acl`` would load, whosever it is; None where there is none."""
    try:
        spec = importlib.util.find_spec(MODULE)
    except (ImportError, ValueError):  # partly loaded, or put there by hand
        return None
    return Path(spec.origin) if spec is not None and spec.origin else None


def problem(root: Path = Path("/")) -> tuple[str, str] | None:
    """Return why ``import acl`` would not import CANN's module, and what to do; None where it would.

    :param root: Where the files of the machine lie.
    """
    file = module_file()
    if file is None:
        return _missing(root)
    if root_of(file) or _linked_with_cann(file):
        return None
    return _foreign(file, root)


def _missing(root: Path) -> tuple[str, str]:
    """Return why there is no module ``acl``, and what to do."""
    for each in _named():
        if (folder := each / "python" / "site-packages").joinpath("acl.so").is_file():
            what = f"PYTHONPATH does not lead to the module acl of {each}, although CANN's environment is set"
            return what, f"export PYTHONPATH={shlex.quote(str(folder))}:$PYTHONPATH"
    if script := next(settings(root), None):
        what = f"CANN is installed in {script.parent}, and its environment is not set: there is no module acl"
        return what, f"source {shlex.quote(str(script))} in the shell that starts lpbench"
    return "CANN is not installed: there is no module acl", f"install Huawei's CANN, then {USUAL}; {NOT_ON_PYPI}"


def _foreign(file: Path, root: Path) -> tuple[str, str]:
    """Return whose the module ``acl`` is, and what to do."""
    top = file.parent.parent if file.stem == "__init__" else file.parent
    name, number = _owner(top)
    whose = f"it belongs to the distribution {name} {number}" if name else "it is somebody else's"
    away = f"pip uninstall {name}" if name else f"remove it, or take {shlex.quote(str(top))} off the search path"
    script = next(settings(root), None)
    then = f"source {shlex.quote(str(script))}" if script else f"install Huawei's CANN and {USUAL}"
    return f"the module acl in {file} is not CANN's: {whose}", f"{away}, then {then}"


def _owner(folder: Path) -> tuple[str, str]:
    """Return the name and version of the distribution in a folder that is known to bring a module ``acl``."""
    for name in NAMESAKES:
        for each in importlib.metadata.distributions(name=name, path=[str(folder)]):
            told = identity(each)[1]
            return name, shorten(told, 40)
    return "", ""


def _linked_with_cann(file: Path) -> bool:
    """Return whether a module outside an installation, as it is copied onto small boards, is CANN's."""
    return file.suffix == ".so" and FUNCTION in _content(file, LONGEST_LIBRARY)


def root_of(file: Path) -> Path | None:
    """Return the root of the CANN that a module's file lies in; None if it lies in none."""
    for folder in file.parents:
        if folder.name == "site-packages" and folder.parent.name == "python":
            root = folder.parent.parent
            root = root.parent if root.name == "pyACL" else root
            return root if any(next(root.glob(mark), None) for mark in MARKS) else None
    return None


def version() -> str:
    """Return the version of the CANN whose module is found, ``8.0.0``; empty where no file states it."""
    root = _root()
    return version_of(root) if root else ""


def internal_version() -> str:
    """Return Huawei's internal version of the CANN whose module is found, ``V100R001C17SPC001``, or an empty text."""
    root = _root()
    return _stated(root).get("innerversion", "") if root else ""


def version_of(root: Path) -> str:
    """Return the version of CANN by its root; empty if no file states it."""
    told = _stated(root).get("version", "") or next(iter(PARTS.findall(text(root / "version.cfg"))), "")
    return told if NUMBER.fullmatch(told) else ""


def _root() -> Path | None:
    file = module_file()
    return root_of(file) if file else None


def _stated(root: Path) -> dict[str, str]:
    """Return what the installer of the toolkit, or else of a runtime, wrote down."""
    files = sorted(root.glob("*-linux/ascend_*_install.info"), key=lambda path: "toolkit" not in path.name)
    return dict(STATED.findall(text(files[0]))) if files else {}


def settings(root: Path = Path("/")) -> Iterator[Path]:
    """Yield the files set_env.sh of the CANNs that are installed here, those that variables name first.

    :param root: Where the files of the machine lie.
    """
    folders = [folder for each in _named() for folder in (each, each.parent)]
    home = os.environ.get("HOME")
    for base in (root / "usr/local/Ascend", *([Path(home, "Ascend")] if home else [])):
        folders += [*(base / product for product in PRODUCTS), *sorted(base.glob("cann-*"), reverse=True)]
    yield from (path for folder in folders if (path := folder / "set_env.sh").is_file())


def _named() -> list[Path]:
    """Return the roots that CANN's variables name."""
    return [Path(value) for variable in VARIABLES if (value := os.environ.get(variable))]


def text(path: Path) -> str:
    """Return a small file's text; empty where it cannot be read."""
    return _content(path, LONGEST_TEXT).decode("utf-8", "replace")


def _content(path: Path, most: int) -> bytes:
    """Return a file's beginning; nothing where it cannot be read."""
    try:
        with open_regular(path) as file:
            return file.read(most)
    except (OSError, LpbenchError):
        return b""
