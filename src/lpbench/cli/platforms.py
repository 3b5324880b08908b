"""``lpbench platforms``: the catalogue of hardware platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.cli import _catalogue

if TYPE_CHECKING:
    import argparse

EPILOG = """examples:
  lpbench platforms --filter os=linux --filter board_power=5
  lpbench platforms rpi4
  lpbench platforms --csv hw_info.csv"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "List hardware platforms with what their sources state: the boards of the published benchmark data and of EC7. "
        "What no source tells is left empty. The row of this machine is marked."
    )
    parser.epilog = EPILOG
    _catalogue.configure(parser, "platforms", "os=linux")


def main(options: argparse.Namespace) -> int:
    """List the platforms."""
    from lpbench.jobs.datasheets import platforms

    return _catalogue.answer(options, platforms(files=options.file))
