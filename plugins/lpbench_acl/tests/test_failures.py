"""A failure at every single call of AscendCL: errors that carry its reason, nothing left behind.

The table of calls and outcomes: ``pytest -s -m long plugins/lpbench_acl/tests/test_failures.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpbench.testing.failing_calls import OneSession, Rules, fail_each

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
RELEASES = (
    "acl.destroy_data_buffer",
    "acl.mdl.destroy_dataset",
    "acl.mdl.destroy_desc",
    "acl.mdl.unload",
    "acl.prof.destroy_subscribe_config",
    "acl.prof.model_unsubscribe",
    "acl.rt.destroy_context",
    "acl.rt.destroy_event",
    "acl.rt.destroy_stream",
    "acl.rt.free",
    "acl.rt.free_host",
    "acl.rt.reset_device",
)
GOES_ON = {
    "acl.get_recent_err_msg": "a call's failure is told without its reason",
    "acl.get_soc_name": "the name of the NPU is not known",
    "acl.mdl.get_input_format": "the order of an image's dimensions is not known",
    "acl.mdl.query_size": "the memory of the model is what loading it took",
    "acl.prof.create_subscribe_config": "the profile is refused with the reason",
    "acl.prof.model_subscribe": "the profile is refused with the reason",
    "acl.rt.get_mem_info": "the memory of the model is not known where its file does not tell",
}
"""Calls whose failure costs a fact alone."""
RULES = Rules(may_leave=dict.fromkeys(RELEASES, 1), goes_on=GOES_ON)


@dataclass(frozen=True)
class Scenario:
    """What is converted and how it is opened.

    :param rows: The batch of the ONNX model.
    :param converting: Options of ATC.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    rows: int | str = 2
    converting: Mapping[str, str] = field(default_factory=dict)


GEARS = {"input_shape": "x:-1,3", "dynamic_batch_size": "1,2,4"}
SCENARIOS = {
    "asynchronous": Scenario(),
    "waiting": Scenario({"asynchronous": False}),
    "profiled": Scenario({"profile": True}),
    "gears": Scenario(rows="N", converting=GEARS),
}


@pytest.mark.long
@pytest.mark.parametrize("run_mode", [0, 1], ids=["device", "host"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_call_may_fail(
    models: Graphs, open_session: Opener, fake_acl: Fake, run_mode: int, scenario: str
) -> None:
    """From the first call to the last, each in a session of its own: an EngineError that names file and call."""
    fake_acl.excuse()  # what a call that fails to release leaves is counted, not forbidden
    fake_acl.set(run_mode=run_mode)
    given = SCENARIOS[scenario]
    path = fake_acl.om(models.one("Relu", (given.rows, 3)), **given.converting)
    table = fail_each(fake_acl, OneSession(open_session, path, {"x": X}, options=given.options), RULES)
    print("", f"{scenario}, run mode {run_mode}", table, sep="\n")  # noqa: T201 - the table of the docstring
