"""The command ``atc``, as ``python -m acl._atc``: what it prints goes to standard output, as the real one does."""

from __future__ import annotations

import os
import platform
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ._atc_errors import AtcError, invalid
from ._atc_options import check, parsed
from ._om import InvalidOmError, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._atc_options import Options

FAILED = "ATC run failed, Please check the detail log, Try 'atc --help' for more information"
_MODE_BUILD, _MODE_SHOW = "0", "6"


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _build(options: Options, arguments: Sequence[str]) -> None:
    from ._atc_compiler import compiled

    if (options["mode"] or _MODE_BUILD) != _MODE_BUILD:
        raise invalid("mode", options["mode"], "The fake has the modes 0 and 6.")
    check(options)
    program, model = compiled(options, shlex.join(["atc", *arguments]))
    Path("kernel_meta").mkdir(exist_ok=True)
    Path("fusion_result.json").write_text("[]\n", encoding="utf-8")
    if os.environ.get("FAKE_ATC") == "nothing":
        return
    suffix = f"_linux_{platform.machine()}" if program.choice == "range" else ""
    target = Path(f"{options['output']}{suffix}.om")
    try:
        target.write_bytes(pack(program, model))
    except OSError as error:
        raise AtcError(
            "E13000", f"Path [{target}] for parameter --output is invalid. Reason: {error.strerror}"
        ) from error


def _show(options: Options) -> None:
    try:
        program, model = unpack(Path(options["om"]).read_bytes())
    except (OSError, InvalidOmError) as error:
        raise AtcError(
            "E10001", f'Value {options["om"]} for parameter --om is invalid. Reason: "Invalid om file."'
        ) from error
    _print("============ Display Model Info start ============")
    _print(f"Original Atc command line: {program.command}")
    _print(f"system   info: atc_version[{program.version}], soc_version[{program.soc}], framework_type[5].")
    sizes = f"memory_size[{program.workspace} B], weight_size[{program.weights} B]"
    _print(f"resource info: {sizes}, stream_num[1], event_num[0].")
    rest = "tbe_kernels_size[0 B], cust_aicpu_kernel_store_size[0 B], task_info_size[0 B], so_store_size[0 B]"
    _print(f"om       info: modeldef_size[0 B], weight_data_size[{len(model)} B], {rest}.")
    _print("============ Display Model Info end   ============")


def _as_told() -> None:
    """End in the way that the environment asks for."""
    how = os.environ.get("FAKE_ATC", "")
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "silent":
        _print(FAILED)
        sys.exit(255)
    if how == "inner":
        raise AtcError("E19999", "Inner Error! (a failure that was asked for)")


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if os.environ.get("FAKE_ATC") == "library":
        library = "libascend_hal.so: cannot open shared object file: No such file or directory"
        sys.stderr.write(f"atc.bin: error while loading shared libraries: {library}\n")
        return 127
    if "--help" in arguments or not arguments:
        _print("usage: atc.bin --model=<file> --framework=<0|1|3|5> --output=<file> --soc_version=<version>")
        return 0
    _print("ATC start working now, please wait for a moment.")
    try:
        options = parsed(arguments)
        mode = options["mode"] or _MODE_BUILD
        _print("...")
        _as_told()
        _show(options) if mode == _MODE_SHOW else _build(options, arguments)
    except AtcError as error:
        _print(FAILED)
        _print(error.block())
        return 255
    _print("ATC run success, welcome to the next use.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
