"""Entry point of the process that runs one check."""

from __future__ import annotations

import sys

from lpbench.testing._child import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
