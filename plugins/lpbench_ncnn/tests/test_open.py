"""What opening refuses, and what an open session says of itself."""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING, Any

import ncnn
import numpy as np
import pytest

import lpbench_ncnn
from lpbench.errors import AppError, ConfigError
from lpbench.jobs.new_app import new_app
from lpbench.plugin.engine import EngineError, TensorInfo
from lpbench.plugin.kit.cores import physical_cores
from lpbench.testing import fixtures
from lpbench.util import dataclass_config
from lpbench_ncnn.config import NcnnConfig

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.lpbench_ncnn.tests.conftest import Models

    from lpbench.plugin.engine import Shapes
    from lpbench.testing.fixtures import Opener

SHAPE = {"in0": (1, 3, 8, 8)}
X = {"in0": np.ones((1, 3, 8, 8), np.float32)}
OPENER = fixtures.Opener(lpbench_ncnn, "ncnn", threads=1)


def refused(path: Path, shapes: Shapes = SHAPE, **options: str) -> str:
    return OPENER.refused(path, shapes, **options)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    assert "none.param does not exist" in refused(tmp_path / "none.param")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    assert "is not a file" in refused(tmp_path)


def test_missing_weights_are_named_with_those_that_are_there(models: Models) -> None:
    path = models.network()
    path.with_suffix(".bin").rename(models.folder / "other.bin")
    found = refused(path)
    assert "the model's weights are missing: model.bin does not exist" in found
    assert "the folder has other.bin" in found


def test_endings_may_be_in_upper_case(models: Models, open_session: Opener) -> None:
    """NET.PARAM with NET.BIN beside it, and named among the extra files."""
    path = models.network()
    expected = open_session(path, SHAPE).describe()
    weights = path.with_suffix(".bin").rename(models.folder / "NET.BIN")
    path = path.rename(models.folder / "NET.PARAM")
    for extra in ([], [weights]):
        assert open_session(path, SHAPE, extra=extra).describe() == expected


def test_weights_may_have_another_name(models: Models, open_session: Opener) -> None:
    """A .bin among the model's extra files is used, wherever it lies."""
    path = models.network()
    other = path.with_suffix(".bin").rename(models.folder / "other.bin")
    session = open_session(path, SHAPE, extra=[models.folder / "model.param", other])
    assert np.allclose(session.run(X)["out0"], models.expected(X["in0"]), atol=1e-6)


def test_names_as_converters_write_them(models: Models, open_session: Opener) -> None:
    """A converter writes squeezenet.ncnn.param and squeezenet.ncnn.bin."""
    path = models.network().rename(models.folder / "m.ncnn.param")
    (models.folder / "model.bin").rename(models.folder / "m.ncnn.bin")
    assert open_session(path, SHAPE).run(X)["out0"].shape == (1, 5)


def test_an_output_whose_name_ncnn_reads_as_another_is_an_error(models: Models) -> None:
    """It ends a name at a zero byte."""
    path = models.network()
    lines = path.read_text(encoding="utf-8").splitlines()
    fields = lines[-1].split()
    top = fields[4 + int(fields[2])]
    path.write_text("\n".join([*lines[:-1], lines[-1].replace(f" {top} ", " a\0b ", 1), ""]), encoding="utf-8")
    assert "as another one" in refused(path)


def test_a_missing_extra_file_is_named(models: Models, open_session: Opener) -> None:
    with pytest.raises(EngineError, match=r"gone\.bin does not exist"):
        open_session(models.network(), SHAPE, extra=[models.folder / "gone.bin"])


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.7, 0.999])
def test_weights_cut_short_are_an_error(models: Models, share: float) -> None:
    path = models.network()
    weights = path.with_suffix(".bin")
    content = weights.read_bytes()
    weights.write_bytes(content[: int(len(content) * share)])
    found = refused(path)
    assert "model.bin" in found
    assert "fetch both again" in found


def test_weights_of_another_model_are_an_error(models: Models) -> None:
    """What ncnn does not need it leaves unread: here that is an error."""
    path = models.network()
    weights = path.with_suffix(".bin")
    size = weights.stat().st_size
    weights.write_bytes(weights.read_bytes() + b"\0" * 4000)
    assert f"read {size} bytes of model.bin and left 4000 unread" in refused(path)


def test_weights_of_noise_are_an_error(models: Models) -> None:
    """Noise instead of weights: the tags are wrong, so another number of bytes is taken."""
    path = models.network()
    weights = path.with_suffix(".bin")
    weights.write_bytes(np.random.default_rng(0).bytes(weights.stat().st_size))
    assert "model.bin" in refused(path)


def test_a_param_that_asks_for_too_much_is_refused_before_memory_is(models: Models) -> None:
    """A damaged number of weights: no gigabytes are asked for."""
    path = models.save(
        ["Input in0 0 1 in0", "Convolution c 1 1 in0 out0 0=8 1=3 6=2147483640"], models.tagged(np.zeros((8, 3, 3, 3)))
    )
    assert "the .param describes 2147483640 weights" in refused(path)


@pytest.mark.parametrize("share", [0, 0.02, 0.1, 0.5, 0.9])
def test_a_param_cut_short_is_an_error(models: Models, share: float) -> None:
    path = models.network()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert refused(path)


def test_a_model_of_another_format_is_named(models: Models) -> None:
    """An ONNX file handed to ncnn: the error says what it is and what to do with it."""
    path = models.folder / "model.onnx"
    path.write_bytes(b"\x08\x08\x12\x07pytorch" + b"\0" * 99)
    found = refused(path)
    assert "model.onnx is an ONNX model; ncnn reads .param files" in found
    assert 'engine="onnxruntime"' in found


def test_unsupported_operators_are_listed_by_name(models: Models) -> None:
    path = models.save(["Input in0 0 1 in0", "Levitate a 1 1 in0 b", "Teleport c 1 1 b d", "Levitate e 1 1 d out0"])
    assert "does not support these operators: Levitate, Teleport" in refused(path)


def test_what_a_converter_left_is_recognised(models: Models) -> None:
    """A .ncnn.param with an operator that pnnx could not convert."""
    found = refused(models.save(["Input in0 0 1 in0", "nn.Fold a 1 1 in0 out0"]))
    assert "does not support these operators: nn.Fold" in found
    assert "pnnx could not convert" in found


def test_files_of_the_converter_itself_are_recognised(models: Models) -> None:
    """A .pnnx.param lies beside the .ncnn.param and begins like it."""
    path = models.save(["pnnx.Input pnnx_input_0 0 1 0 #0=(1,3,8,8)f32", "nn.Conv2d conv 1 1 0 1 bias=True"])
    assert "use the .ncnn.param that pnnx wrote beside it" in refused(path)


def test_parameters_that_ncnn_refuses_are_an_error(models: Models) -> None:
    path = models.save(["Input in0 0 1 in0", "Permute l 1 1 in0 out0 0=99"])
    if ncnn.Net().load_param(str(path)) == 0:
        pytest.skip("needs an ncnn that refuses unknown orders of dimensions")
    assert "cannot load the model (code -1)" in refused(path)


def test_a_size_that_nobody_gives_is_asked_for(models: Models) -> None:
    found = refused(models.network(), shapes={})
    assert 'the shape of input "in0" is not known' in found
    assert 'shapes={"in0": [1,3,224,224]}' in found


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"in": (1, 3, 8, 8)}, '"in", which is not an input of the model\n  did you mean "in0"?'),
        ({"in0": (1, 4, 8, 8)}, 'layer "conv" (Convolution) would receive 4x8x8; its weights are for 3 channels'),
        ({"in0": (1, 8, 8, 3)}, "would receive 8x8x3; its weights are for 3 channels"),
        ({"in0": (1, 3, 9, 8)}, 'layer "fc" (InnerProduct) would receive 16x5x4; its weights are for 256 values'),
        ({"in0": (2, 3, 8, 8)}, "ncnn runs one sample at a time, and in0=2x3x8x8 has more"),
        ({"in0": (1, 1, 1, 3, 8, 8)}, "ncnn supports up to 4 dimensions; found in0=1x1x1x3x8x8"),
        ({"in0": (1, 3, 0, 8)}, 'input "in0" cannot be 1x3x0x8'),
        ({"in0": ()}, 'input "in0" cannot be scalar'),
    ],
)
def test_shapes_that_do_not_fit_are_refused(models: Models, shapes: dict[str, Any], words: str) -> None:
    """On its own ncnn would answer with numbers read from past the end of its weights."""
    assert words in refused(models.network(), shapes=shapes)


def test_sizes_come_from_the_param(models: Models, open_session: Opener) -> None:
    """Input lines may tell the size; then nothing need be given, and nothing else may be."""
    path = models.network("0=8 1=8 2=3")
    session = open_session(path)
    assert session.inputs[0] == TensorInfo("in0", "float32", (1, 3, 8, 8))
    assert session.outputs[0] == TensorInfo("out0", "float32", (1, 5))
    assert open_session(path, {"in0": (3, 8, 8)}).inputs[0].shape == (3, 8, 8)
    found = refused(path, shapes={"in0": (1, 3, 16, 16)})
    assert "cannot be 1x3x16x16; the model has 1x3x8x8\n  see line 3 of the .param" in found


def test_a_new_app_leaves_the_size_open(models: Models) -> None:
    """new-app takes no shapes: the app states them later, or the run."""
    path = models.network()
    made = new_app(models.folder / "app", app_class="model", model=path, extra=[path.with_suffix(".bin")])
    assert 'the shape of input "in0" is not known' in made.unread
    assert made.app.components[0].models[0].inputs == ()


def test_a_new_app_asks_for_the_weights_by_its_own_name_of_them(models: Models) -> None:
    path = models.network()
    with pytest.raises(AppError) as caught:
        new_app(models.folder / "app", app_class="model", model=path)
    assert "the model's weights are missing" in caught.value.what
    assert caught.value.hint == "name further files of the model, such as weights, with extra"


def test_sizes_come_from_the_app(models: Models, open_session: Opener) -> None:
    """What the app states is used; what the user asks for goes before it."""
    path = models.relu()
    stated = [TensorInfo("in0", "float32", (1, 3, 8, 8), layout="NCHW")]
    assert open_session(path, inputs=stated).inputs[0].shape == (1, 3, 8, 8)
    assert open_session(path, {"in0": (1, 3, 4, 4)}, inputs=stated).inputs[0].shape == (1, 3, 4, 4)
    with pytest.raises(EngineError, match='shape of input "in0" is not known'):
        open_session(path, inputs=[TensorInfo("in0", "float32", ("N", 3, 8, 8))])


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ({"inputs": [TensorInfo("in1", "float32", (1, 3, 8, 8))]}, '"in1", which is not an input'),
        (
            {"inputs": [TensorInfo("in0", "uint8", (1, 3, 8, 8))]},
            'input "in0" is uint8; ncnn supports float32 or int32',
        ),
        ({"outputs": [TensorInfo("out", "float32", (1, 5))]}, '"out", which is not an output'),
        ({"outputs": [TensorInfo("out0", "float32", (1, 6))]}, 'output "out0" is 1x6; the network gives 1x5'),
    ],
)
def test_statements_that_do_not_fit_are_refused(
    models: Models, open_session: Opener, statements: dict[str, Any], words: str
) -> None:
    with pytest.raises(EngineError) as caught:
        open_session(models.network(), SHAPE, **statements)
    assert words in str(caught.value)


@pytest.mark.parametrize(("shape", "out"), [((1, 8, 8), (2, 8, 8)), ((1, 1, 8, 8), (1, 2, 8, 8))])
def test_the_layers_decide_whether_a_leading_one_is_a_batch(
    models: Models, open_session: Opener, shape: tuple[int, ...], out: tuple[int, ...]
) -> None:
    """1x8x8 into a convolution is one channel; 1x1x8x8 is a batch of one channel."""
    path = models.save(["Input in0 0 1 in0", "Convolution c 1 1 in0 out0 0=2 1=1 6=2"], models.tagged(np.ones(2)))
    session = open_session(path, {"in0": shape})
    assert session.outputs[0].shape == out
    assert session.run({"in0": np.ones(shape, np.float32)})["out0"].tolist() == np.ones(out).tolist()


def test_a_device_that_is_not_there_names_those_that_are(models: Models, vulkan: str) -> None:
    found = refused(models.network(), device="vulkan:7")
    assert 'device "vulkan:7" does not exist' in found
    assert f"here: cpu, {vulkan} (" in found


def test_a_session_says_what_ran_where(models: Models, open_session: Opener) -> None:
    facts = open_session(models.network(), SHAPE, threads=2).describe()
    assert facts["version"] == ncnn.__version__
    assert facts["device"] == "cpu"
    assert facts["processor"] == "CPU"
    assert facts["precision"] == facts["precision_asked"] == "F32"
    assert facts["threads"] == 2
    assert facts["options"]["fp16_storage"] is False
    assert facts["options"]["winograd"] is True
    assert facts["bytes_copied"] == {"inputs": 3 * 8 * 8 * 4, "outputs": 5 * 4}


def test_facts_are_ready_for_json(models: Models, open_session: Opener) -> None:
    facts = open_session(models.network(), SHAPE).describe()
    assert json.loads(json.dumps(facts)) == facts


def test_threads_zero_is_a_number_in_the_record(models: Models, open_session: Opener) -> None:
    """0 means the physical cores that the process may use, and the record says how many that is."""
    assert open_session(models.network(), SHAPE, threads=0).describe()["threads"] == physical_cores()


def test_opening_and_running_leaves_threads_on_their_cores(models: Models, open_session: Opener) -> None:
    """A process bound to one core stays there: ncnn's own binding would undo it."""
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        session = open_session(models.network(), SHAPE, threads=2)
        session.run(X)
        assert os.sched_getaffinity(0) == {min(allowed)}
        if len(allowed) > 1:
            assert "would undo the binding to cores" in refused(models.network(), powersave="big")
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize("group", ["all", "big", "little"])
def test_a_group_of_cores_is_given_back(models: Models, open_session: Opener, group: str) -> None:
    """Powersave binds the calling thread; after closing it has the cores that it had."""
    allowed = os.sched_getaffinity(0)
    if len(allowed) < (os.cpu_count() or 1):
        pytest.skip("needs all cores of the machine")
    if group == "little" and not ncnn.get_little_cpu_count():
        assert "no little cores" in refused(models.network(), powersave=group)
        return
    session = open_session(models.network(), SHAPE, powersave=group)
    assert session.describe()["powersave"] == group
    session.close()
    assert os.sched_getaffinity(0) == allowed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "cuda:0"}, 'found "cuda:0"; expected cpu, or vulkan:0 and so on'),
        ({"device": "vulkan:-1"}, "expected cpu, or vulkan:0"),
        ({"threads": -1}, "threads: found -1; expected 0 or more"),
        ({"precision": "F64"}, "precision: found 'F64'; expected 'F32' or 'F16' or 'BF16' or 'default'"),
        ({"fp16_storage": "yes"}, "fp16_storage: found 'yes'; expected true or false or null"),
        ({"powersave": "tiny"}, "powersave: found 'tiny'"),
        ({"thread": 2}, 'unknown key "thread"\n  did you mean "threads"?'),
    ],
)
def test_wrong_options_say_what_is_right(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        dataclass_config.build(NcnnConfig, options, where="")
    assert words in str(caught.value)


def test_weights_in_half_precision_are_read(models: Models, open_session: Opener) -> None:
    """Converters store weights in F16 unless told otherwise; computed is in F32 all the same."""
    weights = np.array([[[[0.5]]], [[[0.1]]]], np.float16)
    path = models.save(
        ["Input in0 0 1 in0", "Convolution c 1 1 in0 out0 0=2 1=1 6=2"],
        struct.pack("<I", 0x01306B47) + weights.tobytes(),
    )
    session = open_session(path, {"in0": (1, 1, 2, 2)})
    found = session.run({"in0": np.ones((1, 1, 2, 2), np.float32)})["out0"]
    assert found[0, :, 0, 0].tolist() == [0.5, float(np.float16(0.1))]
    assert session.describe()["precision"] == "F32"
