"""``python -m lpbench`` is ``lpbench``."""

import sys

from lpbench.util import search_path

if __name__ == "__main__":
    search_path.settle(first=True)  # before anything else is imported: it may lie in the working directory
    from lpbench.cli import main

    sys.exit(main())
