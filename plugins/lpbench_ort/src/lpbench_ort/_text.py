"""Makes ONNX Runtime's error messages readable."""

from __future__ import annotations

import re

PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
SOURCE = re.compile(r"\S*/?\w+\.(?:cc|h):\d+ (?:[^\n]*?\) (?:const )?(?:\[with [^\]]*\] )?|\w+ )")
"""A C++ file, line and function signature."""


def plain_words(error: BaseException) -> str:
    """Return an error's message without codes, C++ file positions and signatures."""
    text = PREFIX.sub("", str(error))
    return " ".join(SOURCE.sub("", text).split()) or type(error).__name__
