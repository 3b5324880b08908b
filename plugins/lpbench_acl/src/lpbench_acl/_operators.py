"""Says that AscendCL cannot tell which operators of a model it does not support: only ATC can, when it converts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from lpbench.plugin.engine import EngineError

if TYPE_CHECKING:
    from lpbench.plugin.engine import Model
    from lpbench_acl.config import AclConfig


def operators(model: Model, config: AclConfig | None) -> NoReturn:  # noqa: ARG001 - the contract's signature
    """Refuse: an offline model holds no operator that ATC did not support, and does not tell which it holds.

    :raises EngineError: Always.
    """
    raise EngineError(
        "an offline model is compiled: it does not tell its operators, and ATC has supported all of them",
        where=str(model.path),
        hint="lpbench convert MODEL.onnx --to om names the operators of a model that ATC does not support",
    )
