"""What the environment says of the machine that the fake stands for."""

from __future__ import annotations

import os
from dataclasses import dataclass

GIB = 1 << 30


def _number(name: str, otherwise: int) -> int:
    return int(os.environ.get(f"FAKE_{name}") or otherwise)


@dataclass(frozen=True)
class Settings:
    """The variables of the fake, read once; ``settings`` holds those in force."""

    api: str
    """``new`` or ``old``: the generation of the interface and of its error codes"""
    soc: str
    run_mode: int
    """0: the program runs on the device's own processor (memory is shared); 1: on a host"""
    devices: int
    device_memory: int
    no_driver: int
    """the code of every call that needs the driver; 0: there is one"""
    lost_at: int
    """the number of the call from which on the device is lost; 0: never"""
    counted: bool
    """whether the account names each call, which takes microseconds"""

    @classmethod
    def read(cls) -> Settings:
        """Read the environment."""
        return cls(
            api=os.environ.get("FAKE_API") or "new",
            soc=os.environ.get("FAKE_SOC") or "Ascend310P3",
            run_mode=int(os.environ.get("FAKE_RUN_MODE") or 1),
            devices=_number("DEVICES", 1),
            device_memory=_number("DEVICE_MEMORY", 8 * GIB),
            no_driver=_number("NO_DRIVER", 0),
            lost_at=_number("LOST_AT", 0),
            counted=os.environ.get("FAKE_CALLS") != "0",
        )
