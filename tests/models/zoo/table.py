"""Every architecture of the zoo: how to build and feed it, and whether a plan runs it."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.models.zoo import (
    data,
    dense_prediction,
    detection,
    mobile,
    residual,
    speech,
    structures,
    text,
)
from tests.models.zoo import vision_transformers as transformers

SEED = 31


@dataclass(frozen=True, slots=True)
class Entry:
    """One architecture.

    `interpreted` is a part of the reason why the interpreter runs it; empty if a plan does. Then
    `regions` are planned, each for itself, and the operators `left` are not.
    """

    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Any, ...]]
    interpreted: str = ""
    regions: int = 0
    left: tuple[str, ...] = ()
    trace: bool = False

    def save(self, path: Path) -> Path:
        """Write the archive, with the same weights at every call."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            module = self.build().eval()
            for part in module.modules():
                if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                    assert part.running_mean is not None
                    assert part.running_var is not None
                    part.running_mean.normal_(std=0.1)
                    part.running_var.uniform_(0.5, 1.0)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            archive = (
                torch.jit.trace(module, self.arguments(), check_trace=False)
                if self.trace
                else torch.jit.script(module)
            )
        torch.jit.save(archive, str(path))
        return path

    def arguments(self) -> tuple[Any, ...]:
        """Inputs; the same numbers at every call."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED + 1)
            return self.inputs()


def _randn(*shape: int) -> Callable[[], tuple[Any, ...]]:
    return lambda: (torch.randn(*shape),)


def _tokens(*shape: int) -> torch.Tensor:
    return torch.randint(1, 40, shape)


def _bags() -> tuple[Any, ...]:
    indices = [torch.randint(0, 10, (n,)) for n in (7, 5, 6)]
    offsets = [torch.tensor([0, 3, 3, 6]), torch.tensor([0, 1, 2, 3]), torch.tensor([0, 2, 4, 5])]
    return torch.randn(4, 6), indices, offsets


_IMAGE = _randn(1, 3, 32, 32)
_PAIR = _randn(2, 3, 33, 47)

ENTRIES = (
    Entry("mobilenet_v2", mobile.MobileNetV2, _IMAGE),
    Entry("efficientnet", mobile.EfficientNet, _IMAGE),
    Entry("squeezenet", mobile.SqueezeNet, _randn(1, 3, 39, 45)),
    Entry("shufflenet_v2", mobile.ShuffleNetV2, _IMAGE),
    Entry("densenet", residual.DenseNet, _IMAGE),
    Entry("regnet", residual.RegNet, _PAIR),
    Entry("convnext", residual.ConvNeXt, _IMAGE),
    Entry("vit", transformers.ViT, _IMAGE),
    Entry("vit_traced", transformers.ViT, _IMAGE, trace=True),
    Entry("swin", transformers.Swin, _IMAGE),
    Entry("swin_traced", transformers.Swin, _IMAGE, trace=True),
    Entry("mlp_mixer", transformers.MlpMixer, _IMAGE),
    Entry(
        "fcn",
        lambda: dense_prediction.Segmentation(dense_prediction.FcnHead(32, 5)),
        _PAIR,
    ),
    Entry(
        "deeplab_v3",
        lambda: dense_prediction.Segmentation(dense_prediction.DeepLabHead(32, 5)),
        _PAIR,
    ),
    Entry("unet", dense_prediction.UNet, _randn(1, 1, 26, 31)),
    Entry(
        "optical_flow",
        dense_prediction.FlowNet,
        lambda: (torch.randn(1, 3, 32, 24), torch.randn(1, 3, 32, 24)),
    ),
    Entry(
        "distilbert",
        text.DistilBert,
        lambda: (_tokens(2, 11), torch.arange(11).lt(torch.tensor([[11], [7]])).long()),
    ),
    Entry(
        "bert",
        text.Bert,
        lambda: (_tokens(2, 9), torch.arange(9).lt(torch.tensor([[9], [4]])).long()),
    ),
    Entry("gpt2_decode", text.Gpt2, lambda: (_tokens(2, 6),)),
    Entry(
        "gpt2_until_end",
        text.Gpt2UntilEnd,
        lambda: (_tokens(2, 6),),
        interpreted="depends on data",
        regions=12,
    ),
    Entry("t5", text.T5, lambda: (_tokens(2, 9), _tokens(2, 5))),
    Entry("whisper", speech.Whisper, lambda: (torch.randn(1, 20, 40), _tokens(1, 7))),
    Entry("gru_bidirectional", speech.GruSpeech, _randn(2, 9, 12)),
    Entry("lstm_bidirectional", speech.BidirectionalLstm, _randn(2, 9, 12)),
    Entry(
        "lstm_projected",
        speech.ProjectedLstm,
        lambda: (torch.randn(5, 2, 12), torch.randn(1, 2, 6), torch.randn(1, 2, 16)),
    ),
    Entry(
        "lstm_packed",
        speech.PackedLstm,
        lambda: (torch.randn(3, 6, 12), torch.tensor([4, 6, 2])),
        interpreted="depends on data",
        regions=4,
        left=("_pack_padded_sequence", "_pad_packed_sequence", "zeros"),
    ),
    Entry(
        "gru_packed",
        speech.PackedGru,
        lambda: (torch.randn(6, 3, 12), torch.tensor([6, 4, 1])),
        interpreted="depends on data",
        regions=1,
        left=("_pack_padded_sequence", "_pad_packed_sequence", "zeros"),
    ),
    Entry(
        "rnnt_greedy",
        speech.Transducer,
        _randn(6, 1, 12),
        interpreted="depends on data",
        regions=5,
        left=("tensor",),
    ),
    Entry("conformer", speech.Conformer, lambda: (torch.randn(2, 10, 32), torch.tensor([10, 6]))),
    Entry("vocoder", speech.Vocoder, _randn(1, 20, 9)),
    Entry("dlrm_offsets", data.DlrmOffsets, _bags),
    Entry(
        "dlrm_fixed",
        data.DlrmFixed,
        lambda: (torch.randn(4, 6), torch.randint(0, 10, (3, 4, 2))),
    ),
    Entry("point_cloud", data.PointNet, _randn(2, 20, 3)),
    Entry(
        "suppression",
        data.Suppression,
        lambda: (torch.rand(12, 4), torch.rand(12)),
        interpreted="depends on data",
        regions=5,
        left=("tensor", "where"),
    ),
    Entry(
        "detector",
        detection.Detector,
        _randn(1, 3, 48, 40),
        interpreted="depends on data",
        regions=9,
        left=("masked_select", "tensor.float", "where"),
    ),
    Entry("deformable", detection.DeformableNet, _randn(2, 3, 14, 18)),
    Entry("stft_front_end", data.MelFrontEnd, _randn(2, 100)),
    Entry("convolutional_front_end", data.ConvolutionalFrontEnd, _randn(2, 100)),
    Entry("wavelet", data.Wavelet, _randn(2, 64)),
    Entry("video", structures.VideoNet, _randn(1, 3, 6, 16, 16)),
    Entry("segnet", structures.SegNet, _randn(2, 3, 8, 12)),
    Entry(
        "graph",
        structures.GraphNet,
        lambda: (torch.randn(7, 8), torch.randint(0, 7, (2, 15))),
    ),
    Entry("fourier_operator", structures.FourierOperator, _randn(2, 2, 32)),
    Entry("spectral_vocoder", structures.SpectralVocoder, _randn(2, 10, 9)),
)
