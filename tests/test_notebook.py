"""The notebook of the examples, executed from top to bottom: measure, compare, be interrupted, go on."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples" / "notebook.ipynb"
MAY_RAISE = "raises-exception"
"""Tag of a cell after which a notebook goes on, whatever it raises."""


def notebook() -> dict[str, Any]:
    """Return the notebook, with an app and engines of the tests in place of real ones."""
    text = NOTEBOOK.read_text(encoding="utf-8")
    for real, fake in (("imagenet-mobilenet-v2", "my-app"), ("onnxruntime", "fake"), ("openvino", "phony")):
        text = text.replace(real, fake)
    found: dict[str, Any] = json.loads(text)
    return found


def run_all(cells: list[dict[str, Any]]) -> list[Any]:
    """Run cells as a kernel does, up to the first that is interrupted and may not be; return what each one shows."""
    shown: list[Any] = []
    known: dict[str, Any] = {}
    for cell in cells:
        shown.append(_value_or_interrupt(cell["source"], known))
        if isinstance(shown[-1], KeyboardInterrupt) and MAY_RAISE not in cell["metadata"].get("tags", ()):
            break
    return shown


def _value_or_interrupt(source: str, known: dict[str, Any]) -> Any:
    try:
        return _run(source, known)
    except KeyboardInterrupt as error:  # a kernel survives it
        return error


def _run(source: str, known: dict[str, Any]) -> Any:
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "notebook", "exec"), known)  # noqa: S102 - running the notebook is the test
    return eval(compile(ast.Expression(last.value), "notebook", "eval"), known) if last else None  # type: ignore[attr-defined] # noqa: S307 - likewise


@pytest.mark.long
def test_it_measures_compares_is_interrupted_and_goes_on(
    fake_app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_app("my-app", work_us=200)
    monkeypatch.chdir(tmp_path)
    cells = [cell for cell in notebook()["cells"] if cell["cell_type"] == "code"]
    _, result, latency, compared, live, stopped, state, partial = run_all(cells)
    assert latency > 0.2
    assert state == ("interrupted", True)
    assert isinstance(stopped, KeyboardInterrupt)
    for value in (result, compared, live, partial):
        assert "<table>" in value._repr_html_()
    assert "phony" in result._repr_html_()
    assert "lockstep" in live._repr_html_() or "turns" in live._repr_html_()


def test_an_interrupted_cell_stops_what_follows(
    fake_app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the tag, as in "run all": nothing behind the interrupted cell runs on half a result."""
    fake_app("my-app")
    monkeypatch.chdir(tmp_path)
    first, *_ = cells = [cell for cell in notebook()["cells"] if cell["cell_type"] == "code"]
    interrupted = next(cell for cell in cells if MAY_RAISE in cell["metadata"].get("tags", ()))
    interrupted["metadata"].pop("tags")
    *_, stopped = run_all([first, interrupted, cells[-2]])
    assert isinstance(stopped, KeyboardInterrupt)


@pytest.mark.long
def test_a_kernel_of_jupyter_does_the_same(fake_app: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("ipykernel", reason="needs ipykernel")
    nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
    fake_app("my-app", work_us=200)
    found = nbformat.from_dict(notebook())
    nbclient.NotebookClient(found, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [cell for cell in found.cells if cell.cell_type == "code"]
    *_, stopped, state, partial = cells
    assert [output.output_type for output in stopped.outputs] == ["error"]
    assert state.outputs[0].data["text/plain"] == "('interrupted', True)"
    assert "<table>" in partial.outputs[0].data["text/html"]
