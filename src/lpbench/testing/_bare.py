"""Builds a case from any model file, with synthetic inputs and no expected outputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lpbench.app import bare_model
from lpbench.errors import EngineError
from lpbench.plugin import registry
from lpbench.plugin.builtin.tensors import TensorConfig, TensorPreprocessor
from lpbench.plugin.engine import Model, TensorInfo
from lpbench.testing.cases import EngineCase
from lpbench.util import dataclass_config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def model_case(
    engine: str,
    model: Path | str,
    *,
    extra: Sequence[Path | str] = (),
    inputs: Sequence[Path | str] = (),
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> EngineCase:
    """Return a case for a model file.

    :param extra: Further files of the model.
    :param inputs: One or two .npy or .npz files; missing ones are replaced by synthetic inputs.
    :param shapes: Shapes of inputs whose dimensions are open.
    :raises LpbenchError: The engine does not read the model's format, or an input cannot be read or generated.
    """
    path = Path(model)
    spec = registry.current().get(registry.ENGINES, engine).spec
    kind = bare_model.model_format(path)
    if kind not in spec.formats:
        raise EngineError(f'engine "{spec.name}" reads {", ".join(spec.formats)}; this is {kind}', where=str(path))
    engine_model = Model(kind, path, tuple(map(Path, extra)))
    settings = dataclass_config.build(
        TensorConfig, {"shapes": {name: tuple(shape) for name, shape in (shapes or {}).items()}}
    )
    preprocessor = TensorPreprocessor(settings, _inputs(spec.name, dict(spec.environment), engine_model))
    samples = [preprocessor.load(Path(file)) for file in inputs][:2]
    samples += [preprocessor.generate(index, 0) for index in range(2 - len(samples))]
    return EngineCase(
        model=engine_model, feeds=samples[0].data, other=samples[1].data, shapes=settings.shapes if shapes else {}
    )


def _inputs(engine: str, environment: dict[str, str], model: Model) -> list[TensorInfo]:
    """Return a model's inputs as the engine reports them in a worker."""
    from lpbench.worker.client import Worker, WorkerOptions
    from lpbench.worker.requests import InspectModel

    with Worker(WorkerOptions(environment=environment)) as worker:
        found = worker.request(InspectModel(str(model.path), model.format, engine))
    return list(found.inputs)
