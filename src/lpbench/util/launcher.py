"""The file that Python runs by its path in every process that lpbench starts.

    python launcher.py -m MODULE ARGUMENT …    the module, as ``python -m`` does
    python launcher.py -c CODE ARGUMENT …      the code, as ``python -c`` does
    python launcher.py -- PROGRAM ARGUMENT …   any program

It is small because Python compiles it every time; ``lpbench.util.guardian`` does the work.
"""

from __future__ import annotations

import sys
from importlib import util


def main() -> None:
    """Leave this file's folder out of the search path and go on in the module beside it."""
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):  # Python 3.10 has no flag safe_path
        del sys.path[0]
    place = __file__[: -len("launcher.py")] + "guardian.py"
    # by its path: lpbench itself takes time to import, and is not needed before a program that is no Python
    spec = util.spec_from_file_location("guardian", place)
    assert spec  # noqa: S101 - the loader follows from the ending
    assert spec.loader  # noqa: S101
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(sys.argv[1:])


if __name__ == "__main__":
    main()
