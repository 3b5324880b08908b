"""An engine's configuration as a value."""

from __future__ import annotations

import dataclasses

import pytest

from lpbench.plugin.configuration import EngineConfiguration

TWO = EngineConfiguration.of("fake", {"threads": 2, "device": "cpu", "mode": {"fast": [1, 2]}}, shapes={"x": (1, 3)})


def test_device_and_threads_are_options_as_the_engine_takes_them() -> None:
    assert (TWO.device, TWO.threads, TWO.options) == ("cpu", 2, {"mode": {"fast": [1, 2]}})
    assert TWO.engine_options == {"device": "cpu", "threads": 2, "mode": {"fast": [1, 2]}}
    assert EngineConfiguration("fake").engine_options == {}


def test_equal_configurations_are_one_key() -> None:
    again = EngineConfiguration.of("fake", dict(reversed(TWO.engine_options.items())), shapes={"x": (1, 3)})
    assert again == TWO
    assert len({again, TWO, dataclasses.replace(TWO, threads=3)}) == 2


def test_equal_options_hash_alike_whatever_they_are() -> None:
    one, same = (EngineConfiguration("fake", options={"x": value, "y": object}) for value in (1, 1.0))
    assert one == same
    assert hash(one) == hash(same)


@pytest.mark.parametrize(
    ("configuration", "label"),
    [
        (EngineConfiguration("fake"), "fake"),
        (EngineConfiguration.of("fake", {"mode": "fast", "threads": 2}), "fake:threads=2:mode=fast"),
        (EngineConfiguration("fake", batch=8, streams=2), "fake:batch=8:streams=2"),
        (EngineConfiguration("fake", variant="int8"), "fake:variant=int8"),
    ],
)
def test_its_label_is_what_the_command_line_takes(configuration: EngineConfiguration, label: str) -> None:
    assert configuration.label == label
