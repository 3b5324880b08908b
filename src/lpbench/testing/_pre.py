"""Checks of preprocessors, which turn samples into feeds."""

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
        feeds, inputs = preprocessor(sample), {tensor.name: tensor for tensor in subject.case.inputs}
        require(feeds.keys() == inputs.keys(), f"the feeds are {sorted(feeds)}; the inputs are {sorted(inputs)}")
        for name, info in inputs.items():
            actual = f"{feeds[name].dtype.name} of shape {feeds[name].shape}"
            require(fits(info, feeds[name]), f'"{name}" is {actual}; the input is {info.dtype} of shape {info.shape}')


def feeds_lie_side_by_side(subject: PreprocessorSubject) -> None:
    """Feeds are contiguous and in native byte order; engines would copy others."""
    preprocessor = subject.build()
    for name, array in preprocessor(subject.samples(preprocessor)[0]).items():
        require(array.flags.c_contiguous, f'"{name}" is not contiguous')
        require(array.dtype.isnative, f'"{name}" is not in native byte order')


def feeds_are_right(subject: PreprocessorSubject) -> None:
    """The feeds of the first sample are those that the case expects."""
    case, preprocessor = subject.case, subject.build()
    if case.expected is None:
        raise NotApplicable("the case expects no values")
    require_same(preprocessor(subject.samples(preprocessor)[0]), case.expected, case.tolerance, "")


def samples_do_not_mix(subject: PreprocessorSubject) -> None:
    """A sample's feeds do not depend on earlier samples, even if buffers are reused."""
    preprocessor = subject.build()
    alone = []
    for index in range(2):
        fresh = subject.build()
        alone.append(_arrays.copies(fresh(subject.samples(fresh)[index])))
    samples = subject.samples(preprocessor)
    require(_arrays.difference(alone[0], alone[1]), "the case's samples give the same feeds")
    for index in (0, 1, 0, 0, 1):
        require_same(preprocessor(samples[index]), alone[index], 0, "after another sample ")


def two_preprocessors_do_not_mix(subject: PreprocessorSubject) -> None:
    """Feeds stay valid until the next call of the same preprocessor; other preprocessors do not affect them."""
    first, second = subject.build(), subject.build()
    feeds = first(subject.samples(first)[0])
    kept = _arrays.copies(feeds)
    second(subject.samples(second)[1])
    require_same(feeds, kept, 0, "after another preprocessor ran ")


def sample_is_unchanged(subject: PreprocessorSubject) -> None:
    """A sample's data are not modified, since the sample is used again."""
    preprocessor = subject.build()
    sample = subject.samples(preprocessor)[0]
    before = pickle.dumps((sample.name, sample.data))
    preprocessor(sample)
    require(pickle.dumps((sample.name, sample.data)) == before, "the sample was changed")


def samples_are_named(subject: PreprocessorSubject) -> None:
    """A sample read from a file is named after the file."""
    if not subject.case.samples:
        raise NotApplicable("the case has no sample files")
    preprocessor = subject.build()
    for path in subject.case.samples:
        name = preprocessor.load(path).name
        require(name == path.name, f'the sample read from {path.name} is named "{name}"')


def bad_sample_is_named(subject: PreprocessorSubject) -> None:
    """A missing, empty or garbage file is refused, and the error names it."""
    preprocessor = subject.build()
    for word, content in (("missing", None), ("empty", b""), ("garbage", GARBAGE)):
        path = subject.folder / f"{word}{(*subject.spec.suffixes, ENDING)[0]}"
        if content is not None:
            path.write_bytes(content)

        def read(path: Any = path) -> object:
            return preprocessor(preprocessor.load(path))

        refused(read, f"reading a {word} file", path.name, ProcessorError)


def synthetic_samples_repeat(subject: PreprocessorSubject) -> None:
    """Synthetic samples depend only on number and seed, or the preprocessor gives a reason why it makes none."""
    preprocessor = subject.build()
    try:
        samples = [preprocessor.generate(*arguments) for arguments in ((0, 1), (0, 1), (1, 1))]
    except ProcessorError as error:
        require(str(error), "the ProcessorError gives no reason")
        return
    first, again, second = (_arrays.copies(preprocessor(arguments)) for arguments in samples)
    require_same(again, first, 0, "synthetic again ")
    require(_arrays.difference(first, second), "two synthetic samples are the same")


def calls_leave_nothing_behind(subject: PreprocessorSubject) -> None:
    """Descriptors, threads and memory do not grow with the number of samples."""
    preprocessor = subject.build()
    samples = subject.samples(preprocessor)
    nothing_grows(lambda: [preprocessor(sample) for sample in samples], subject.case.cycles)


def process_is_left_as_it_was(subject: PreprocessorSubject) -> None:
    """Environment (native, too), working directory, affinity, signal handlers and umask are unchanged."""
    subject.case  # noqa: B018 - made before the state is recorded
    before = _process.state()
    preprocessor = subject.build()
    preprocessor(subject.samples(preprocessor)[0])
    changed = _process.changes(before, _process.state())
    require(not changed, "; ".join(changed))


def standard_output_is_silent(subject: PreprocessorSubject) -> None:
    """Nothing is printed to standard output, which is reserved for results."""
    with _process.nothing_printed(subject.folder):
        preprocessor = subject.build()
        preprocessor(subject.samples(preprocessor)[0])
