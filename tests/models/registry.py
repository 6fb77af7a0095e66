"""The models by name: how to build one, what to feed it, how it becomes an archive."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from tests.models.encoder import VOCABULARY, Encoder
from tests.models.googlenet import GoogLeNet
from tests.models.inception_v3 import InceptionV3
from tests.models.initialise import calibrate, initialise
from tests.models.lstm import FEATURES, TwoLayerLstm
from tests.models.mobilenet_v3 import MobileNetV3Large
from tests.models.resnet import resnet18, resnet50
from tests.models.small import FEATURES as FEW
from tests.models.small import WIDTH, Pointwise, TinyMlp
from tests.models.wide import Wide
from tests.models.zoo.data import DlrmFixed

SEED = 20


@dataclass(frozen=True, slots=True)
class Model:
    """One architecture with seeded random weights."""

    name: str
    description: str
    build: Callable[[], nn.Module]
    inputs: Callable[[int], tuple[Tensor, ...]]
    compile: Literal["script", "trace"]

    def make(self) -> nn.Module:
        """Build the module in eval mode; the same weights at every call."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            module = self.build()
            initialise(module)
            calibrate(module, *self.example_inputs())
        return module

    def example_inputs(self, batch: int = 1) -> tuple[Tensor, ...]:
        """Give inputs of the benchmark's shape; the same values at every call."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED + 1)
            return self.inputs(batch)


def _images(size: int) -> Callable[[int], tuple[Tensor, ...]]:
    return lambda batch: (torch.randn(batch, 3, size, size),)


def _token_ids(batch: int) -> tuple[Tensor, ...]:
    return (torch.randint(0, VOCABULARY, (batch, 128)),)


def _steps(batch: int) -> tuple[Tensor, ...]:
    return (torch.randn(100, batch, FEATURES),)


def _rows(batch: int) -> tuple[Tensor, ...]:
    return (torch.randn(batch, 4096, WIDTH),)


def _few(batch: int) -> tuple[Tensor, ...]:
    return (torch.randn(batch, FEW),)


def _dlrm() -> nn.Module:
    return DlrmFixed([_ROWS] * _TABLES, 13, 64, (512, 256), (512, 256))


def _clicks(batch: int) -> tuple[Tensor, ...]:
    """What 64 visitors did: dense features, and eight rows of each table."""
    return torch.randn(64 * batch, 13), torch.randint(0, _ROWS, (_TABLES, 64 * batch, 8))


_TABLES, _ROWS = 26, 10_000
_56 = _images(56)
_224 = _images(224)
_ENCODER = "6-layer transformer encoder, MiniLM size, 128 tokens"

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model("resnet18", "ResNet-18, 1x3x224x224", resnet18, _224, "script"),
        Model("resnet50", "ResNet-50, 1x3x224x224", resnet50, _224, "script"),
        Model(
            "mobilenet_v3_large",
            "MobileNet-V3-large, 1x3x224x224",
            MobileNetV3Large,
            _224,
            "script",
        ),
        Model("inception_v3", "Inception-V3, 1x3x299x299", InceptionV3, _images(299), "script"),
        Model("googlenet", "GoogLeNet, 1x3x224x224", GoogLeNet, _224, "script"),
        Model("encoder", _ENCODER, Encoder, _token_ids, "trace"),
        Model(
            "encoder_sdpa",
            _ENCODER + ", fused attention operator",
            lambda: Encoder(fused=True),
            _token_ids,
            "trace",
        ),
        Model("lstm", "2-layer LSTM, 100 steps of 256", TwoLayerLstm, _steps, "trace"),
        Model("dlrm", "DLRM, 64 visitors, 26 tables of 10,000 x 64", _dlrm, _clicks, "script"),
        Model(
            "pointwise",
            "GELU, sigmoid, tanh, layer norm, softmax, 1x4096x768",
            Pointwise,
            _rows,
            "script",
        ),
        Model("tiny_mlp", "3 layers of 32 to 64 features", TinyMlp, _few, "script"),
        Model("wide8", "8 forked branches of 4 convolutions, 1x3x56x56", Wide, _56, "script"),
    )
}


def compile_model(name: str) -> torch.jit.ScriptModule:
    """Build the model `name` and script or trace it."""
    model = MODELS[name]
    module = model.make()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer says that shapes become constants: meant
        if model.compile == "trace":
            compiled = torch.jit.trace(module, model.example_inputs(), check_trace=False)
        else:
            compiled = torch.jit.script(module)
    assert isinstance(compiled, torch.jit.ScriptModule)
    return compiled


def save(name: str, path: str | Path) -> Path:
    """Write the archive of the model `name` to `path`."""
    torch.jit.save(compile_model(name), str(path))
    return Path(path)
