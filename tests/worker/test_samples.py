"""Going round samples; real files, a preprocessor that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpbench.errors import ProcessorError
from lpbench.plugin.processor import Preprocessor, Sample
from lpbench.worker import samples
from lpbench.worker.samples import AHEAD, GENERATED, InRegion, Samples

if TYPE_CHECKING:
    from pathlib import Path

    from lpbench.plugin.engine import Feeds


class Counting(Preprocessor[None]):
    """Reads a file's text; notes what it is asked."""

    def __init__(self) -> None:
        super().__init__(None, ())
        self.loaded: list[str] = []
        self.called: list[str] = []

    def load(self, path: Path) -> Sample:
        self.loaded.append(path.name)
        text = path.read_text(encoding="ascii")
        if not text:
            raise ProcessorError("is empty", where=str(path))
        return Sample(path.name, memoryview(text.encode()))

    def __call__(self, sample: Sample, /) -> Feeds:
        self.called.append(sample.name)
        if bytes(sample.data) == b"odd":
            raise ProcessorError("does not fit")
        return {"x": sample.data}


def _files(folder: Path, *texts: str) -> list[Path]:
    paths = [folder / f"{index}.txt" for index in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="ascii")
    return paths


def test_samples_go_round_in_order(tmp_path: Path) -> None:
    source = Samples(Counting(), _files(tmp_path, "a", "b", "c"), seed=0)
    assert [each.name for each in source.take(7)] == ["0.txt", "1.txt", "2.txt"] * 2 + ["0.txt"]
    assert source.take(1)[0].name == "1.txt"


def test_what_fits_is_decoded_once(tmp_path: Path) -> None:
    pre = Counting()
    source = Samples(pre, _files(tmp_path, "a", "b"), seed=0)
    source.take(100)
    assert pre.loaded == ["0.txt", "1.txt"]


def test_what_does_not_fit_is_decoded_a_bounded_number_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "KEEP_BYTES", 0)
    pre = Counting()
    source = Samples(pre, _files(tmp_path, "a", "b"), seed=0)
    assert len(source.take(100)) == AHEAD
    assert len(pre.loaded) == AHEAD
    assert len(pre.called) == 2, "a file that was accepted once is not preprocessed again outside the timed region"


@pytest.mark.parametrize("bad", ["", "odd"], ids=["cannot be decoded", "cannot be preprocessed"])
def test_a_bad_file_is_reported_and_the_rest_goes_on(tmp_path: Path, bad: str) -> None:
    source = Samples(Counting(), _files(tmp_path, "a", bad, "c"), seed=0)
    assert [each.name for each in source.take(4)] == ["0.txt", "2.txt", "0.txt", "2.txt"]
    assert list(source.problems) == ["1.txt"]
    assert [each.name for each in source.each(10)] == ["0.txt", "2.txt"]


def test_no_usable_file_is_an_error_that_quotes_the_first(tmp_path: Path) -> None:
    source = Samples(Counting(), _files(tmp_path, "", ""), seed=0)
    with pytest.raises(ProcessorError, match=r"none of 2 samples can be used\n.*0\.txt: is empty"):
        source.take(1)


def test_without_files_samples_are_synthetic_and_repeat() -> None:
    class Making(Counting):
        def generate(self, index: int, seed: int) -> Sample:
            return Sample(f"{seed}/{index}", memoryview(b"x"))

    names = [each.name for each in Samples(Making(), [], seed=3).take(GENERATED + 1)]
    assert names[0] == names[-1] == "3/0"
    assert len(set(names)) == GENERATED


def test_decoding_inside_the_region_happens_on_every_call(tmp_path: Path) -> None:
    pre = Counting()
    inside = InRegion(pre)
    sample = inside.load(_files(tmp_path, "a")[0])
    assert pre.loaded == []
    inside(sample)
    inside(sample)
    assert pre.loaded == ["0.txt", "0.txt"]
