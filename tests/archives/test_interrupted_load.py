"""Ctrl-C while an archive is loaded, or its first plan made: it ends at once, nothing is lost."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

pytestmark = pytest.mark.slow

PATIENCE = 20.0
"""Seconds on a machine that is busy; alone it is a tenth of one."""
PROGRAM = """
import signal, sys, time
import numpy as np
import treadle

def step():
    if sys.argv[2] == "load":
        treadle.load(sys.argv[1])
    else:
        treadle.load(sys.argv[1])(np.ones((2, 4), np.float32))

treadle.load
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
print("ready", flush=True)
try:
    while True:
        step()
except KeyboardInterrupt:
    end = time.monotonic()
x = np.ones((2, 4), np.float32)
print(end, treadle.load(sys.argv[1])(x).shape, flush=True)
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.pt"
    layers = [nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU()) for _ in range(60)]
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Sequential(*layers).eval()), buffer)
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize("what", ["load", "first call"])
@pytest.mark.parametrize("wait", [0.01, 0.07, 0.2])
def test_control_c_ends_it_and_the_next_load_works(archive: Path, what: str, wait: float) -> None:
    command = [sys.executable, "-c", PROGRAM, str(archive), what]
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | paths)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(wait)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        end, _, shape = process.communicate(timeout=300)[0].partition(" ")
        assert float(end) - start < PATIENCE
        assert shape == "treadle.Size([2, 4])\n"
    finally:
        process.kill()
        process.communicate()
