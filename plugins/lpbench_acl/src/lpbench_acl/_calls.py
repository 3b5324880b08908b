"""The calls of pyACL, the module ``acl`` of CANN, by name: what each returns, and errors that carry its reason.

pyACL's functions return a code, values and a code, or a value alone; ``VALUES`` says which.  What a version of CANN
lacks is asked for with ``has``.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lpbench.plugin.engine import EngineError
from lpbench.plugin.kit.untrusted import brief, shorten
from lpbench_acl import _cann
from lpbench_acl._codes import HINTS, NAMES
from lpbench_acl._messages import LONGEST, messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Step = Callable[[], None]

REMEDY: Final = "source CANN's set_env.sh in the shell that starts lpbench, and install the NPU's driver"
BARE: Final = -1
MOST: Final = 64 << 10
"""Characters that are read of what AscendCL says of a failure."""
VALUES: Final = {
    "init": 0,
    "finalize": 0,
    "get_soc_name": BARE,
    "create_data_buffer": BARE,
    "destroy_data_buffer": 0,
    "rt.get_device_count": 1,
    "rt.set_device": 0,
    "rt.reset_device": 0,
    "rt.get_run_mode": 1,
    "rt.create_context": 1,
    "rt.destroy_context": 0,
    "rt.set_context": 0,
    "rt.create_stream": 1,
    "rt.destroy_stream": 0,
    "rt.synchronize_stream": 0,
    "rt.malloc": 1,
    "rt.free": 0,
    "rt.malloc_host": 1,
    "rt.free_host": 0,
    "rt.memcpy": 0,
    "rt.memcpy_async": 0,
    "rt.get_mem_info": 2,
    "rt.get_device_utilization_rate": 1,
    "rt.create_event": 1,
    "rt.destroy_event": 0,
    "rt.record_event": 0,
    "rt.event_elapsed_time": 1,
    "mdl.load_from_file": 1,
    "mdl.unload": 0,
    "mdl.query_size": 2,
    "mdl.create_desc": BARE,
    "mdl.get_desc": 0,
    "mdl.destroy_desc": 0,
    "mdl.get_num_inputs": BARE,
    "mdl.get_num_outputs": BARE,
    "mdl.get_input_size_by_index": BARE,
    "mdl.get_output_size_by_index": BARE,
    "mdl.get_input_name_by_index": BARE,
    "mdl.get_output_name_by_index": BARE,
    "mdl.get_input_data_type": BARE,
    "mdl.get_output_data_type": BARE,
    "mdl.get_input_format": BARE,
    "mdl.get_tensor_real_name": BARE,
    "mdl.get_input_dims": 1,
    "mdl.get_input_dims_v2": 1,
    "mdl.get_output_dims": 1,
    "mdl.get_cur_output_dims": 1,
    "mdl.get_dynamic_batch": 1,
    "mdl.get_dynamic_hw": 1,
    "mdl.get_input_dynamic_gear_count": 1,
    "mdl.get_input_dynamic_dims": 1,
    "mdl.set_dynamic_batch_size": 0,
    "mdl.set_dynamic_hw_size": 0,
    "mdl.set_input_dynamic_dims": 0,
    "mdl.create_dataset": BARE,
    "mdl.destroy_dataset": 0,
    "mdl.add_dataset_buffer": 1,
    "mdl.execute": 0,
    "mdl.execute_async": 0,
    "prof.create_subscribe_config": BARE,
    "prof.destroy_subscribe_config": 0,
    "prof.model_subscribe": 0,
    "prof.model_unsubscribe": 0,
    "prof.model_un_subscribe": 0,
    "prof.get_op_desc_size": 1,
    "prof.get_op_name": 1,
    "prof.get_op_name_len": 1,
    "prof.get_op_name_v2": 1,
    "prof.get_op_type": 1,
    "prof.get_op_type_len": 1,
    "prof.get_op_type_v2": 1,
    "prof.get_op_start": BARE,
    "prof.get_op_duration": BARE,
}
"""How many values stand before the code in what a call returns; the answer of those of BARE is the value itself."""


@dataclass(frozen=True)
class Told:
    """What AscendCL says of a failure; both may be empty."""

    reason: str = ""
    solution: str = ""


class AclError(EngineError):
    """A call of AscendCL failed.

    :param call: The call's name: ``rt.malloc``.
    :param code: The code that it returned; None for one that returned no code, or nothing that it may return.
    :param told: What ``acl.get_recent_err_msg()`` said of it.
    """

    def __init__(self, call: str, code: int | None, told: Told, *, instead: str = "") -> None:
        name = f"{NAMES[code]} ({code})" if code in NAMES else f"error {code}"
        what = f"acl.{call} {instead}" if code is None else f"acl.{call} failed: {name}"
        hint = HINTS.get(code) if code else None
        super().__init__(f"{what}: {told.reason}" if told.reason else what, hint=hint or told.solution)
        self.call = call
        self.code = code


class Calls:
    """pyACL's functions by name; a failure is an AclError.

    :param module: The vendor's module ``acl``.
    """

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def has(self, name: str) -> bool:
        """Return whether this version of CANN has a call."""
        return self._found(name) is not None

    def call(self, name: str, *values: Any) -> Any:
        """Return what a call returns beside its code: nothing, a value, or several as a tuple.

        :raises AclError: It failed, or this CANN lacks it.
        """
        answer = self._function(name)(*values)
        expected = VALUES[name]
        if expected == BARE:
            return answer
        if expected == 0:
            self._require(name, answer)
            return None
        if not isinstance(answer, tuple) or len(answer) != expected + 1:
            raise self._strange(name, answer)
        self._require(name, answer[-1])
        return answer[0] if expected == 1 else answer[:-1]

    def prepared(self, name: str, *values: Any) -> Step:
        """Return a call that returns only a code, with its arguments, to be made in every run."""
        function, require = self._function(name), self._require

        def call() -> None:
            if (code := function(*values)) != 0:
                require(name, code)

        return call

    def handle(self, name: str, *values: Any) -> int:
        """Return the handle or address that a call makes.

        :raises AclError: It made none.
        """
        return self._whole(name, self.call(name, *values), 1)

    def number(self, name: str, *values: Any) -> int:
        """Return the number, 0 or more, that a call tells.

        :raises AclError: It tells none.
        """
        return self._whole(name, self.call(name, *values), 0)

    def told(self) -> Told:
        """Return the vendor's words on what failed last in this thread, which are told once."""
        function = self._found("get_recent_err_msg")
        text = function() if function else None
        if not isinstance(text, str):
            return Told()
        if found := messages(text[:MOST]):
            return Told("; ".join(map(str, found)), next(filter(None, (each.solution for each in found)), ""))
        return Told(shorten(" ".join(text[:MOST].split()), LONGEST))

    def refused(self, name: str, answer: object) -> AclError:
        """Return the error for a call that reports a failure by what it returns."""
        return AclError(name, None, self.told(), instead=f"returned {brief(answer)}")

    def _require(self, name: str, code: object) -> None:
        if code == 0:
            return
        if not isinstance(code, int):
            raise self._strange(name, code)
        raise AclError(name, code, self.told())

    def _whole(self, name: str, answer: object, least: int) -> int:
        if not isinstance(answer, int) or answer < least:
            raise self.refused(name, answer)
        return answer

    def _strange(self, name: str, answer: object) -> AclError:
        instead = f"returned {brief(answer)}, which is not what pyACL documents"
        return AclError(name, None, self.told(), instead=instead)

    def _function(self, name: str) -> Any:
        function = self._found(name)
        if function is None:
            raise AclError(name, None, Told(), instead="is missing in this version of CANN")
        return function

    def _found(self, name: str) -> Any:
        found: Any = self.module
        for part in name.split("."):
            found = getattr(found, part, None)
        return found


@functools.cache
def calls() -> Calls:
    """Return pyACL's calls; the module is imported once.

    :raises EngineError: It is not installed, cannot be loaded, or another one of its name is found.
    """
    if problem := _cann.problem():
        raise EngineError(problem[0], hint=problem[1])
    try:
        module = importlib.import_module(_cann.MODULE)
    except ImportError as error:
        raise EngineError(f"CANN's module acl cannot be imported: {error}", hint=REMEDY) from error
    return Calls(module)
