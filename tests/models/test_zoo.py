"""Small versions of many architectures: torch's numbers, equal bits, a plan where one is due."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import treadle
from tests.models.agreement import check_agrees_with_torch, check_interpreter_agrees
from tests.models.interpreted import operators_left, regions_not_planned
from tests.models.registry import MODELS
from tests.models.zoo.table import ENTRIES, Entry
from treadle.interpreter import regions

pytestmark = [
    pytest.mark.torch,
    pytest.mark.native,
    pytest.mark.filterwarnings("ignore:LSTM with projections"),
]

TOLERANCE = 1e-4  # of the largest output: float32 sums in another order
THREADS = (1, 2, 3, 8)


@pytest.fixture(autouse=True)
def _thread_settings() -> Iterator[None]:
    before = treadle.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BIND_AFTER", 0)  # plans and the interpreter differ by rounding
        yield
    treadle.set_num_threads(before)


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in ENTRIES])
def test_agrees_with_torch_at_every_thread_count(entry: Entry, tmp_path: Path) -> None:
    archive = entry.save(tmp_path / "model.pt")
    check_interpreter_agrees(archive, entry.arguments(), TOLERANCE)
    module, explanation = check_agrees_with_torch(archive, entry.arguments(), THREADS, TOLERANCE)
    assert explanation.planned == (not entry.interpreted), explanation.reason
    assert entry.interpreted in explanation.reason
    assert explanation.regions == entry.regions
    if entry.interpreted:
        assert operators_left(module) == entry.left
        assert not regions_not_planned(module)


NAMED = {
    "ResNet": "resnet18 resnet50", "MobileNet-V2": "mobilenet_v2",
    "MobileNet-V3": "mobilenet_v3_large", "EfficientNet": "efficientnet", "DenseNet": "densenet",
    "Inception": "inception_v3", "GoogLeNet": "googlenet", "SqueezeNet": "squeezenet",
    "ShuffleNet": "shufflenet_v2", "RegNet": "regnet", "ConvNeXt": "convnext",
    "ViT": "vit vit_traced", "Swin": "swin swin_traced", "MLP-Mixer": "mlp_mixer",
    "DeepLab": "deeplab_v3", "FCN": "fcn", "U-Net with transposed convolutions": "unet",
    "optical flow with grid_sample": "optical_flow", "BERT": "bert encoder encoder_sdpa",
    "DistilBERT": "distilbert", "GPT-2 with decode loop and cache": "gpt2_decode gpt2_until_end",
    "T5": "t5", "Whisper": "whisper", "LSTM": "lstm lstm_bidirectional lstm_projected lstm_packed",
    "GRU": "gru_bidirectional gru_packed", "RNN-T greedy decoder": "rnnt_greedy",
    "conformer block": "conformer", "1-D convolutional vocoder": "vocoder",
    "DLRM with embedding bags": "dlrm dlrm_offsets dlrm_fixed", "point cloud": "point_cloud",
    "non-maximum suppression": "suppression detector", "wavelet front end": "wavelet",
    "STFT front end": "stft_front_end convolutional_front_end",
}  # fmt: skip


def test_every_architecture_that_is_promised_is_here_or_in_the_registry() -> None:
    there = {*MODELS, *(entry.name for entry in ENTRIES)}
    assert {name for names in NAMED.values() for name in names.split()} <= there


def test_only_what_depends_on_data_is_interpreted() -> None:
    """And around its regions no operator is left that NumPy computes, but for packing."""
    left = {name for entry in ENTRIES for name in entry.left}
    assert left <= {
        "tensor", "tensor.float", "where", "zeros", "masked_select", "_pack_padded_sequence",
        "_pad_packed_sequence",
    }  # fmt: skip
    assert all(e.interpreted in ("", "depends on data") for e in ENTRIES)
