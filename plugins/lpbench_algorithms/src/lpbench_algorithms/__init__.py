"""Kernels of transprecision computing for lpbench: ``fwt``, ``saxpy``, ``convolution`` and ``correlation``.

Each variable of a kernel has as many bits as a sweep says; the error is that against all variables at 53 bits.
Importing this module imports no numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.algorithm import Signature, Target, Variable
from lpbench.plugin.algorithm_spec import AlgorithmSpec
from lpbench.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

KERNELS = {
    "fwt": ("Fwt", "fast Walsh-Hadamard transform", ("the vector", "a butterfly")),
    "saxpy": ("Saxpy", "generalised vector addition", ("the factor", "x and its product", "y and the sum")),
    "convolution": (
        "Convolution",
        "convolution of a matrix with an 11x11 kernel",
        ("the matrix", "the kernel", "a product", "the sum"),
    ),
    "correlation": (
        "Correlation",
        "correlation matrix",
        ("the data", "means", "variances", "deviations", "normalised data", "a product", "the sum"),
    ),
}
"""By name: the class, what it is, and what each variable holds."""
INSTANCES = 30
ERROR = Target("error", "", "lowest", "greatest squared relative difference from the answer at 53 bits; 0 there")
QUALITY = Target("quality", "", "highest", "negative natural logarithm of the error; an exact answer has none")


@hookimpl
def lpbench_register_algorithms(register: Callable[[AlgorithmSpec], None]) -> None:
    """Register the kernels."""
    for name, (kernel, what, held) in KERNELS.items():
        register(
            AlgorithmSpec(
                name,
                f"lpbench_algorithms._algorithms:{kernel}",
                f"{what} at reduced precision",
                requires=("numpy",),
                hint='pip install "lpbench[algorithms]"',
                signature=Signature(tuple(map(_variable, range(len(held)), held)), (), (ERROR, QUALITY), INSTANCES),
                version="1",
            )
        )


def _variable(number: int, held: str) -> Variable:
    return Variable(f"var_{number}", "int", 4, 53, doc=f"bits of the significand of {held}")
