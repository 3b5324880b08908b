"""The program: ``lpbench``, and ``python -m lpbench`` likewise."""

import sys

from lpbench.util import search_path


def main() -> int:
    """Run one command, in a process whose search path has what is installed before anything else is imported.

    An empty entry of ``PYTHONPATH``, as ``export PYTHONPATH=/folder:$PYTHONPATH`` makes it, is the working directory.
    """
    search_path.settle(first=__name__ == "__main__")
    from lpbench import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
