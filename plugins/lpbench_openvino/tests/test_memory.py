"""Device memory as OpenVINO's GPU plugin counts it; no GPU is here, so a core of our own gives its statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lpbench_openvino._memory import gpu_memory

if TYPE_CHECKING:
    from plugins.lpbench_openvino.tests.conftest import Models

    from lpbench.testing.fixtures import Opener


class Core:
    """Answers as ``openvino.Core`` does."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def get_property(self, device: str, name: str) -> Any:
        assert (device, name) == ("GPU.1", "GPU_MEMORY_STATISTICS")
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_kinds_of_allocation_add_up_to_the_total() -> None:
    assert gpu_memory(Core({"usm_device": 900, "usm_host": 100}), "GPU.1") == {
        "usm_device": 900,
        "usm_host": 100,
        "total": 1000,
    }


def test_present_sizes_count_and_peaks_do_not() -> None:
    stated = {"cl_mem_current": 5, "cl_mem_peak": 50, "usm_device_current": 7, "usm_device_peak": 70}
    assert gpu_memory(Core(stated), "GPU.1") == {"cl_mem": 5, "usm_device": 7, "total": 12}


def test_a_version_that_does_not_tell_is_none() -> None:
    assert gpu_memory(Core(RuntimeError("unsupported property")), "GPU.1") is None
    assert gpu_memory(Core("3 MB"), "GPU.1") is None


def test_a_session_on_the_cpu_has_no_device_memory(models: Models, open_session: Opener) -> None:
    assert open_session(models.convolution()).memory() is None
