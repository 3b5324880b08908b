"""What a worker may send: frames, answers of every kind, and the arrays in them."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from tests.attack import documents
from tests.attack.kinds import Kind

from lpbench.plugin import progress_file
from lpbench.testing import mutations
from lpbench.worker import requests, wire
from lpbench.worker.protocol import HEADER, MAGIC, Channel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

SECONDS = 5.0
INFO = {
    "name": "x",
    "dtype": "float32",
    "shape": [1, "N", None],
    "layout": "",
    "scale": 0.5,
    "zero_point": 1,
    "alias": "",
    "optional": False,
}
ANSWERS: dict[str, Any] = {
    "OpenRequest": {
        "load_ns": 1,
        "baseline_bytes": 2,
        "facts": {"version": "1", "threads": 1},
        "inputs": [INFO],
        "outputs": [INFO],
        "components": [],
    },
    "FitProcessors": [{"component": "net", "step": "preprocessing", "what": "x", "hint": "y"}],
    "OpenReferenceKernel": {"version": "1", "blas": "x"},
    "InspectModel": {"inputs": [INFO], "outputs": [INFO]},
    "CloseApp": {"peak_bytes": 1, "problems": [{"sample": "a", "error": "b"}]},
    "RunFirstSample": {"ns": {"pre": 1}, "types": {"pre": "float32"}, "empty": {"x": [0, 3]}},
    "MeasureSlice": {"wall_ns": 1, "cpu_ns": 2, "switches": None, "faults": 3, "rss_bytes": 4},
    "MeasureCpuSlice": {},
    "PinThreads": {"threads": 1, "cores": [0, 1]},
    "MeasureStageMemory": {"stages": {"inference": {"peak_bytes": 2, "increase_bytes": 1}}, "reason": ""},
    "ReadDeviceMemory": {"": {"by_use": {"weights": 1}, "reason": ""}},
    "FindUnsupported": {"operators": [{"type": "Conv", "names": ["first"], "reason": "x"}]},
    "AvailableMemory": 5,
    "ReadEnvironment": {"machine": {"cpu": {"value": "x", "source": "y"}}},
    "Probe": {"version": "1", "devices": ["cpu"], "unusable": {"gpu": "x"}, "hint": "y", "hints": {"gpu": "z"}},
}
"""Answers as workers give them, by request."""
REQUESTS: dict[str, Any] = {
    "MeasureSlice": {"count": 3},
    "OpenReferenceKernel": {"threads": 1},
    "InspectModel": {"model": "m", "format": "f", "engine": "e"},
    "OpenRequest": {
        "app": {},
        "configuration": {"engine": "e", "threads": 1, "shapes": {"x": [1]}},
        "samples": ["a"],
        "seed": 0,
    },
}


class Frames(Kind):
    """Bytes on the worker's stream."""

    name: ClassVar[str] = "frames"

    def write(self, random: Random, folder: Path) -> None:
        """Write two frames, damaged."""
        text = json.dumps({"answer": ANSWERS["InspectModel"]}).encode()
        frame = HEADER.pack(MAGIC, len(text), 4) + text + b"1234"
        if random.random() < 0.3:
            text = documents.damaged(text.decode(), random)
            frame = HEADER.pack(MAGIC, len(text), 4) + text + b"1234"
            (folder / "frames.bin").write_bytes(frame * 2)
            return
        (folder / "frames.bin").write_bytes(mutations.mutated(frame * 2, random))

    def read(self, folder: Path) -> Iterable[str]:
        """Receive until the stream ends, as the parent does."""
        content = (folder / "frames.bin").read_bytes()
        reader, writer = os.pipe()
        sender = threading.Thread(target=_send, args=(writer, content))
        sender.start()
        try:
            with os.fdopen(reader, "rb", 0) as stream:
                channel = Channel(stream, stream)
                while True:
                    channel.receive(SECONDS)
        finally:
            sender.join()


class Answers(Kind):
    """Answers of a worker that follow JSON and nothing else, and requests likewise."""

    name: ClassVar[str] = "answers"

    def write(self, random: Random, folder: Path) -> None:
        """Write a request's name and a damaged answer, or a damaged request."""
        asked = random.random() < 0.2
        name = random.choice(sorted(REQUESTS if asked else ANSWERS))
        value = {"request": name, "fields": REQUESTS[name]} if asked else ANSWERS[name]
        (folder / ("request" if asked else "answer")).write_text(name, encoding="utf-8")
        (folder / "value.json").write_bytes(documents.damaged(json.dumps(value), random))

    def read(self, folder: Path) -> Iterable[str]:
        """Decode it as the parent or the worker does."""
        try:
            value = json.loads((folder / "value.json").read_bytes())
        except (ValueError, RecursionError):  # of the kind above
            return ()
        if (folder / "request").exists():
            wire.decode_request(value if isinstance(value, dict) else {})
            return ()
        name = (folder / "answer").read_text(encoding="utf-8")
        request: Any = object.__new__(getattr(requests, name))
        found = wire.decode_answer(request, value, b"12345678")
        json.dumps(wire.encode_answer(found)[0])
        return ()


class Reports(Kind):
    """Progress that a worker sends before its answer, or a child of ours writes into a file."""

    name: ClassVar[str] = "progress"

    def write(self, random: Random, folder: Path) -> None:
        """Write a damaged report."""
        text = json.dumps({"what": "building the engine", "done": 0.42})
        (folder / "progress").write_bytes(documents.damaged(text, random))

    def read(self, folder: Path) -> Iterable[str]:
        """Read it as the parent does of a worker, and of another child."""
        path = folder / "progress"
        yield str(progress_file.Reports(path).news())
        try:
            found = json.loads(path.read_bytes())
        except (ValueError, RecursionError):  # frames that are not JSON are another kind
            return
        yield str(wire.decode_activity(object.__new__(requests.InspectModel), {"progress": found}, b""))


class TensorBlocks(Kind):
    """Arrays that a worker sends, with what it says of them."""

    name: ClassVar[str] = "tensor-blocks"
    needs: ClassVar[tuple[str, ...]] = ("numpy",)

    def write(self, random: Random, folder: Path) -> None:
        """Write damaged records and a block."""
        tensor = {"name": "y", "layout": "NCHW", "dtype": "<f4", "shape": [1, 2, 3], "step": 0.5}
        sample = {
            "sample": "a",
            "outputs": [tensor, {**tensor, "dtype": "<U3"}],
            "values": [tensor],
            "described": {"top": []},
        }
        (folder / "answer.json").write_bytes(documents.damaged(json.dumps({"samples": [sample, sample]}), random))
        (folder / "block.bin").write_bytes(random.randbytes(random.choice((0, 100, 288, 500))))

    def read(self, folder: Path) -> Iterable[str]:
        """Decode it as the parent does, and take the arrays."""
        from lpbench.worker import tensor_wire

        try:
            value = json.loads((folder / "answer.json").read_bytes())
        except (ValueError, RecursionError):
            return ()
        block = (folder / "block.bin").read_bytes()
        request: Any = object.__new__(requests.CollectOutputs)
        found: Any = wire.decode_answer(request, value, block)
        tensor_wire.unpack({"samples": found.samples}, found.block)
        return ()


def _send(writer: int, content: bytes) -> None:
    try:
        os.write(writer, content)
    except BrokenPipeError:
        pass
    finally:
        os.close(writer)


KINDS = (Frames, Answers, Reports, TensorBlocks)
