"""What goes wrong on a device: models that are none, too little memory, a device that is lost during a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from plugins.lpbench_acl.tests.test_run import MODES, WAYS

from lpbench.plugin.engine import EngineError
from lpbench.testing.failing_calls import OneSession

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.plugin.engine import Session
    from lpbench.testing.fixtures import Opener
    from lpbench.testing.onnx_models import Graphs

pytestmark = pytest.mark.long

X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
SIDE = 256
BIG = (SIDE, SIDE)


@pytest.fixture
def relu(models: Graphs, fake_acl: Fake) -> Path:
    return fake_acl.om(models.one("Relu", (2, 3)))


def works(open_session: Opener, path: Path) -> None:
    with open_session(path) as session:
        assert session.run({"x": X})["y"].tolist() == np.maximum(X, 0).tolist()


def damaged(path: Path, content: bytes) -> Path:
    changed = path.with_name("damaged.om")
    changed.write_bytes(content)
    return changed


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_damaged_model_is_refused_and_the_next_one_works(
    models: Graphs, open_session: Opener, fake_acl: Fake, share: float
) -> None:
    path = fake_acl.om(models.one("Relu", (2, 3)))
    content = path.read_bytes()
    text = open_session.refused(damaged(path, content[: int(len(content) * share)]))
    assert "\n" in text
    works(open_session, path)
    assert fake_acl.wrong() == []


def test_a_model_of_another_kind_is_refused(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    onnx = models.one("Relu", (2, 3))
    text = open_session.refused(damaged(onnx, onnx.read_bytes()))
    assert "lpbench convert APP --to om" in text
    assert fake_acl.wrong() == []


def test_a_model_that_is_not_there_is_named(open_session: Opener, fake_acl: Fake, tmp_path: Path) -> None:
    open_session.refused(tmp_path / "missing.om")
    open_session.refused(tmp_path)
    assert fake_acl.wrong() == []


def test_a_model_for_another_npu_says_for_which(models: Graphs, open_session: Opener, fake_acl: Fake) -> None:
    """AscendCL's reason names both; the remedy is to convert it here."""
    onnx = models.one("Relu", (2, 3))
    fake_acl.set(soc="Ascend910B4")
    path = fake_acl.om(onnx, soc_version="Ascend310P3")
    text = open_session.refused(path)
    assert "Ascend310P3" in text
    assert "Ascend910B4" in text
    assert "lpbench convert APP --to om" in text
    fake_acl.set(soc="Ascend310P3")
    works(open_session, path)
    assert fake_acl.wrong() == []


@MODES
@pytest.mark.parametrize("held", [0, 1, 2])
def test_too_little_memory_is_told_at_any_stage(
    models: Graphs, open_session: Opener, fake_acl: Fake, held: int, run_mode: int
) -> None:
    """For the model, its input or its output: opening fails with the reason, and nothing is kept."""
    path = fake_acl.om(models.one("Relu", BIG))
    fake_acl.set(run_mode=run_mode, device_memory=int(4 * SIDE * SIDE * (held - 0.5)) if held else 100)
    text = open_session.refused(path)
    assert "out of device memory (207001): EL0004" in text
    assert "npu-smi info" in text
    assert fake_acl.wrong() == []
    fake_acl.set(device_memory=1 << 30)
    with open_session(path) as session:
        assert session.run({"x": np.ones(BIG, np.float32)})["y"].all()
    assert fake_acl.wrong() == []


@pytest.mark.parametrize("call", ["acl.rt.malloc:1", "acl.rt.malloc:2", "acl.rt.malloc_host:1", "acl.rt.malloc_host:2"])
def test_memory_that_is_refused_is_not_kept(models: Graphs, open_session: Opener, fake_acl: Fake, call: str) -> None:
    path = fake_acl.om(models.one("Relu", (2, 3)))
    fake_acl.begin()
    fake_acl.set(fail_at=call)
    assert call.partition(":")[0] in open_session.refused(path)
    fake_acl.set(fail_at=0)
    works(open_session, path)
    assert fake_acl.wrong() == []


@pytest.mark.parametrize(
    ("call", "asynchronous"),
    [
        *[("acl.rt.set_context", True), ("acl.rt.memcpy_async", True), ("acl.mdl.execute_async", True)],
        *[("acl.rt.synchronize_stream", True), ("acl.rt.set_context", False), ("acl.rt.memcpy", False)],
        ("acl.mdl.execute", False),
    ],
)
def test_a_run_that_fails_is_followed_by_one_that_works(
    models: Graphs, open_session: Opener, fake_acl: Fake, call: str, *, asynchronous: bool
) -> None:
    """The error carries the call and AscendCL's reason, of which a later failure has its own."""
    path = fake_acl.om(models.one("Relu", (2, 3)))
    session = open_session(path, asynchronous=asynchronous)
    for _ in range(2):
        session.run({"x": X})
        fake_acl.begin()
        fake_acl.set(fail_at=f"{call}:1")
        with pytest.raises(EngineError, match=rf"{path.name}: {call} failed: .*\d+\)?: \S+"):
            session.run({"x": -X})
        fake_acl.set(fail_at=0)
        assert session.run({"x": X})["y"].tolist() == np.maximum(X, 0).tolist()


def several(session: Session) -> None:
    for _ in range(9):
        session.run({"x": X})


@MODES
@WAYS
def test_a_device_that_is_lost_closes_the_session_once(
    models: Graphs, open_session: Opener, fake_acl: Fake, run_mode: int, *, asynchronous: bool
) -> None:
    """Whichever call is the first to tell: one error with the reason and a remedy, then the session is closed."""
    fake_acl.set(run_mode=run_mode)
    path = fake_acl.om(models.one("Relu", (2, 3)))
    for number in range(1, 6):
        fake_acl.begin()
        session = open_session(path, asynchronous=asynchronous)
        session.run({"x": X})
        done = len(fake_acl.calls())
        fake_acl.set(lost_at=done + number)
        with pytest.raises(EngineError, match=r"the device is lost and the session is closed\n.*npu-smi"):
            several(session)
        with pytest.raises(EngineError, match=r": the session is closed$"):
            session.run({"x": X})
        session.close()
        open_session.sessions.clear()
        fake_acl.set(lost_at=0)


def test_a_device_that_is_lost_at_any_time_ends_in_an_error_that_names_the_model(
    models: Graphs, open_session: Opener, fake_acl: Fake
) -> None:
    """From the first call on to the last one, closing included; afterwards the next session works."""
    path = fake_acl.om(models.one("Relu", (2, 3)))
    program = OneSession(open_session, path, {"x": X})
    assert program() == ""  # the first session of a process starts AscendCL
    fake_acl.begin()
    assert program() == ""
    for number in range(1, len(fake_acl.calls()) + 1):
        fake_acl.set(lost_at=number)
        fake_acl.begin()
        assert path.name in program()
        fake_acl.set(lost_at=0)
        fake_acl.begin()
        assert program() == ""


@pytest.mark.parametrize("goes_on", [False, True])
def test_an_interrupted_run_leaves_nothing_behind(
    models: Graphs, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch, *, goes_on: bool
) -> None:
    """What was queued is waited for before its memory is released, or filled by a run of another shape."""
    runtime = fake_acl.module.rt
    waits = [runtime.synchronize_stream] * 2

    def interrupted(stream: int) -> object:
        if len(waits) == 1:
            return waits[0](stream)
        waits.pop()
        raise KeyboardInterrupt

    path = fake_acl.om(models.one("Relu", ("N", 3)), input_shape="x:-1,3", dynamic_batch_size="1,2,4")
    with monkeypatch.context() as patch:
        patch.setattr(runtime, "synchronize_stream", interrupted)
        session = open_session(path)
        with pytest.raises(KeyboardInterrupt):
            session.run({"x": X})
    if goes_on:
        assert session.run({"x": X[:1]})["y"].tolist() == np.maximum(X[:1], 0).tolist()
    session.close()
    assert fake_acl.wrong() == []


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (("get_num_inputs", 0), "acl.mdl.get_num_inputs returned 0"),
        (("get_num_outputs", 1 << 40), "acl.mdl.get_num_outputs returned"),
        (("get_input_name_by_index", None), "acl.mdl.get_input_name_by_index returned None"),
        (("get_input_data_type", -1), "acl.mdl.get_input_data_type returned -1"),
        (("get_output_data_type", 13), 'output "one:0:y" has the type 13 of aclDataType'),
        (("get_input_dims_v2", ({"dims": [2, "3"]}, 0)), "acl.mdl.get_input_dims_v2 returned"),
        (("get_input_dims_v2", ({"dims": [1] * 1000}, 0)), "acl.mdl.get_input_dims_v2 returned"),
        (("get_output_dims", ({}, 0)), "acl.mdl.get_output_dims returned {}"),
        (("get_output_size_by_index", 23), "acl.mdl.get_output_size_by_index returned 23"),
        (("get_cur_output_dims", ({"dims": [2, 300]}, 0)), '"y" takes 2400 bytes; the model asks for 24'),
        (("get_cur_output_dims", (2, 3)), "acl.mdl.get_cur_output_dims failed"),
        (("create_dataset", 0), "acl.mdl.create_dataset returned 0"),
    ],
)
def test_a_description_that_cannot_be_is_refused(
    relu: Path, open_session: Opener, fake_acl: Fake, lie: tuple[str, object], words: str
) -> None:
    """What AscendCL tells of a model comes from its file, which may be anybody's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake_acl.module.mdl, lie[0], lambda *_: lie[1])
        assert words in open_session.refused(relu)
    assert fake_acl.wrong() == []
    works(open_session, relu)


def test_two_tensors_of_one_name_are_refused(
    models: Graphs, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake_acl.om(models.two((1, 2)))
    monkeypatch.setattr(fake_acl.module.mdl, "get_input_name_by_index", lambda *_: "a")
    assert "two inputs of the model have one name" in open_session.refused(path)


def test_an_argument_that_pyacl_does_not_take_is_told_in_words(
    models: Graphs, open_session: Opener, fake_acl: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def execute_async(*_: object) -> int:
        raise TypeError("acl.mdl.execute_async args parse failed")

    path = fake_acl.om(models.one("Relu", (2, 3)))
    with monkeypatch.context() as patch:
        patch.setattr(fake_acl.module.mdl, "execute_async", execute_async)
        session = open_session(path)
    with pytest.raises(EngineError, match=rf"{path.name}: pyACL raised TypeError: acl\.mdl\.execute_async args parse"):
        session.run({"x": X})
