"""Opens models with AscendCL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.engine import Engine
from lpbench.plugin.kit import feed_checks
from lpbench.plugin.kit.device_session import naming
from lpbench.plugin.kit.resources import acquiring
from lpbench_acl import _gear_tables
from lpbench_acl._lane import Lane
from lpbench_acl._model import load
from lpbench_acl._run import Call
from lpbench_acl._runtime import runtime
from lpbench_acl._session import RAISED, AclSession, in_words
from lpbench_acl._tensors import tensors
from lpbench_acl.config import AclConfig

if TYPE_CHECKING:
    from lpbench.plugin.engine import Model, Shapes
    from lpbench.plugin.kit.resources import Resources


class AclEngine(Engine[AclConfig]):
    """AscendCL; reads offline models (``.om``)."""

    def open(self, model: Model, config: AclConfig | None, /, *, shapes: Shapes, profile: bool = False) -> AclSession:
        """Load a model on the config's NPU.

        :raises EngineError: It cannot be loaded as requested; the error names the file.
        """
        with acquiring() as resources, naming(model.path, RAISED, in_words):
            return _open(model, config or AclConfig(), shapes, resources, profile=profile)


def _open(model: Model, config: AclConfig, shapes: Shapes, resources: Resources, *, profile: bool) -> AclSession:
    lane = Lane(runtime(), config, resources)
    loaded = load(lane, model.path, resources)
    inputs, outputs = tensors(lane.calls, loaded, "input"), tensors(lane.calls, loaded, "output")
    gears = _gear_tables.gears(lane.calls, loaded.description, [tensor.info for tensor in inputs])
    if gears:
        gears = gears.within(shapes)
    else:
        feed_checks.fixed([tensor.info for tensor in inputs], shapes)
    call = Call(lane, loaded, (inputs, outputs), gears, resources)
    if profile:
        call.observe(resources)
    resources.add(call.drop)
    resources.add(lane.wait)  # a run that was interrupted may have left work
    resources.add(lane.select)  # others in this thread may have put another context in force
    call.prepare()
    return AclSession(lane, loaded, call, resources)
