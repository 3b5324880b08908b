"""Entry point of the processes that run checks: of one check, given its order, or of all that standard input names."""

from __future__ import annotations

import sys

from lpbench.testing._child import main
from lpbench.testing._nursery import serve

if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(sys.argv[1]))
    serve(main)
