"""The models themselves: deterministic, and sane enough to compare engines by."""

import numpy as np
import pytest
import torch

from tests.models.registry import MODELS
from tests.support import as_arrays

pytestmark = [pytest.mark.torch, pytest.mark.slow]

PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "mobilenet_v3_large": 5_483_032,
    "inception_v3": 23_834_568,
    "googlenet": 7_005_832,
    "encoder": 22_564_608,
    "encoder_sdpa": 22_564_608,
    "lstm": 1_052_672,
    "dlrm": 17_139_521,
    "pointwise": 1_536,
    "tiny_mlp": 6_922,
    "wide8": 529_744,
}


@pytest.mark.parametrize("name", MODELS)
def test_has_that_number_of_parameters(name: str) -> None:
    module = MODELS[name].build()
    assert sum(parameter.numel() for parameter in module.parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v3_large", "encoder", "lstm"])
def test_outputs_stay_of_order_one(name: str) -> None:
    model = MODELS[name]
    with torch.no_grad():
        outputs = as_arrays(model.make()(*model.example_inputs()))
    for output in outputs:
        assert 0.01 < float(np.std(output)) < 10


def test_weights_and_inputs_are_the_same_at_every_call() -> None:
    model = MODELS["resnet18"]
    first, second = model.make().state_dict(), model.make().state_dict()
    for name, tensor in first.items():
        torch.testing.assert_close(second[name], tensor, rtol=1e-6, atol=1e-6)
    assert torch.equal(*model.example_inputs(), *model.example_inputs())
