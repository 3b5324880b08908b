"""``lpbench frameworks``: the catalogue of deployment frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.cli import _catalogue

if TYPE_CHECKING:
    import argparse

EPILOG = """examples:
  lpbench frameworks --filter environments=FPGA
  lpbench frameworks tflite"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "List deployment frameworks with what their sources state, and which engines of installed plugins run each. "
        "What no source tells is left empty."
    )
    parser.epilog = EPILOG
    _catalogue.configure(parser, "frameworks", "open_source=yes")


def main(options: argparse.Namespace) -> int:
    """List the frameworks."""
    from lpbench.jobs.datasheets import frameworks

    return _catalogue.answer(options, frameworks(files=options.file))
