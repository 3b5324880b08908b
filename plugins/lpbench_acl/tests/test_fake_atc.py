"""The fake of ATC checks what it is told, and says what is wrong in ATC's form."""

from __future__ import annotations

import re
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from plugins.lpbench_acl.tests import bare
from plugins.lpbench_acl.tests.networks import X, network, pooled, sums

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from plugins.lpbench_acl.tests.fake_site import Fake

    from lpbench.testing.onnx_models import Graphs

pytestmark = pytest.mark.long

GIVEN = {"framework": 5, "output": "net", "soc_version": "Ascend310P3"}


def atc(folder: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command = ["atc", *(f"--{name}={value}" for name, value in options.items() if value is not None)]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=120)


def refused(fake: Fake, model: Path, **options: object) -> str:
    """Return the code and the reason with which a model is refused, in this process."""
    with pytest.raises(Exception, match=r".") as caught:
        fake.om(model, **options)
    assert type(caught.value).__name__ == "AtcError"
    error: Any = caught.value
    return f"{error.code}: {error.reason}"


def test_the_command_compiles_and_shows(fake_acl: Fake, tmp_path: Path) -> None:
    done = atc(tmp_path, model=network(tmp_path), **GIVEN)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "ATC start working now, please wait for a moment."
    assert done.stdout.splitlines()[-1] == "ATC run success, welcome to the next use."
    assert {each.name for each in tmp_path.iterdir()} >= {"net.om", "kernel_meta", "fusion_result.json"}
    running = bare.Bare(str(tmp_path / "net.om"))
    assert np.allclose(running.run({"x": X})["y"], bare.expected(X), atol=1e-2)
    running.close()
    shown = atc(tmp_path, mode=6, om="net.om").stdout
    assert "soc_version[Ascend310P3], framework_type[5]." in shown
    assert "Original Atc command line: atc --model=" in shown


def test_what_is_wrong_goes_to_standard_output_with_its_code(fake_acl: Fake, tmp_path: Path) -> None:
    done = atc(tmp_path, model=network(tmp_path), **{**GIVEN, "soc_version": None})
    assert (done.returncode, done.stderr) == (255, "")
    assert "ATC run failed, Please check the detail log, Try 'atc --help' for more information" in done.stdout
    assert re.search(r"^E10054: \[PID: \d+\] \S+ Required parameter --soc_version is empty", done.stdout, re.MULTILINE)
    assert re.search(r"^        Solution: ", done.stdout, re.MULTILINE)
    assert not (tmp_path / "net.om").exists()


@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ("killed", -9, "ATC start working now"),
        ("silent", 255, "ATC run failed"),
        ("inner", 255, "E19999: "),
        ("library", 127, "libascend_hal.so: cannot open shared object file"),
        ("nothing", 0, "ATC run success"),
    ],
)
def test_it_ends_as_it_is_told(fake_acl: Fake, tmp_path: Path, how: str, status: int, said: str) -> None:
    fake_acl.set(atc=how)
    done = atc(tmp_path, model=network(tmp_path), **GIVEN)
    assert done.returncode == status
    assert said in done.stdout + done.stderr
    assert not (tmp_path / "net.om").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input_shapes": "x:2,3"}, "E10053: unknown command line flag 'input_shapes'"),
        ({"framework": ""}, "E10054: Required parameter --framework is empty"),
        ({"precision_mode": "fp16"}, "E10001: Value fp16 for parameter --precision_mode is invalid"),
        ({"precision_mode_v2": "fp16"}, "E10056: "),
        ({"soc_version": "Ascend999"}, "E19999: "),
        ({"output_type": "FP8"}, "E10001: Value FP8 for parameter --output_type is invalid"),
        ({"input_shape": "z:2,3"}, "E10016: Opname [z] in --input_shape is not found"),
        ({"input_shape": "x:2,4"}, "E10001: "),
        ({"input_shape": "x:2,three"}, "E10001: "),
        ({"dynamic_batch_size": "1,2"}, "E10007: [--input_shape] is required"),
        ({"input_shape": "x:2,3", "dynamic_batch_size": "1,2"}, "E10012: "),
        ({"input_shape": "x:-1,3", "dynamic_batch_size": "4"}, "E10035: "),
        ({"input_shape": "x:-1,3", "dynamic_batch_size": ",".join(map(str, range(1, 102)))}, "E10036: "),
        ({"input_shape": "x:-1,3", "dynamic_batch_size": "1,0"}, "E10037: "),
        ({"input_shape": "x:-1,3", "dynamic_batch_size": "2,2"}, "E10039: "),
        ({"input_shape": "x:-1,3", "dynamic_dims": "1;2"}, "E10001: Value NCHW for parameter --input_format"),
        ({"input_shape": "x:-1,3", "dynamic_dims": "1,1;2,2", "input_format": "ND"}, "E10042: "),
        ({"input_shape": "x:-1,3", "dynamic_dims": "1;2", "dynamic_batch_size": "1,2"}, "E10009: "),
        ({"input_shape": "x:-1,3", "dynamic_image_size": "1,2;3,4"}, "E10012: "),
        ({}, "E10014: The input [x] has a dynamic shape"),
        ({"input_shape": "x:-1,3", "soc_version": "Ascend310B1"}, "E10017: "),
    ],
)
def test_options_that_do_not_fit_are_refused(
    fake_acl: Fake, tmp_path: Path, options: Mapping[str, object], said: str
) -> None:
    assert refused(fake_acl, network(tmp_path, "n"), **options).startswith(said)


def test_models_that_cannot_be_compiled_are_refused(fake_acl: Fake, tmp_path: Path, models: Graphs) -> None:
    assert refused(fake_acl, tmp_path / "missing.onnx").startswith("E13000: ")
    (tmp_path / "other.onnx").write_bytes(b"something else")
    assert refused(fake_acl, tmp_path / "other.onnx").startswith("E19005: ")
    node = onnx.helper.make_node("Sparkle", ["x"], ["y"], name="star", domain="own")
    model = models.save([node], [("x", 1, (1, 3))], [("y", 1, (1, 3))])
    assert refused(fake_acl, model) == "E19010: No parser is registered for Op [star, optype [own::17::Sparkle]]."


def test_precision_is_what_the_mode_says(fake_acl: Fake, tmp_path: Path) -> None:
    x = np.full((2, 3), 1 + 2**-12, np.float32)
    exact = bare.Bare(str(fake_acl.om(network(tmp_path))))
    assert np.array_equal(exact.run({"x": x})["y"], bare.expected(x))
    exact.close()
    half = bare.Bare(str(fake_acl.om(network(tmp_path), precision_mode="force_fp16")))
    assert not np.array_equal(half.run({"x": x})["y"], bare.expected(x))
    assert np.allclose(half.run({"x": x})["y"], bare.expected(x), atol=1e-2)
    half.close()


@pytest.mark.parametrize("output_type", ["FP16", "cut:0:FP16"])
def test_outputs_have_the_type_that_is_asked_for(fake_acl: Fake, tmp_path: Path, output_type: str) -> None:
    running = bare.Bare(str(fake_acl.om(network(tmp_path), output_type=output_type)))
    assert running.run({"x": X})["y"].dtype == np.float16
    running.close()


def test_the_header_is_that_of_an_om_file(fake_acl: Fake, tmp_path: Path) -> None:
    content = fake_acl.om(network(tmp_path)).read_bytes()
    magic, header, version = struct.unpack_from("<3I", content)
    assert content[:4] == b"IMOD"
    assert (magic, header, version) == (0x444F4D49, 256, 0x20000000)
    assert struct.unpack_from("<I", content, 76) == struct.unpack_from("<Q", content, 184)
    assert struct.unpack_from("<Q", content, 184)[0] == len(content) - 256
    (count,) = struct.unpack_from("<I", content, 256)
    kind, offset, size = struct.unpack_from("<I4xQQ", content, 264)
    assert (count, kind, offset) == (3, 0, 0)
    definition = content[264 + 24 * count :][:size]
    assert b"soc_version\x12\x0d\x12\x0bAscend310P3" in definition


@pytest.mark.parametrize("size", ["given", "unknown"])
def test_shapes_within_ranges_are_told_with_the_data(fake_acl: Fake, tmp_path: Path, size: str) -> None:
    done = atc(tmp_path, model=pooled(tmp_path), input_shape="x:1,3,2~8,-1", **GIVEN)
    assert done.returncode == 0
    (made,) = tmp_path.glob("net_linux_*.om")
    device = bare.Device()
    acl, model = device.acl, bare.call("mdl.load_from_file", str(made))
    description = acl.mdl.create_desc()
    bare.call("mdl.get_desc", description, model)
    assert bare.call("mdl.get_input_dims", description, 0)["dims"] == [1, 3, -1, -1]
    assert acl.mdl.get_input_size_by_index(description, 0) == acl.mdl.get_output_size_by_index(description, 0) == 0
    assert acl.mdl.get_cur_output_dims(description, 0) == ({}, 200001)
    x = np.ones((1, 3, 4, 6), np.float32)
    address = bare.call("rt.malloc", x.nbytes, 0)
    bare.call("rt.memcpy", address, x.nbytes, x.ctypes.data, x.nbytes, 1)
    target = bare.call("rt.malloc", 72, 0) if size == "given" else 0
    buffers = [acl.create_data_buffer(address, x.nbytes), acl.create_data_buffer(target, 72 if target else 0)]
    datasets = [acl.mdl.create_dataset(), acl.mdl.create_dataset()]
    for dataset, buffer in zip(datasets, buffers, strict=True):
        bare.call("mdl.add_dataset_buffer", dataset, buffer)
    shape = acl.create_tensor_desc(0, list(x.shape), 2)
    bare.call("mdl.set_dataset_tensor_desc", datasets[0], shape, 0)
    bare.call("mdl.execute", model, *datasets)
    given = acl.mdl.get_dataset_tensor_desc(datasets[1], 0)
    found = [bare.call("get_tensor_desc_dim_v2", given, index) for index in range(acl.get_tensor_desc_num_dims(given))]
    assert found == [1, 3, 2, 3]
    where = acl.get_data_buffer_addr(buffers[1])
    y = np.zeros(18, np.float32)
    bare.call("rt.memcpy", y.ctypes.data, 72, where, 72, 2)
    assert np.array_equal(y, np.ones(18))
    for each in (address, where):
        bare.call("rt.free", each)
    for dataset, buffer in zip(datasets, buffers, strict=True):
        bare.call("destroy_data_buffer", buffer)
        bare.call("mdl.destroy_dataset", dataset)
    acl.destroy_tensor_desc(shape)
    bare.call("mdl.unload", model)
    bare.call("mdl.destroy_desc", description)
    device.close()


def test_gears_are_told_by_the_description(fake_acl: Fake, tmp_path: Path) -> None:
    options = {"input_shape": "a:-1,3;b:-1,3", "dynamic_dims": "1,1;4,4;2,2", "input_format": "ND"}
    running = bare.Bare(str(fake_acl.om(sums(tmp_path), **options)))
    mdl, description = running.acl.mdl, running.description
    count = bare.call("mdl.get_input_dynamic_gear_count", description, -1)
    gears = bare.call("mdl.get_input_dynamic_dims", description, -1, count)
    assert [each["dims"] for each in gears] == [[1, 3, 1, 3], [4, 3, 4, 3], [2, 3, 2, 3]]
    assert mdl.get_dynamic_batch(description) == ({"batchCount": 0, "batch": []}, 0)
    assert mdl.get_dynamic_hw(description, -1) == ({"hwCount": 0, "hw": []}, 0)
    assert bare.call("mdl.get_input_dims", description, 0)["dims"] == [-1, 3]
    assert mdl.get_input_size_by_index(description, 0) == 48
    assert bare.call("mdl.get_cur_output_dims", description, 0)["dims"] == [4, 3]
    told = {"name": "", "dimCount": 4, "dims": [3, 3, 3, 3]}
    assert mdl.set_input_dynamic_dims(running.model, running.datasets[0], running.shape_index, told) == 145013
    assert mdl.set_input_dynamic_dims(running.model, running.datasets[0], 2, {**told, "dimCount": 3}) == 145012
    assert mdl.set_dynamic_batch_size(running.model, running.datasets[0], running.shape_index, 2) == 145013
    running.close()


def test_the_largest_gear_runs_where_none_was_set(fake_acl: Fake, tmp_path: Path) -> None:
    running = bare.Bare(str(fake_acl.om(network(tmp_path, "n"), input_shape="x:-1,3", dynamic_batch_size="1,4,2")))
    x = np.resize(X, (4, 3))
    running.reshape()
    assert np.array_equal(running.run({"x": x})["y"], bare.expected(x))
    running.close()
