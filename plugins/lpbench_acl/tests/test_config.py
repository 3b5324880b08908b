"""The options: what is absurd is refused before anything is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import lpbench_acl
from lpbench.errors import ConfigError
from lpbench.testing import fixtures
from lpbench.testing.setups import python
from lpbench.util import dataclass_config
from lpbench_acl.config import AclConfig

if TYPE_CHECKING:
    from lpbench.plugin import specs

spec = fixtures.engine_spec(lpbench_acl, "acl")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"device": "cpu"}, "npu:1"),
        ({"device": "npu:-1"}, "npu:1"),
        ({"device": "npu:"}, "npu:1"),
        ({"device": "npu:12345"}, "npu:1"),
        ({"device": "gpu:0"}, "npu:1"),
        ({"memory": "huge"}, "'huge-first'"),
        ({"asynchronous": "yes"}, "true or false"),
    ],
)
def test_an_absurd_option_is_refused_by_name(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(AclConfig, values)
    assert next(iter(values)) in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(("device", "unit"), [("npu", "npu:0"), ("NPU:3", "npu:3"), ("npu:0", "npu:0")])
def test_a_device_is_an_npu(device: str, unit: str) -> None:
    assert AclConfig(device=device).unit == unit


def test_listing_and_options_import_nothing_heavy() -> None:
    modules = "{'numpy', 'acl', 'lpbench_acl._calls'}"
    code = f"import sys, lpbench_acl, lpbench_acl.config; print(sorted({modules} & set(sys.modules)))"
    assert python(code).strip() == "[]"


def test_an_app_may_not_choose_how_an_npu_is_used(spec: specs.EngineSpec) -> None:
    """Apps come from other people, and none of the options changes what is computed."""
    assert spec.app_options == ()
