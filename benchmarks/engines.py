"""The engines under comparison, each as a loader that gives one callable without arguments."""

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import ROOT

Arrays = tuple[NDArray[Any], ...]
Call = Callable[[], Any]
Loader = Callable[[str, Path, Arrays, int], tuple[Call, Callable[[Any], Arrays]]]

DIGITS = ROOT / "src" / "treadle" / "data" / "digits.pt"


def load_treadle(
    _model: str, archive: Path, inputs: Arrays, threads: int
) -> tuple[Call, Callable[[Any], Arrays]]:
    """Load the archive with Treadle, fed with NumPy arrays; forks count among the threads."""
    os.environ["TREADLE_BUDGET"] = str(threads)
    import treadle

    treadle.refresh_budget()
    treadle.set_num_interop_threads(threads)
    treadle.set_num_threads(threads)
    module = treadle.load(str(archive))

    def arrays(output: Any) -> Arrays:
        outputs = output if isinstance(output, tuple) else (output,)
        return tuple(np.asarray(tensor.numpy()) for tensor in outputs)

    return (lambda: module(*inputs)), arrays


def _with_torch(module: Any, inputs: Arrays) -> tuple[Call, Callable[[Any], Arrays]]:
    import torch

    torch.set_grad_enabled(False)  # for good: a context at each call would cost a microsecond
    tensors = [torch.from_numpy(array) for array in inputs]

    def arrays(output: Any) -> Arrays:
        outputs = output if isinstance(output, tuple) else (output,)
        return tuple(tensor.numpy() for tensor in outputs)

    return (lambda: module(*tensors)), arrays


def _set_torch_threads(threads: int) -> None:
    import torch

    torch.set_num_interop_threads(threads)
    torch.set_num_threads(threads)


def eager_module(model: str, archive: Path) -> Any:
    """Build the Python module in torch, with the weights of the archive."""
    import torch

    if model == "digits":
        sys.path.insert(0, str(ROOT / "examples" / "digits"))
        from network import DigitsNet

        module: torch.nn.Module = DigitsNet()
    else:
        from tests.models.registry import MODELS

        module = MODELS[model].build()
    module.load_state_dict(torch.jit.load(str(archive)).state_dict())
    return module.eval()


def load_eager(
    model: str, archive: Path, inputs: Arrays, threads: int
) -> tuple[Call, Callable[[Any], Arrays]]:
    """Run the Python module in torch."""
    _set_torch_threads(threads)
    return _with_torch(eager_module(model, archive), inputs)


def load_freeze(
    _model: str, archive: Path, inputs: Arrays, threads: int
) -> tuple[Call, Callable[[Any], Arrays]]:
    """Load the archive with torch and freeze it."""
    _set_torch_threads(threads)
    import torch

    return _with_torch(torch.jit.freeze(torch.jit.load(str(archive)).eval()), inputs)


def load_optimize(
    _model: str, archive: Path, inputs: Arrays, threads: int
) -> tuple[Call, Callable[[Any], Arrays]]:
    """Load the archive with torch, freeze it and optimise it for inference."""
    _set_torch_threads(threads)
    import torch

    frozen = torch.jit.freeze(torch.jit.load(str(archive)).eval())
    return _with_torch(torch.jit.optimize_for_inference(frozen), inputs)


def onnxruntime_call(archive: Path, inputs: Arrays, intra: int | None) -> Call:
    """What `export_onnx` wrote beside the archive, in ONNX Runtime; None is its own default."""
    import onnxruntime  # type: ignore[import-untyped, unused-ignore]

    options = onnxruntime.SessionOptions()
    if intra is not None:
        options.intra_op_num_threads, options.inter_op_num_threads = intra, 1
    path = str(archive.with_suffix(".onnx"))
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = dict(zip((i.name for i in session.get_inputs()), inputs, strict=True))
    return lambda: session.run(None, feed)


def openvino_model(archive: Path, **config: str | int) -> Any:
    """What `export_onnx` wrote beside the archive, compiled by OpenVINO in float32."""
    import openvino  # type: ignore[import-untyped, unused-ignore]

    settings = {"INFERENCE_PRECISION_HINT": "f32", **config}
    return openvino.Core().compile_model(archive.with_suffix(".onnx"), "CPU", settings)


def openvino_outputs(request: Any) -> Arrays:
    """Copies of what an infer request gave last."""
    return tuple(tensor.data.copy() for tensor in request.output_tensors)


def load_onnxruntime(
    _model: str, archive: Path, inputs: Arrays, threads: int
) -> tuple[Call, Callable[[Any], Arrays]]:
    """Load the ONNX file beside the archive with ONNX Runtime."""
    return onnxruntime_call(archive, inputs, threads), tuple


def load_openvino(
    _model: str, archive: Path, inputs: Arrays, threads: int
) -> tuple[Call, Callable[[Any], Arrays]]:
    """Load the ONNX file beside the archive with OpenVINO."""
    model = openvino_model(archive, PERFORMANCE_HINT="LATENCY", INFERENCE_NUM_THREADS=threads)
    request = model.create_infer_request()

    def call() -> object:
        return request.infer(list(inputs), share_inputs=True)

    return call, lambda _: openvino_outputs(request)


PEERS = tuple(name for name in ("onnxruntime", "openvino") if find_spec(name) and find_spec("onnx"))
"""Those of the engines that read ONNX files which are installed."""


def export_onnx(model: str, archive: Path, inputs: Arrays) -> None:
    """Write the model of `archive` beside it as an ONNX file."""
    import torch

    tensors = tuple(map(torch.from_numpy, inputs))
    path = str(archive.with_suffix(".onnx"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(eager_module(model, archive).eval(), tensors, path, dynamo=False)


LOADERS: Mapping[str, Loader] = {
    "treadle": load_treadle,
    "eager": load_eager,
    "freeze": load_freeze,
    "optimize": load_optimize,
    "onnxruntime": load_onnxruntime,
    "openvino": load_openvino,
}
