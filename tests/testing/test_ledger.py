"""The ledger of a fake: what a process did, also one that ended without notice or was forked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from lpbench.testing import ledger
from lpbench.testing.ledger import Account, Entry, calls, entries, wrong

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ledger.FILE, str(tmp_path / "ledger.jsonl"))
    return tmp_path / "ledger.jsonl"


def test_what_is_made_and_not_released_is_unreleased(account: Account) -> None:
    account.call("acme_malloc")
    account.made("memory", 0x10)
    account.made("memory", 0x20)
    account.made("stream", 0x10)
    account.gone("memory", 0x10)
    found = entries(account.report())
    assert wrong(found) == ["unreleased memory: 0x20", "unreleased stream: 0x10"]
    assert calls(found) == ["acme_malloc"]


def test_a_handle_that_is_given_out_again_counts_once(account: Account) -> None:
    for _ in range(2):
        account.made("memory", 0x10)
        account.gone("memory", 0x10)
    assert wrong(entries(account.report())) == []


def test_misuse_and_warnings_say_which_function_and_what(account: Account) -> None:
    account.misuse("acme_free", 'never "made"\n')
    account.warning("acme_copy", "pageable")
    assert wrong(entries(account.report())) == ['misuse acme_free: never "made"\n', "warning acme_copy: pageable"]


@pytest.mark.parametrize(
    ("fail_at", "failing"), [("", []), ("0", []), ("2", [1]), ("b:1", [1]), ("a:2", [2]), ("c:1", []), ("a", [])]
)
def test_one_call_fails_by_its_number_or_by_its_name(
    account: Account, monkeypatch: pytest.MonkeyPatch, fail_at: str, failing: list[int]
) -> None:
    monkeypatch.setenv(ledger.FAIL_AT, fail_at)
    assert [number for number, name in enumerate("abab") if account.call(name)] == failing
    account.begin()
    assert [number for number, name in enumerate("abab") if account.call(name)] == failing


def test_a_new_account_knows_nothing_of_the_one_before(account: Account) -> None:
    account.call("a")
    account.made("memory", 1)
    account.misuse("a", "twice")
    account.begin()
    account.gone("memory", 1)
    assert entries(account.report()) == []


def test_the_file_tells_what_a_process_held_that_ended_without_notice(file: Path) -> None:
    code = """
import os
from lpbench.testing.ledger import Account
account = Account()
account.call("acme_malloc")
account.made("memory", 16)
os._exit(3)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3
    found = entries(file.read_text())
    assert (calls(found), wrong(found)) == (["acme_malloc"], ["unreleased memory: 0x10"])


def test_calls_reach_the_file_when_the_process_ends(file: Path) -> None:
    code = "from lpbench.testing.ledger import Account; Account().call('acme_init')"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert calls(entries(file.read_text())) == ["acme_init"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_an_account_of_its_own(file: Path) -> None:
    """What its parent made is the parent's to release; lines that waited are written once."""
    code = """
import os
from lpbench.testing.ledger import Account
account = Account()
account.call("acme_init")
account.made("memory", 16)
account.call("acme_run")
child = os.fork()
account.call("acme_exit")
account.gone("memory", 16)
if child:
    os.waitpid(child, 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    found = entries(file.read_text())
    assert sorted(calls(found)) == ["acme_exit", "acme_exit", "acme_init", "acme_run"]
    assert wrong(found) == []


def test_a_forked_process_that_does_nothing_writes_nothing(file: Path) -> None:
    """Lines that wait to be written are its parent's."""
    code = """
import os
from lpbench.testing.ledger import Account
account = Account()
account.call("acme_init")
child = os.fork()
if child:
    os.waitpid(child, 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert calls(entries(file.read_text())) == ["acme_init"]


def test_of_very_many_calls_the_first_are_named_and_all_are_counted(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_CALLS", 3)
    monkeypatch.setenv(ledger.FAIL_AT, "a:5")
    assert [account.call("a") for _ in range(5)] == [False] * 4 + [True]
    assert calls(entries(account.report())) == ["a"] * 3


def test_threads_lose_no_call(account: Account) -> None:
    threads = [threading.Thread(target=lambda: [account.call("a") for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls(entries(account.report())) == ["a"] * 2000


def test_lines_of_another_language_are_read() -> None:
    text = '{"pid": 7, "what": "misuse", "name": "cudaFree", "detail": "0x1 was freed"}\n'
    assert entries(text) == [Entry(7, "misuse", "cudaFree", "0x1 was freed")]
