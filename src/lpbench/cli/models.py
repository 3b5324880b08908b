"""``lpbench models``: the catalogue of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.cli import _catalogue

if TYPE_CHECKING:
    import argparse

EPILOG = """examples:
  lpbench models --filter application=segmentation
  lpbench models mobilenet-v2"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "List reference models with what their sources state. What no source tells is left empty. "
        "lpbench apps lists the apps that can be measured."
    )
    parser.epilog = EPILOG
    _catalogue.configure(parser, "models", "family=CNN")


def main(options: argparse.Namespace) -> int:
    """List the models."""
    from lpbench.jobs.datasheets import models

    return _catalogue.answer(options, models(files=options.file))
