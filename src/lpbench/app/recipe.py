"""Runs one build recipe: the module ``lpbench.app.recipe`` with ``package.module:function``, MEMBERS and OUTPUT.

Recipes run in their own process because they import libraries that may crash, and
because the memory that they use is freed at its end.  The last line of output is the error.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Call the recipe with the folder of fetched members and the app's folder; return the exit status."""
    from lpbench.plugin.specs import load

    target, members, output = arguments
    try:
        load(target, who="recipe")(Path(members), Path(output))
    except Exception as error:  # noqa: BLE001 - a recipe may raise anything; the parent reads the last line
        import traceback

        traceback.print_exc()
        message = " ".join(str(error).split())
        sys.stderr.write(f"{type(error).__name__}: {message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
