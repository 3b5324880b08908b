"""Checks of opening and closing: bad models, closed sessions, leaks and side effects."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from lpbench.plugin.engine import EngineError
from lpbench.testing import _arrays, _process
from lpbench.testing._checks import NotApplicable, refused, require
from lpbench.testing._running import require_same
from lpbench.testing._subject import suffix

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpbench.plugin.engine import Model
    from lpbench.testing._subject import EngineSubject

KIB = 1024
GROWTH = 4 * KIB
"""Bytes by which memory may grow in each round; a leaked session holds more than that."""
NOISE = 1024 * KIB
"""Bytes by which memory may differ between two readings without a leak."""
READINGS = 5
"""Number of final rounds after which memory is read."""

STOPPED_S = 0.2
"""Longer than most turns of other workers."""

GARBAGE = bytes(range(256)) * 16
FOREIGN = {
    ".onnx": bytes.fromhex(
        "08083a350a0e0a01780a017812017922034164641201675a0f0a0178120a0a08080112040a020804620f0a0179120a0a08080112040a0208044202100d"
    ),
    ".tflite": b"\x1c\x00\x00\x00TFL3" + bytes(64),
    ".param": b"7767517\n2 2\nInput in0 0 1 in0\nReLU relu 1 1 in0 out0\n",
    ".xml": b'<?xml version="1.0"?>\n<net name="a" version="11"><layers/><edges/></net>\n',
    ".json": b'{"model": "of another kind"}\n',
    ".zip": b"PK\x05\x06" + bytes(18),
}
"""First bytes of files in other formats, by file ending."""


def missing_model_is_named(subject: EngineSubject) -> None:
    """A missing model file is refused, and the error names it."""
    model = subject.changed_model(b"", "no-such-model")
    model.path.unlink()
    _model_refused(subject, model, "opening a missing model")


def empty_model_is_named(subject: EngineSubject) -> None:
    """An empty model file is refused, and the error names it."""
    _model_refused(subject, subject.changed_model(b"", "empty-model"), "opening an empty model")


def garbage_model_is_named(subject: EngineSubject) -> None:
    """A model file of random bytes is refused, and the error names it."""
    _model_refused(subject, subject.changed_model(GARBAGE, "garbage-model"), "opening a file of garbage")


def cut_model_is_named(subject: EngineSubject) -> None:
    """A model file without its second half is refused, and the error names it."""
    content = subject.case.model.path.read_bytes()
    _model_refused(subject, subject.changed_model(content[: len(content) // 2], "cut-model"), "opening half a model")


def model_of_another_format_is_named(subject: EngineSubject) -> None:
    """A file in another format with this format's ending is refused, and the error names it."""
    own_endings = [own for endings in subject.spec.formats.values() for own in endings]
    for ending, content in FOREIGN.items():
        if not any(own.endswith(ending) for own in own_endings):
            _model_refused(subject, subject.changed_model(content, "foreign-model"), f"opening a {ending} file")


def missing_second_file_is_named(subject: EngineSubject) -> None:
    """A model with a missing extra file is refused, and the error names that file."""
    import dataclasses

    model = subject.case.model
    if not model.extra:
        raise NotApplicable("the model is one file")
    main = subject.changed_model(model.path.read_bytes(), model.path.name.removesuffix(suffix(subject.spec, model)))
    extra = tuple(subject.folder / file.name for file in model.extra)
    for missing in extra:
        for path, source in zip(extra, model.extra, strict=True):
            path.write_bytes(source.read_bytes())
        missing.unlink()
        changed = dataclasses.replace(main, extra=extra)
        refused(lambda: subject.open(changed), "opening a model with a file missing", missing.name, EngineError)  # noqa: B023 - called at once


def opens_after_a_failure(subject: EngineSubject) -> None:
    """After refusing a model, an engine opens and runs the next one correctly."""
    case, engine = subject.case, subject.engine()
    with subject.open() as session:
        expected = _arrays.copies(session.run(case.feeds))
    broken = subject.changed_model(GARBAGE, "garbage-model")
    for _ in range(2):
        refused(lambda: subject.open(broken, engine=engine), "opening a file of garbage", broken.path.name, EngineError)
        with subject.open(engine=engine) as session:
            require_same(session.run(case.feeds), expected, case.tolerance, "after a failure ")


def failed_opens_leave_nothing_behind(subject: EngineSubject) -> None:
    """Descriptors, threads and memory do not grow with the number of refused models."""
    broken = subject.changed_model(GARBAGE, "garbage-model")
    engine = subject.engine()

    def cycle() -> None:
        try:
            subject.open(broken, engine=engine).close()
        except EngineError:
            return
        raise NotApplicable("the engine accepts garbage; see garbage_model_is_named")

    nothing_grows(cycle, subject.case.cycles)


def sessions_leave_nothing_behind(subject: EngineSubject) -> None:
    """Descriptors, threads and memory do not grow from 20 to 100 sessions, or between the case's ``cycles``."""
    engine = subject.engine()

    def cycle() -> None:
        with subject.open(engine=engine) as session:
            session.run(subject.case.feeds)

    nothing_grows(cycle, subject.case.cycles)


def runs_leave_nothing_behind(subject: EngineSubject) -> None:
    """Descriptors, threads and memory of a session do not grow with the number of runs."""
    with subject.open() as session:
        nothing_grows(lambda: _several(session.run, subject.case.feeds), subject.case.cycles)


def closing_twice_is_harmless(subject: EngineSubject) -> None:
    """A session can be closed twice, whether or not it has run."""
    session = subject.open()
    session.close()
    session.close()
    session = subject.open()
    session.run(subject.case.feeds)
    session.close()
    session.close()


def run_after_close_is_refused(subject: EngineSubject) -> None:
    """Running a closed session raises EngineError; it neither crashes nor returns outputs."""
    session = subject.open()
    session.run(subject.case.feeds)
    session.close()
    try:
        session.run(subject.case.feeds)
    except EngineError as error:
        require(str(error), "the EngineError has no message")
    else:
        require(condition=False, what="a closed session returned outputs; expected EngineError")


def being_stopped_does_no_harm(subject: EngineSubject) -> None:
    """Suspending the process between runs (SIGSTOP, as lpbench does between turns) does not change the outputs."""
    case = subject.case
    with subject.open() as session:
        expected = _arrays.copies(session.run(case.feeds))
        _process.be_stopped(STOPPED_S)
        require_same(session.run(case.feeds), expected, case.tolerance, "after being suspended ")


def process_is_left_as_it_was(subject: EngineSubject) -> None:
    """Environment (native, too), working directory, affinity, signal handlers and umask are unchanged."""
    case = subject.case
    before = _process.state()
    with subject.open() as session:
        session.run(case.feeds)
    changed = _process.changes(before, _process.state())
    require(not changed, "; ".join(changed))


def standard_output_is_silent(subject: EngineSubject) -> None:
    """Nothing is printed to standard output, which is reserved for results."""
    case = subject.case
    with _process.nothing_printed(subject.folder), subject.open() as session:
        session.run(case.feeds)


def no_files_are_left(subject: EngineSubject) -> None:
    """No file is left in the working directory, the temporary folder, the home folder or beside the model."""
    case = subject.case
    home, beside = subject.folder / "home", case.model.path.parent
    home.mkdir()
    os.chdir(home)
    here = {"HOME": str(home), "TMPDIR": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
    os.environ.update(here)
    _forget_temporary_folder()
    before = _files(beside)
    with subject.open(profile=True) as session:
        session.run(case.feeds)
    cache = home / ".cache"  # drivers may keep caches there for the next start
    left = [path for path in _files(home) if cache not in path.parents and path != cache]
    left += sorted(_files(beside) - before)
    require(not left, f"files were left behind: {', '.join(str(path) for path in left)}")


def _model_refused(subject: EngineSubject, model: Model, doing: str) -> None:
    refused(lambda: subject.open(model), doing, model.path.name, EngineError)


def _several(run: Callable[[Any], Any], feeds: Any) -> None:
    for _ in range(5):
        run(feeds)


def nothing_grows(cycle: Callable[[], object], cycles: tuple[int, int]) -> None:
    """Require that descriptors, threads and memory do not grow between two numbers of rounds."""
    early, late = cycles
    memory = _held_after(cycle, early)
    descriptors, threads = _process.descriptors(), _process.threads()
    held = _held_after(cycle, late - early)
    more = {name: place for name, place in _process.descriptors().items() if name not in descriptors}
    require(
        len(more) < late - early, f"{len(more)} more descriptors are open, for example {next(iter(more.values()), '')}"
    )
    left = _process.threads_settled(threads)
    require(left <= threads, f"there were {threads} threads after {early} rounds and {left} after {late}")
    grown, allowed = held - memory, NOISE + GROWTH * (late - early)
    if grown > allowed:  # memory that is taken once and kept is not a leak; a leak keeps growing
        grown = min(grown, _held_after(cycle, late - early) - held)
    require(grown <= allowed, f"memory grew by {grown // KIB} KiB between round {early} and round {late}")


def _held_after(cycle: Callable[[], object], rounds: int) -> int:
    """Return the maximum of the memory held after the last rounds, since some drivers free 8 MB every tenth round."""
    held = []
    for left in reversed(range(rounds)):
        cycle()
        if left < READINGS:
            held.append(_process.resident())
    return max(held)


def _files(folder: Path) -> set[Path]:
    return set(folder.rglob("*")) if folder.is_dir() else set()


def _forget_temporary_folder() -> None:
    """Make Python determine the temporary folder again."""
    import tempfile

    tempfile.tempdir = None
