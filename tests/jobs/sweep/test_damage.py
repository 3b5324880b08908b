"""A sweep's file that another program or version made, or that is damaged."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

import lpbench
from lpbench.errors import LpbenchError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_files_of_others_are_refused(
    fake_app: Callable[..., Path], ledger: Any, pretended: Any, tmp_path: Path
) -> None:
    app, folder = fake_app(), tmp_path / "rows"
    with pytest.raises(LpbenchError, match="holds no sweep"):
        lpbench.load_sweep(folder)
    pretended.swept(app, folder)
    file = folder / "sweep.sqlite"
    for statement, words in (("PRAGMA user_version = 7", "version 7"), ("PRAGMA application_id = 7", "no sweep")):
        with sqlite3.connect(file) as connection:
            connection.execute(statement)
        for use in (lambda: lpbench.load_sweep(folder), lambda: pretended.swept(app, folder)):
            with pytest.raises(LpbenchError, match=words) as caught:
                use()
            assert "another folder" in caught.value.hint
    file.write_bytes(b"something else " * 1000)
    with pytest.raises(LpbenchError, match="cannot be used"):
        lpbench.load_sweep(folder)


def test_damaged_tables_are_an_error_of_their_file(fake_app: Callable[..., Path], ledger: Any, tmp_path: Path) -> None:
    """SQLite quotes them in its message, which Python cannot decode then."""
    folder = tmp_path / "rows"
    lpbench.sweep(fake_app(), folder, engines="fake")
    file = folder / "sweep.sqlite"
    file.write_bytes(file.read_bytes().replace(b"TABLE blocks", b"TA\xb3LE blocks"))
    with pytest.raises(LpbenchError, match="cannot be used: its tables are damaged"):
        lpbench.load_sweep(folder)
    with pytest.raises(LpbenchError, match="cannot be used: its tables are damaged"):
        lpbench.sweep(None, folder)


@pytest.mark.parametrize("column", ["found", "asked"])
@pytest.mark.parametrize("text", ["", "[]", "{", '{"metrics": 3}', '{"ratios": ["x"]}', '{"app": 1e999}', "3"])
def test_what_the_file_holds_is_not_trusted(
    fake_app: Callable[..., Path], ledger: Any, tmp_path: Path, column: str, text: str
) -> None:
    folder = tmp_path / "rows"
    lpbench.sweep(fake_app(), folder, engines="fake")
    with sqlite3.connect(folder / "sweep.sqlite") as connection:
        connection.execute(f"UPDATE configurations SET {column} = ?", (text or b"\xff",))  # noqa: S608 - the test's own
    with pytest.raises(LpbenchError):
        lpbench.load_sweep(folder)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        *(("sweep", "plan", value) for value in ("[]", "3", b"\xff")),
        *(("apps", column, b"\xff") for column in ("app", "name", "digest", "reference")),
        *(("blocks", "app", value) for value in ("another", b"\xff")),
        *(("blocks", "seconds", value) for value in ("x", b"\xff", -1.0)),
        *(("configurations", column, b"\xff") for column in ("words", "state", "reason")),
    ],
)
def test_no_value_of_its_tables_is_trusted(
    fake_app: Callable[..., Path], tmp_path: Path, table: str, column: str, value: object
) -> None:
    folder = tmp_path / "rows"
    lpbench.sweep(fake_app(), folder, engines="fake")
    with sqlite3.connect(folder / "sweep.sqlite") as connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608 - the test's own
    with pytest.raises(LpbenchError) as caught:
        lpbench.sweep(None, folder)
    assert "sweep.sqlite" in str(caught.value)
    assert "another folder" in caught.value.hint
