"""Measure how threads and concurrent clients change a model's latency and throughput.

>>> import treadle, treadle.tune
>>> module = treadle.load("model.pt")
>>> result = treadle.tune.sweep(module, [(image,)])
>>> result.best_latency.setting, result.best_throughput.throughput

`treadle.tune.plot` draws a `Sweep`; it needs matplotlib and is imported apart.
"""

from treadle.tune.clients import Turn, drive
from treadle.tune.data import (
    BUNDLED_DATA,
    BUNDLED_MODEL,
    Examples,
    accuracy,
    examples_from,
    requests_of,
)
from treadle.tune.result import Cell, Measurement, Sweep, as_document, cells
from treadle.tune.settings import (
    ThreadSetting,
    client_counts,
    counts_up_to,
    settings_up_to,
)
from treadle.tune.sweep import ROUNDS, AroundTurn, Model, seconds_per_cell, sweep

__all__ = [
    "BUNDLED_DATA",
    "BUNDLED_MODEL",
    "ROUNDS",
    "AroundTurn",
    "Cell",
    "Examples",
    "Measurement",
    "Model",
    "Sweep",
    "ThreadSetting",
    "Turn",
    "accuracy",
    "as_document",
    "cells",
    "client_counts",
    "counts_up_to",
    "drive",
    "examples_from",
    "requests_of",
    "seconds_per_cell",
    "settings_up_to",
    "sweep",
]
