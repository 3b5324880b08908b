"""The life of the runtime: initialisation, devices and contexts."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any

from . import _api
from ._api import (
    ANY,
    CODE,
    INITIALISED,
    REPEATED,
    Refusal,
    account,
    api,
    bare,
    say,
    state,
    thread,
    value,
    values,
    wrong,
)
from ._handles import Table
from ._memory import memory

INVALID_DEVICE, NO_DEVICE, REPEATED_FINALIZE, INVALID_FILE = 107001, 207004, 100037, 100003
CANN = "8.0.0+fake"
API_VERSION = (1, 15, 0)


class Context:
    """A context: what is made in it is used in it."""

    def __init__(self, device: int, *, created: bool) -> None:
        self.device, self.created = device, created
        self.alive = True
        self.handle = 0
        self.streams: list[Any] = []
        self.models: list[Any] = []
        self.default: Any = None
        """the stream that handle 0 stands for"""


class Device:
    """A device as this process uses it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.uses = 0
        self.stuck = False
        self.context = Context(number, created=False)
        self.clock = 0
        """nanoseconds that its work took"""


contexts: Table[Context] = Table("context", 107002)
devices: dict[int, Device] = {}


def device(number: int) -> Device:
    """Return a device that exists."""
    if code := state.settings.no_driver:
        raise Refusal(code, "EE8888: driver error: no device is found, check /dev/davinci_manager (fake)")
    if not 0 <= number < state.settings.devices:
        count = state.settings.devices
        raise Refusal(INVALID_DEVICE, f"EE1003: drv device id {number} is invalid, valid range [0, {count})")
    return devices.setdefault(number, Device(number))


@api("acl.init", "|s", needs=ANY)
def init(path: str | None = None) -> int:
    if path and not Path(path).is_file():
        raise Refusal(INVALID_FILE, f"EH0002: the file {path} does not exist")
    state.initialised += 1
    state.update()
    if state.initialised > 1:
        say("EH0001: acl has been initialized repeatedly")
        return REPEATED
    return 0


@api("acl.finalize", "", needs=ANY)
def finalize() -> int:
    if not state.initialised:
        say("EH0001: acl has been finalized repeatedly")
        return REPEATED_FINALIZE
    alive = [f"{len(left)} {name}" for name, left in (("contexts", contexts.left()), ("devices", in_use())) if left]
    state.initialised = 0
    state.update()
    if alive and not state.lost:
        raise wrong(f"finalized while {' and '.join(alive)} are in use", 0)
    return 0


def in_use() -> list[Device]:
    """Return the devices that are set and could be reset."""
    return [each for each in devices.values() if each.uses and not each.stuck]


def _ended() -> None:
    if state.initialised and state.process == os.getpid():
        account.misuse("acl.finalize", "the process ends without it")


weakref.finalize(state, _ended)


@api("acl.get_recent_err_msg", "", bare(None), needs=ANY)
def get_recent_err_msg() -> str | None:
    message, thread.message = thread.message, None
    return message


@api("acl.get_soc_name", "", bare(None), needs=INITIALISED)
def get_soc_name() -> str | None:
    return None if state.settings.no_driver else state.settings.soc


@api("acl.get_version", "", values(0, 0, 0), needs=ANY)
def get_version() -> tuple[int, int, int]:
    return API_VERSION


@api("+acl.get_cann_version", "i", value({}), needs=ANY)
def get_cann_version(package: int) -> dict[str, object]:
    if package not in range(8):
        raise wrong(f"package {package}")
    major, minor, rest = CANN.split(".")
    return {
        "version": CANN,
        "major_version": int(major),
        "minor_version": int(minor),
        "release_version": int(rest[0]),
        "patch_version": 0,
        "reserved": "",
    }


@api("acl.rt.get_device_count", "", value(0), needs=INITIALISED)
def get_device_count() -> int:
    if code := state.settings.no_driver:
        raise Refusal(code, "EE8888: driver error: no device is found, check /dev/davinci_manager (fake)")
    if not state.settings.devices:
        raise Refusal(NO_DEVICE, "EE8888: no available device")
    return state.settings.devices


@api("acl.rt.get_run_mode", "", value(0), needs=INITIALISED)
def get_run_mode() -> int:
    if code := state.settings.no_driver:
        raise Refusal(code, "EE8888: driver error: no device is found, check /dev/davinci_manager (fake)")
    return state.settings.run_mode


@api("acl.rt.set_device", "i", needs=INITIALISED, code=507033)
def set_device(number: int) -> None:
    found = device(number)
    found.uses += 1
    account.made("device in use", _use(found))
    if not found.context.alive:
        found.context = Context(number, created=False)
    thread.context = found.context


def _use(found: Device) -> int:
    return found.number * 1000 + found.uses


def _stuck(number: int) -> None:
    if number in devices:
        devices[number].stuck = True


def _dropped(number: int) -> None:
    if number in devices and devices[number].uses:
        _released(devices[number])


def _released(found: Device) -> None:
    account.gone("device in use", _use(found))
    found.uses -= 1
    if not found.uses:
        found.context.alive = False
        if thread.context is found.context:
            thread.context = None


@api("acl.rt.reset_device", "i", needs=INITIALISED, failed=_stuck, dropped=_dropped)
def reset_device(number: int) -> None:
    found = device(number)
    if not found.uses:
        raise wrong(f"device {number} was not set, or is reset already", INVALID_DEVICE)
    if found.uses == 1 and not found.stuck:
        _check_empty(found)
    _released(found)


def _check_empty(found: Device) -> None:
    own = [each for each in contexts.left() if each.device == found.number]
    if own or memory.left(found.number):
        told = f"{len(own)} contexts and {memory.left(found.number)} blocks of memory"
        account.misuse("acl.rt.reset_device", f"reset while {told} are in use")


@api("acl.rt.get_device", "", value(0))
def get_device() -> int:
    return int(_api.context().device)


@api("acl.rt.create_context", "i", value(0), needs=INITIALISED, code=507033)
def create_context(number: int) -> int:
    found = device(number)
    if not found.uses:
        raise wrong(f"context on device {number}, which is not set", INVALID_DEVICE)
    made = Context(number, created=True)
    made.handle = contexts.add(made)
    thread.context = made
    return made.handle


@api("acl.rt.destroy_context", "k", needs=INITIALISED, failed=contexts.stick, dropped=contexts.drop)
def destroy_context(handle: int) -> None:
    found = contexts.remove(handle)
    found.alive = False
    if thread.context is found:
        thread.context = None
    for name, left in (("stream", found.streams), ("model", found.models)):
        if [each for each in left if not each.stuck]:
            raise wrong(f"context destroyed before its {name}")


@api("acl.rt.set_context", "k", needs=INITIALISED)
def set_context(handle: int) -> None:
    found = contexts.find(handle)
    default = next((each.context for each in devices.values() if each.context.handle == handle and handle), None)
    thread.context = found or default or contexts[handle]


@api("acl.rt.get_context", "", value(0))
def get_context() -> int:
    found = _api.context()
    if not found.handle:
        found.handle = id(found)
    return int(found.handle)


@api("acl.rt.get_device_utilization_rate", "i", value({}), needs=INITIALISED)
def get_device_utilization_rate(number: int) -> dict[str, int]:
    device(number)
    return {
        "cube_utilization": 40,
        "vector_utilization": 10,
        "aicpu_utilization": 0,
        "memory_utilization": -1,
        "utilization_extend": 0,
    }


@api("acl.rt.synchronize_device", "")
def synchronize_device() -> None:
    current = _api.context()
    for each in [*contexts.left(), *(found.context for found in devices.values())]:
        if each.device == current.device:
            for stream in [*each.streams, *([each.default] if each.default else [])]:
                stream.drain()


__all__ = ["CODE", "Context", "Device", "contexts", "device", "devices", "in_use"]
