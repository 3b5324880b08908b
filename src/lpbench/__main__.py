"""``python -m lpbench`` is ``lpbench``."""

import sys

from lpbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
