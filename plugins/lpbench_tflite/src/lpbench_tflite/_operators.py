"""Finds the operators of a model that the installed library does not have.

The library stops at the first one, so each is tried in a separate model.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lpbench.plugin.kit.tflite_file import CUSTOM
from lpbench_tflite._write import Kind, Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpbench.plugin.kit.tflite_file import Structure

KNOWN_CUSTOM = frozenset({"AudioSpectrogram", "Mfcc", "NumericVerify", "TFLite_Detection_PostProcess"})
"""Custom operators that LiteRT includes."""
ABSENT = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'|builtin_code out of range: (\d+)")


def missing(structure: Structure, start: Callable[[bytes], Any]) -> list[str]:
    """Return the names of the operators that the library lacks, with the missing version if it has others.

    :param start: Makes an interpreter, which looks up its operators.
    """
    return [*absent(structure, start).values(), *unknown_custom(structure)]


def absent(structure: Structure, start: Callable[[bytes], Any]) -> dict[tuple[int, int], str]:
    """Return the names of the built-in operators that the library lacks, by code and version; see ``missing``."""
    built_in = sorted({(code, version) for code, _, version in structure.codes if code != CUSTOM})
    named = {kind: _absent(*kind, start) for kind in built_in}
    return {kind: name for kind, name in named.items() if name}


def unknown_custom(structure: Structure) -> list[str]:
    """Return the names of the custom operators that LiteRT does not include."""
    return [name for name in structure.custom if name not in KNOWN_CUSTOM]


def _absent(code: int, version: int, start: Callable[[bytes], Any]) -> str:
    network = Network()
    tensor = network.tensor("x", (1,))
    network.kind(Kind(code, version=version))
    try:
        start(network.save([tensor], [tensor]))
    except (ValueError, RuntimeError) as error:
        match = ABSENT.search(str(error))
        if match and match[1]:
            return f"{match[1]} version {match[2]}"
        return f"number {match[3]}" if match else ""
    return ""
