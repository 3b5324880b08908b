"""Checks of preprocessors: samples become feeds."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from lpbench.errors import ProcessorError
from lpbench.testing import _arrays, _process
from lpbench.testing._checks import NotApplicable, refused, require
from lpbench.testing._lifetime import GARBAGE, nothing_grows
from lpbench.testing._running import fits, require_same

if TYPE_CHECKING:
    from lpbench.testing._subject import PreprocessorSubject

ENDING = ".no-such-ending"


def feeds_match_the_inputs(subject: PreprocessorSubject) -> None:
    """Feeds have the names, types and shapes of the model's inputs."""
    preprocessor = subject.build()
    for sample in subject.samples(preprocessor):
        feeds, wanted = preprocessor(sample), {each.name: each for each in subject.case.inputs}
        require(feeds.keys() == wanted.keys(), f"fed {sorted(feeds)}; the inputs are {sorted(wanted)}")
        for name, info in wanted.items():
            found = f"{feeds[name].dtype.name} of shape {feeds[name].shape}"
            require(fits(info, feeds[name]), f'"{name}" is {found}; the input is {info.dtype} of shape {info.shape}')


def feeds_lie_side_by_side(subject: PreprocessorSubject) -> None:
    """The values of a feed lie side by side in memory, in this machine's byte order: engines copy others."""
    preprocessor = subject.build()
    for name, array in preprocessor(subject.samples(preprocessor)[0]).items():
        require(array.flags.c_contiguous, f'"{name}" is strided')
        require(array.dtype.isnative, f'"{name}" has swapped bytes')


def feeds_are_right(subject: PreprocessorSubject) -> None:
    """The feeds of the first sample are those that the case expects."""
    case, preprocessor = subject.case, subject.build()
    if case.expected is None:
        raise NotApplicable("the case expects no values")
    require_same(preprocessor(subject.samples(preprocessor)[0]), case.expected, case.tolerance, "")


def samples_do_not_mix(subject: PreprocessorSubject) -> None:
    """Buffers may be reused, and yet a sample's feeds are those that it has alone, whatever came before."""
    preprocessor = subject.build()
    alone = []
    for at in range(2):
        fresh = subject.build()
        alone.append(_arrays.copies(fresh(subject.samples(fresh)[at])))
    samples = subject.samples(preprocessor)
    require(_arrays.difference(alone[0], alone[1]), "the case's samples give the same feeds")
    for at in (0, 1, 0, 0, 1):
        require_same(preprocessor(samples[at]), alone[at], 0, "after another sample ")


def two_preprocessors_do_not_mix(subject: PreprocessorSubject) -> None:
    """Feeds stay valid until the next call of the same preprocessor, whatever another one does."""
    first, second = subject.build(), subject.build()
    feeds = first(subject.samples(first)[0])
    kept = _arrays.copies(feeds)
    second(subject.samples(second)[1])
    require_same(feeds, kept, 0, "after another preprocessor ran ")


def sample_is_unchanged(subject: PreprocessorSubject) -> None:
    """A sample's data are as before: it is sent through again."""
    preprocessor = subject.build()
    sample = subject.samples(preprocessor)[0]
    before = pickle.dumps((sample.name, sample.data))
    preprocessor(sample)
    require(pickle.dumps((sample.name, sample.data)) == before, "the sample was changed")


def samples_are_named(subject: PreprocessorSubject) -> None:
    """A sample that was read has its file's name."""
    if not subject.case.samples:
        raise NotApplicable("the case has no files")
    preprocessor = subject.build()
    for path in subject.case.samples:
        found = preprocessor.load(path).name
        require(found == path.name, f'"{found}" was read from {path.name}')


def bad_sample_is_named(subject: PreprocessorSubject) -> None:
    """A file that is missing, empty or garbage is refused by its name."""
    preprocessor = subject.build()
    for word, content in (("missing", None), ("empty", b""), ("garbage", GARBAGE)):
        path = subject.folder / f"{word}{(*subject.spec.suffixes, ENDING)[0]}"
        if content is not None:
            path.write_bytes(content)

        def read(path: Any = path) -> object:
            return preprocessor(preprocessor.load(path))

        refused(read, f"reading a file that is {word}", path.name, ProcessorError)


def synthetic_samples_repeat(subject: PreprocessorSubject) -> None:
    """Synthetic samples are the same for the same number and seed, else they differ; or a reason why there are none."""
    preprocessor = subject.build()
    try:
        samples = [preprocessor.generate(*each) for each in ((0, 1), (0, 1), (1, 1))]
    except ProcessorError as error:
        require(str(error), "the ProcessorError gives no reason")
        return
    one, again, other = (_arrays.copies(preprocessor(each)) for each in samples)
    require_same(again, one, 0, "synthetic again ")
    require(_arrays.difference(one, other), "two synthetic samples are the same")


def calls_leave_nothing_behind(subject: PreprocessorSubject) -> None:
    """Descriptors, threads and memory after many samples are as after some."""
    preprocessor = subject.build()
    samples = subject.samples(preprocessor)
    nothing_grows(lambda: [preprocessor(each) for each in samples], subject.case.cycles)


def process_is_left_as_it_was(subject: PreprocessorSubject) -> None:
    """Environment, working directory, cores, signal handlers and umask are as before, seen by native code too."""
    subject.case  # noqa: B018 - made before looking
    before = _process.state()
    preprocessor = subject.build()
    preprocessor(subject.samples(preprocessor)[0])
    changed = _process.changes(before, _process.state())
    require(not changed, "; ".join(changed))


def standard_output_is_silent(subject: PreprocessorSubject) -> None:
    """Nothing is printed to standard output, where results go."""
    with _process.nothing_printed(subject.folder):
        preprocessor = subject.build()
        preprocessor(subject.samples(preprocessor)[0])
