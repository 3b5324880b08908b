"""Where processes of lpbench look for modules: what is installed comes first, ``PYTHONPATH`` after it.

Folders of ``PYTHONPATH`` may hold plugins and vendors' libraries, and must not shadow the standard library, lpbench
or anything that is installed.  An entry that is empty or relative is left out: it means whatever folder one is in.

This module and what it imports come before that is settled, so they import what Python has loaded while it started.
"""

import os
import sys


def absolute(path: str) -> str:
    """Return the absolute entries of a search path such as ``PYTHONPATH`` or ``PATH``."""
    return os.pathsep.join(entry for entry in path.split(os.pathsep) if os.path.isabs(entry))  # noqa: PTH117


def append(path: str) -> None:
    """Append the entries of a ``PYTHONPATH`` to this process's search path, and set the variable to them."""
    entries = absolute(path)
    if not entries:
        return
    os.environ["PYTHONPATH"] = entries
    sys.path.extend(entry for entry in entries.split(os.pathsep) if entry not in sys.path)
    if "sitecustomize" not in sys.modules:  # Python looked for it before these entries were there
        import site

        site.execsitecustomize()


def settle(*, first: bool = False) -> None:
    """Put the entries of ``PYTHONPATH`` last in the search path of this process, which runs the command line.

    :param first: Also leave out the first entry, which is the working directory with ``python -m``.
    """
    if first and not getattr(sys.flags, "safe_path", False):  # Python 3.10 has no such flag
        del sys.path[0]
    path = "" if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "")
    if not path:
        return
    library = os.path.dirname(os.__file__)  # noqa: PTH120 - pathlib takes time
    # as Python has them: absolute, the empty one and the relative ones too
    given = {os.path.abspath(entry) for entry in path.split(os.pathsep)} - {library}  # noqa: PTH100
    kept = [entry for entry in sys.path if entry not in given]
    last = dict.fromkeys(entry for entry in map(os.path.abspath, absolute(path).split(os.pathsep)) if entry in given)
    sys.path[:] = [*kept, *last]
