"""Standard output belongs to the answer: what plugins print, at whatever time, goes elsewhere and acts on nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENGINE = """
    from lpbench.plugin.hookspecs import hookimpl
    from lpbench.plugin.specs import EngineSpec

    @hookimpl
    def lpbench_register_engines(register):
        register(EngineSpec("acme", "acme:Engine"))
"""
PRINTED = {
    "python": "print('hello \\x1b[2J')",
    "descriptor": "import os; os.write(1, b'hello\\n')",
    "C": "import ctypes; ctypes.CDLL(None).printf(b'hello\\n')",
    "at exit": "import atexit; atexit.register(print, 'hello')",
    "child": "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(7)'])",
    "original": "import sys; sys.__stdout__.write('hello')",
    "thread": """
import threading, time
def chatter():
    while True:
        print("hello")
        time.sleep(0.0005)
threading.Thread(target=chatter, daemon=True).start()
""",
}


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run lpbench as a user does, with what was installed into ``site``."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "lpbench", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("printed", list(PRINTED))
@pytest.mark.parametrize("command", ["engines", "plugins"])
def test_what_a_plugin_prints_is_not_in_the_answer(
    install: Callable[..., Path], site: Path, printed: str, command: str
) -> None:
    install("acme", ENGINE)
    (site / "acme.py").write_text(f"{PRINTED[printed]}\n{(site / 'acme.py').read_text(encoding='utf-8')}", "utf-8")
    done = run(site, command, "--json")
    assert done.returncode == 0, done.stderr
    assert "acme" in [each["name"] for each in json.loads(done.stdout)]
    assert "\x1b" not in done.stderr


def test_a_command_of_a_plugin_has_standard_output_for_itself(install: Callable[..., Path], site: Path) -> None:
    """Its Python, its descriptor and the programs that it starts print the answer, in colour if they like."""
    install(
        "acme",
        """
        import os, subprocess, sys
        from lpbench.plugin.hookspecs import hookimpl
        from lpbench.plugin.specs import CommandSpec

        print("not the answer")

        @hookimpl
        def lpbench_register_commands(register):
            register(CommandSpec("hail", "acme", "say hello"))

        def configure(parser):
            parser.description = "Say hello."

        def main(options):
            print("\\x1b[1mhello\\x1b[0m", flush=True)
            os.write(1, b"from the descriptor\\n")
            subprocess.run([sys.executable, "-c", "print('from a child')"])
            return 5
        """,
    )
    done = run(site, "hail")
    assert (done.returncode, done.stdout) == (5, "\x1b[1mhello\x1b[0m\nfrom the descriptor\nfrom a child\n")


def test_running_a_command_from_python_leaves_the_streams_as_they_were(capfd: pytest.CaptureFixture[str]) -> None:
    from lpbench.cli import main

    before = sys.stdout, sys.stderr
    assert main(["plugins", "--json"]) == 0
    assert (sys.stdout, sys.stderr) == before
    os.write(1, b"mine\n")
    assert capfd.readouterr().out.endswith("mine\n")
