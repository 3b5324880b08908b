"""A pure Python plugin for the core's tests: an engine controlled by its model file, and text processors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpbench.plugin.hookspecs import hookimpl
from lpbench.plugin.specs import EngineSpec, ProcessorSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@hookimpl
def lpbench_register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Register the engine, and one whose library is not installed."""
    register(
        EngineSpec(
            "fake",
            "lpbench_fakes.engine:FakeEngine",
            "does what its model file says",
            aliases=("phony",),
            formats={"fake": (".fake",)},
            config="lpbench_fakes.engine:FakeConfig",
            environment={"FAKE_TELEMETRY": "0"},
            probe="lpbench_fakes.engine:probe",
            operators="lpbench_fakes.engine:operators",
            streams=True,
            app_options=("extra_us",),
        )
    )
    register(
        EngineSpec(
            "absent",
            "no_such_library.engine:Engine",
            requires=("no_such_library",),
            hint="pip install no-such-library",
            formats={"fake": (".fake",)},
        )
    )


@hookimpl
def lpbench_register_preprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Register a reader of numbers in text files."""
    config = "lpbench_fakes.processors:TextConfig"
    register(ProcessorSpec("text", "lpbench_fakes.processors:TextPre", config=config, suffixes=(".txt",)))


@hookimpl
def lpbench_register_postprocessors(register: Callable[[ProcessorSpec], None]) -> None:
    """Register a postprocessor that names the label."""
    config = "lpbench_fakes.processors:TextConfig"
    register(ProcessorSpec("text", "lpbench_fakes.processors:TextPost", config=config))
