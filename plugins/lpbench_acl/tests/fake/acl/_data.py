"""Data buffers, datasets and descriptions of tensors: what models are executed with."""

from __future__ import annotations

from typing import Any

from ._api import ANY, INITIALISED, Refusal, api, bare, value, wrong
from ._handles import Table

MOST_DIMENSIONS = 128


class DataBuffer:
    """An address and a size."""

    def __init__(self, address: int, size: int) -> None:
        self.address, self.size = address, size
        self.pending = 0


class Dataset:
    """The buffers of a model's inputs or outputs."""

    def __init__(self) -> None:
        self.buffers: list[int] = []
        self.gear: tuple[int, ...] | None = None
        """what the model was set to with this dataset"""
        self.shapes: dict[int, int] = {}
        """descriptions of tensors, by index"""
        self.lent: dict[int, int] = {}
        """those of outputs, which the execution wrote"""
        self.pending = 0


class TensorDescription:
    """A type and a shape."""

    def __init__(self, kind: int, dims: list[int], form: int) -> None:
        self.kind, self.dims, self.form = kind, dims, form


buffers: Table[DataBuffer] = Table("data buffer")
datasets: Table[Dataset] = Table("dataset")
descriptions: Table[TensorDescription] = Table("tensor description")


@api("acl.create_data_buffer", "kk", bare(0), needs=INITIALISED)
def create_data_buffer(address: int, size: int) -> int:
    return buffers.add(DataBuffer(address, size))


@api("acl.destroy_data_buffer", "k", needs=INITIALISED, failed=buffers.stick, dropped=buffers.drop)
def destroy_data_buffer(handle: int) -> None:
    if buffers.remove(handle).pending:
        raise wrong("data buffer destroyed while work that uses it is pending")


@api("acl.get_data_buffer_addr", "k", bare(0), needs=INITIALISED)
def get_data_buffer_addr(handle: int) -> int:
    return buffers[handle].address


def _size(handle: int) -> int:
    return buffers[handle].size


api("acl.get_data_buffer_size", "k", bare(0), needs=INITIALISED)(_size)
api("+acl.get_data_buffer_size_v2", "k", bare(0), needs=INITIALISED)(_size)


@api("+acl.update_data_buffer", "kkk", needs=INITIALISED)
def update_data_buffer(handle: int, address: int, size: int) -> None:
    found = buffers[handle]
    found.address, found.size = address, size


@api("acl.mdl.create_dataset", "", bare(0), needs=INITIALISED)
def create_dataset() -> int:
    return datasets.add(Dataset())


@api("acl.mdl.destroy_dataset", "k", needs=INITIALISED, failed=datasets.stick, dropped=datasets.drop)
def destroy_dataset(handle: int) -> None:
    found = datasets.remove(handle)
    for each in found.lent.values():
        descriptions.take_back(each)
    if found.pending:
        raise wrong("dataset destroyed while work that uses it is pending")


@api("acl.mdl.add_dataset_buffer", "kk", value(0), needs=INITIALISED)
def add_dataset_buffer(handle: int, buffer: int) -> int:
    assert buffers[buffer] is not None
    datasets[handle].buffers.append(buffer)
    return handle


@api("acl.mdl.get_dataset_num_buffers", "k", bare(0), needs=INITIALISED)
def get_dataset_num_buffers(handle: int) -> int:
    return len(datasets[handle].buffers)


@api("acl.mdl.get_dataset_buffer", "kk", bare(0), needs=INITIALISED)
def get_dataset_buffer(handle: int, index: int) -> int:
    found = datasets[handle].buffers
    if index >= len(found):
        raise wrong(f"buffer {index} of {len(found)}")
    return found[index]


@api("acl.create_tensor_desc", "iOi", bare(0), needs=INITIALISED)
def create_tensor_desc(kind: int, dims: Any, form: int) -> int:
    if not isinstance(dims, list) or not all(isinstance(each, int) for each in dims):
        raise TypeError("acl.create_tensor_desc args parse failed")
    if len(dims) > MOST_DIMENSIONS:
        raise Refusal(100000, f"EH0001: {len(dims)} dimensions")
    return descriptions.add(TensorDescription(kind, list(dims), form))


@api(
    "acl.destroy_tensor_desc", "k", bare(None), needs=INITIALISED, failed=descriptions.stick, dropped=descriptions.drop
)
def destroy_tensor_desc(handle: int) -> None:
    descriptions.remove(handle)


@api("acl.get_tensor_desc_num_dims", "k", bare(0), needs=INITIALISED)
def get_tensor_desc_num_dims(handle: int) -> int:
    return len(descriptions[handle].dims)


@api("+acl.get_tensor_desc_dim_v2", "kk", value(0), needs=INITIALISED)
def get_tensor_desc_dim_v2(handle: int, index: int) -> int:
    found = descriptions[handle].dims
    if index >= len(found):
        raise wrong(f"dimension {index} of {len(found)}")
    return found[index]


@api("+acl.mdl.set_dataset_tensor_desc", "kkk", value(0), needs=INITIALISED)
def set_dataset_tensor_desc(handle: int, description: int, index: int) -> int:
    assert descriptions[description] is not None
    found = datasets[handle]
    if index >= len(found.buffers):
        raise wrong(f"buffer {index} of {len(found.buffers)}")
    found.shapes[index] = description
    return handle


@api("+acl.mdl.get_dataset_tensor_desc", "kk", bare(0), needs=INITIALISED)
def get_dataset_tensor_desc(handle: int, index: int) -> int:
    dataset = datasets[handle]
    found = dataset.lent.get(index, dataset.shapes.get(index))
    if found is None:
        raise wrong(f"the dataset has no description of tensor {index}")
    return found


@api("acl.data_type_size", "i", bare(0), needs=ANY)
def data_type_size(kind: int) -> int:
    return {0: 4, 1: 2, 2: 1, 3: 4, 4: 1, 6: 2, 7: 2, 8: 4, 9: 8, 10: 8, 11: 8, 12: 1, 27: 2}.get(kind, 0)
