"""Engines as servers use them: one model, called by many threads, at fixed settings or none.

Also the child process of `benchmarks.clients`: it loads a model with one engine at one setting,
says what the first output begins with and how long the call took, and answers each line `CLIENTS
SECONDS` with what that many clients saw in a closed loop. Answers are lines of JSON on the first
standard output.
"""

import argparse
import json
import os
import resource
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import Arrays, onnxruntime_call, openvino_model, openvino_outputs
from benchmarks.results import cpu_count

Call = Callable[[int], Any]
SHOWN = 16  # values of the first output, for comparison


@dataclass(frozen=True, slots=True)
class Setting:
    """An engine and how it is set up; None is the engine's own default."""

    engine: str
    label: str
    intra: int | None = None
    inter: int | None = None
    concurrency: int | None = None  # Treadle's Session(max_concurrency)
    hint: str | None = None  # OpenVINO's

    @property
    def name(self) -> str:
        """Engine and label."""
        return f"{self.engine} / {self.label}"

    @property
    def is_default(self) -> bool:
        """Whether nothing was set."""
        return self.label == "default"


def settings(cpus: int) -> tuple[Setting, ...]:
    """Each engine's default first, then what its users would try on `cpus` processors."""
    return (
        Setting("treadle", "default"),
        Setting("treadle", f"1x{cpus}", 1, cpus),
        Setting("treadle", "1x1", 1, 1),
        Setting("treadle", f"{cpus}x1, one at a time", cpus, 1, concurrency=1),
        Setting("treadle", f"1x1, {cpus} at a time", 1, 1, concurrency=cpus),
        Setting("torch", "default"),
        Setting("torch", f"1x{cpus}", 1, cpus),
        Setting("torch", "1x1", 1, 1),
        Setting("onnxruntime", "default"),
        Setting("onnxruntime", "1x1", 1),
        Setting("openvino", "default", hint="LATENCY"),
        Setting("openvino", "throughput", hint="THROUGHPUT"),
    )


def is_installed(setting: Setting) -> bool:
    """Whether the engine can be imported here."""
    return find_spec(setting.engine) is not None


def load_treadle(setting: Setting, stem: Path, inputs: Arrays) -> Call:
    """The archive with Treadle."""
    import treadle

    if setting.intra is not None and setting.inter is not None:
        treadle.set_num_threads(setting.intra)
        treadle.set_num_interop_threads(setting.inter)
    module = treadle.load(str(stem.with_suffix(".pt")))
    if setting.concurrency is None:
        return lambda _: module(*inputs)
    session = treadle.Session(module, max_concurrency=setting.concurrency)
    return lambda _: session(*inputs)


def load_torch(setting: Setting, stem: Path, inputs: Arrays) -> Call:
    """The archive with TorchScript, frozen."""
    import torch

    if setting.intra is not None and setting.inter is not None:
        torch.set_num_threads(setting.intra)
        torch.set_num_interop_threads(setting.inter)
    module = torch.jit.freeze(torch.jit.load(str(stem.with_suffix(".pt"))).eval())
    tensors = [torch.from_numpy(array) for array in inputs]

    def call(_: int) -> Any:
        torch.set_grad_enabled(False)  # a setting of each thread; a context would cost more
        return module(*tensors)

    return call


def load_onnxruntime(setting: Setting, stem: Path, inputs: Arrays) -> Call:
    """The exported model with ONNX Runtime."""
    run = onnxruntime_call(stem, inputs, setting.intra)
    return lambda _: run()


def load_openvino(setting: Setting, stem: Path, inputs: Arrays) -> Call:
    """The exported model with OpenVINO, in float32, with one infer request per thread."""
    assert setting.hint is not None
    compiled = openvino_model(stem, PERFORMANCE_HINT=setting.hint)
    local = threading.local()

    def call(_: int) -> Any:
        if not hasattr(local, "request"):
            local.request = compiled.create_infer_request()
        local.request.infer(list(inputs), share_inputs=True)
        return openvino_outputs(local.request)

    return call


LOADERS: Mapping[str, Callable[[Setting, Path, Arrays], Call]] = {
    "treadle": load_treadle,
    "torch": load_torch,
    "onnxruntime": load_onnxruntime,
    "openvino": load_openvino,
}


def first_values(output: Any) -> list[float]:
    """What the first array of an output begins with."""
    while isinstance(output, (tuple, list)):
        output = output[0]
    array = output if isinstance(output, np.ndarray) else output.numpy()
    return [float(value) for value in array.ravel()[:SHOWN]]


def switches() -> int:
    """Context switches of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_nvcsw + usage.ru_nivcsw


def main() -> None:
    """Load, answer until standard input ends."""
    from treadle.tune.clients import drive

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int, help="of the setting")
    parser.add_argument("stem", type=Path, help="path of archive, ONNX file and inputs")
    arguments = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore", DeprecationWarning)
    setting = settings(cpu_count())[arguments.number]
    with np.load(arguments.stem.with_suffix(".npz")) as stored:
        inputs = tuple(stored[name] for name in sorted(stored.files))
    call = LOADERS[setting.engine](setting, arguments.stem, inputs)
    for number in range(5):  # torch compiles at the second or third
        begin = time.perf_counter()
        output = call(number)
        elapsed = time.perf_counter() - begin
    answers.write(json.dumps([first_values(output), elapsed]) + "\n")
    for line in sys.stdin:
        num_clients, seconds = line.split()
        before = switches()
        turn = drive(call, int(num_clients), float(seconds))
        requests = len(turn.latencies_ns) + int(num_clients)
        counted = (switches() - before) / requests
        answers.write(json.dumps([turn.latencies_ns, turn.throughput, counted]) + "\n")


if __name__ == "__main__":
    main()
