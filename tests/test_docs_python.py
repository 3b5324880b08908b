"""The reference of the Python API names every public name, and its examples run; so does that of the document."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

import lpbench
from lpbench.util.schema import published
from lpbench.util.unavailable import Code

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
API = (REFERENCE / "python.md").read_text(encoding="utf-8")
DOCUMENT = (REFERENCE / "result-document.md").read_text(encoding="utf-8")


def blocks(page: str) -> list[str]:
    """Return the examples of a page."""
    return re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)


def test_every_public_name_has_its_row_and_no_other() -> None:
    named = re.findall(r"^\| `(\w+)[^|]*` \|", API, flags=re.MULTILINE)
    assert sorted(named) == sorted(lpbench.__all__)


def test_parameters_that_the_page_shows_exist_with_these_defaults() -> None:
    import inspect

    for name, shown in re.findall(r"^\| `(\w+)\((.*?)\)` \|", API, flags=re.MULTILINE):
        parameters = inspect.signature(getattr(lpbench, name)).parameters
        for word in shown.replace("…", "").split(", "):
            parameter, equals, default = word.partition("=")
            if parameter.strip(" *"):
                assert parameter in parameters, (name, parameter)
            if equals:
                assert default == repr(parameters[parameter].default).replace("'", '"'), (name, parameter)


@pytest.mark.long
def test_the_examples_of_the_api_run_in_their_order(
    fake_app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With engines of the tests in place of real ones."""
    pandas = pytest.importorskip("pandas", reason="the examples use pandas") if _has_pandas() else None
    fake_app("my-app")
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    for block in blocks(API):
        code = block.replace("onnxruntime", "fake").replace("openvino", "phony")
        if pandas is None:
            code = re.sub(r"^frame = .*$", "", code, flags=re.MULTILINE)
        exec(compile(code, "python.md", "exec"), known)  # noqa: S102 - running the page is the test
    assert known["result"].state == "OK"
    assert known["path"].exists()
    assert known["rows"][0]["configuration"] == "fake"


def _has_pandas() -> bool:
    from importlib.util import find_spec

    return find_spec("pandas") is not None


def test_three_lines_decode_what_lpbench_wrote(
    fake_app: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numpy", reason="needs numpy")
    result = lpbench.benchmark(fake_app(), engine="fake", number=30, yardstick=False)
    result.save(tmp_path / "result.json")
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    (block,) = blocks(DOCUMENT)
    exec(compile(block, "result-document.md", "exec"), known)  # noqa: S102 - running the page is the test
    assert list(known["nanoseconds"]) == list(result.configurations[0].runs[0].raw["total"])


def keys(tree: Any) -> set[str]:
    """Return every key that a part of a schema names, nested ones too."""
    own, items = set(tree.get("properties", {})), tree.get("items")
    inside = [*tree.get("properties", {}).values(), *([items] if isinstance(items, dict) else [])]
    return own.union(*map(keys, inside))


def test_every_key_of_the_schema_is_explained() -> None:
    schema = published("lpbench.results", "result")
    elsewhere = {"settings", "environment"}
    wanted = set(schema["properties"]).union(
        *(keys(tree) for name, tree in schema["properties"].items() if name not in elsewhere),
        *(keys(tree) for tree in schema["$defs"].values()),
    )
    explained = set(re.findall(r"`([\w-]+)`", DOCUMENT)) | set(re.findall(r'"(\w+)"', DOCUMENT))
    assert wanted - explained == set()


def test_the_page_on_the_result_document_lists_every_code_of_a_missing_value() -> None:
    line = DOCUMENT.partition("\nThe codes: ")[2].partition(".\n")[0]
    assert re.findall(r"`([^`]+)`", line) == list(get_args(Code))
