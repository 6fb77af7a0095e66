"""Seeded random weights under which activations stay of order one through a whole net."""

import math

import torch
from torch import Tensor, nn


def initialise(model: nn.Module) -> None:
    """Fill every parameter of `model` from torch's global generator, scaled by fan-in."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.1)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=1 / math.sqrt(module.in_features))
            nn.init.normal_(module.bias, std=0.1)
        elif isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.normal_(module.bias, std=0.1)


def calibrate(model: nn.Module, *example: Tensor) -> None:
    """Set the running statistics of each batch norm to those that the inputs `example` give it.

    A deep net with arbitrary statistics shrinks or explodes; with these it behaves as if trained.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        model(*example)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()
