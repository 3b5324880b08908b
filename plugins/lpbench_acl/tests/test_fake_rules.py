"""The fake of AscendCL: what holds for whole programs, for arguments, and for memory that a host cannot read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from plugins.lpbench_acl.tests import bare

if TYPE_CHECKING:
    from plugins.lpbench_acl.tests.fake_site import Fake


def test_memory_of_the_device_cannot_be_read_by_the_host(fake_acl: Fake) -> None:
    code = """
import bare, ctypes
device = bare.Device()
ctypes.string_at(bare.call("rt.malloc", 64, 0), 1)
"""
    fake_acl.excuse()
    with pytest.raises(AssertionError):
        fake_acl.run(code)
    fake_acl.run(code, run_mode=0)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("rt.malloc", (64,)),
        ("rt.malloc", (64.0, 0)),
        ("rt.malloc", (64, 0, 0)),
        ("rt.malloc_host", (np.int64(64),)),
        ("rt.memcpy", (b"bytes", 5, b"bytes", 5, 0)),
        ("mdl.load_from_file", (b"model.om",)),
        ("init", (None,)),
    ],
)
def test_arguments_are_parsed_as_an_extension_does(fake_acl: Fake, name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=f"acl.{name} args parse failed"):
        bare.call(name, *arguments)


def test_arguments_have_no_names(fake_acl: Fake) -> None:
    with pytest.raises(TypeError):
        fake_acl.module.rt.malloc(size=64, policy=0)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import acl; acl.rt.create_stream()", "before acl.init"),
        ("import bare; bare.call('init')", "the process ends without it"),
        ("import bare, acl; bare.Device().acl.finalize()", "finalized while 1 contexts and 1 devices are in use"),
        (
            """
import bare, os
device = bare.Device()
child = os.fork()
if child == 0:
    device.acl.rt.synchronize_stream(device.stream)
    os._exit(0)
os.waitpid(child, 0)
device.close()""",
            "in a process that was forked after acl.init",
        ),
        (
            "import bare; device = bare.Device(); bare.call('rt.malloc', 64, 0); device.acl.rt.reset_device(0)",
            "reset while 1 contexts and 1 blocks of memory are in use",
        ),
    ],
)
def test_the_order_of_the_whole_program_counts(fake_acl: Fake, code: str, told: str) -> None:
    fake_acl.excuse()
    assert told in "; ".join(entry.detail for entry in fake_acl.run(code) if entry.what == "misuse")
