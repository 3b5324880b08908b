"""Opens models with AscendCL."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from lpbench.plugin.engine import Engine, EngineError
from lpbench.plugin.kit import feed_checks
from lpbench.plugin.kit.resources import Resources, let_go
from lpbench_acl import _gear_tables
from lpbench_acl._lane import Lane
from lpbench_acl._model import load
from lpbench_acl._run import Call
from lpbench_acl._runtime import runtime
from lpbench_acl._session import AclSession, naming
from lpbench_acl._tensors import tensors
from lpbench_acl.config import AclConfig

if TYPE_CHECKING:
    from lpbench.plugin.engine import Model, Shapes


class AclEngine(Engine[AclConfig]):
    """AscendCL; reads offline models (``.om``)."""

    def open(self, model: Model, config: AclConfig | None, /, *, shapes: Shapes, profile: bool = False) -> AclSession:
        """Load a model on the config's NPU.

        :raises EngineError: It cannot be loaded as requested; the error names the file.
        """
        resources = Resources()
        try:
            with naming(model.path):
                return _open(model, config or AclConfig(), shapes, resources, profile=profile)
        except BaseException as error:
            let_go(error)
            with contextlib.suppress(EngineError):  # the first error is the one to know
                resources.close()
            raise


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
