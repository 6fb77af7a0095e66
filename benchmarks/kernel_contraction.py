"""How near to the FMA peak is the contraction kernel on real shapes, and how near to torch?

Convolutions of ResNet-50 (NHWC, packed weights) and matrix products of encoders, one thread, f32.
The FMA peak, Treadle and torch (channels_last conv2d, addmm) alternate in one run; each takes its
best time. Expected: at least 85 % of the peak for k >= 256, and no shape slower than torch.

    python benchmarks/kernel_contraction.py [--rounds 20] [--avx2] [--json out.json]
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from benchmarks.kernel_peak import fma_peak
from tests.codegen.contractions import (
    choose_tile,
    contraction_sizes,
    num_tasks,
    pack_b,
    packed_strides,
)
from treadle.codegen import Target, compile_kernels
from treadle.ir.dtypes import f32
from treadle.ir.loops import (
    CONTRACTION_SIZES,
    Access,
    Accumulator,
    Buffer,
    Call,
    Const,
    Contraction,
    Load,
    Size,
    Store,
)

FIRST = len(CONTRACTION_SIZES)
SIGNATURE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


@dataclass(frozen=True)
class Shape:
    """A square convolution of one image; a matrix product is ``size x 1`` pixels and one tap."""

    name: str
    size: int
    c: int
    filters: int
    taps: int = 1
    stride: int = 1
    matmul: bool = False

    @property
    def out(self) -> int:
        """Rows and columns of the result."""
        return -(-self.size // self.stride)

    @property
    def flop(self) -> float:
        """Multiplications and additions."""
        rows = self.size if self.matmul else self.out**2
        return 2.0 * rows * self.c * self.filters * self.taps**2


SHAPES = [
    Shape("stem 7x7/2 3>64", 224, 3, 64, 7, 2),
    Shape("56 1x1 64>64", 56, 64, 64),
    Shape("56 3x3 64>64", 56, 64, 64, 3),
    Shape("56 1x1 64>256", 56, 64, 256),
    Shape("56 1x1 256>64", 56, 256, 64),
    Shape("56 3x3/2 128>128", 56, 128, 128, 3, 2),
    Shape("28 1x1 128>512", 28, 128, 512),
    Shape("28 1x1 512>128", 28, 512, 128),
    Shape("28 3x3 128>128", 28, 128, 128, 3),
    Shape("56 1x1/2 256>512", 56, 256, 512, 1, 2),
    Shape("14 1x1 256>1024", 14, 256, 1024),
    Shape("14 1x1 1024>256", 14, 1024, 256),
    Shape("14 3x3 256>256", 14, 256, 256, 3),
    Shape("7 1x1 512>2048", 7, 512, 2048),
    Shape("7 1x1 2048>512", 7, 2048, 512),
    Shape("7 3x3 512>512", 7, 512, 512, 3),
    Shape("mm 1x2048x1000", 1, 2048, 1000, matmul=True),
    Shape("mm 128x384x384", 128, 384, 384, matmul=True),
    Shape("mm 128x384x1536", 128, 384, 1536, matmul=True),
    Shape("mm 128x768x768", 128, 768, 768, matmul=True),
    Shape("mm 128x768x3072", 128, 768, 3072, matmul=True),
    Shape("mm 128x3072x768", 128, 3072, 768, matmul=True),
    Shape("mm 1024x1024x1024", 1024, 1024, 1024, matmul=True),
]


def treadle_kernel(shape: Shape, target: Target) -> tuple[Callable[[], None], np.ndarray, Any]:
    """A call of the compiled kernel, its result (NHWC), and its inputs."""
    rows = shape.size if shape.matmul else shape.out**2
    tile = choose_tile(target, f32, rows, shape.filters)
    pad = shape.taps // 2
    bias = Load(Access(2, ((3, 1),)), f32)
    value = Call("max", (Call("add", (Accumulator(0, f32), bias), f32), Const(0.0, f32)), f32)
    store = Store(Access(3, ((1, Size(FIRST)), (2, Size(FIRST + 1)), (3, 1))), value)
    buffers = [Buffer(f32), Buffer(f32), Buffer(f32), Buffer(f32, True)] + [Buffer(f32)] * (pad > 0)
    kernel = Contraction(
        "c", tuple(buffers), 0, pad > 0, True, (store,), tile, unit_taps=shape.taps == 1
    )
    (compiled,) = compile_kernels([kernel], target)
    height, width = (1, shape.size) if shape.matmul else (shape.size, shape.size)
    h_out, w_out = (1, shape.size) if shape.matmul else (shape.out, shape.out)
    k, f, taps = shape.c, shape.filters, shape.taps
    generator = np.random.default_rng(0)
    a = generator.normal(size=(height, width, k)).astype(np.float32)
    b = generator.normal(size=(taps * taps, k, f)).astype(np.float32)
    biases = generator.normal(size=f).astype(np.float32)
    result = np.zeros((h_out, w_out, f), np.float32)
    row_block = -(-min(rows, max(1, (1 << 18) // (k * 4))) // tile.rows) * tile.rows
    sizes = contraction_sizes(
        rows1=h_out, rows2=w_out, columns=f, k=k, taps0=taps, taps1=taps,
        a_row1=width * k, a_row2=k, step0=shape.stride, step1=shape.stride, pad0=pad, pad1=pad,
        limit0=height, limit1=width, row_block=row_block, panel_block=1 << 30,
        **packed_strides(kernel, taps * taps, k, target),
    )  # fmt: skip
    arrays = [a, pack_b(kernel, b, target), biases, result] + [np.zeros(k, np.float32)] * (pad > 0)
    pointers = (ctypes.c_void_p * len(arrays))(*[x.ctypes.data for x in arrays])
    numbers = (ctypes.c_int64 * (FIRST + 2))(*sizes, w_out * f, f)
    tasks = num_tasks(kernel, sizes, target)
    function = SIGNATURE(compiled.address)
    keep = (arrays, compiled)
    return lambda: function(pointers, numbers, 0, tasks) if keep else None, result, (a, b, biases)


def torch_kernel(shape: Shape, inputs: Any) -> Callable[[], torch.Tensor]:
    """The same by torch."""
    a, b, bias = (torch.from_numpy(x) for x in inputs)
    if shape.matmul:
        left, right = a[0], b[0]
        return lambda: torch.addmm(bias, left, right).relu_()
    image = a[None].permute(0, 3, 1, 2)
    weights = b.reshape(shape.taps, shape.taps, shape.c, shape.filters).permute(3, 2, 0, 1)
    weights = weights.contiguous(memory_format=torch.channels_last)
    return lambda: torch.conv2d(
        image, weights, bias, stride=shape.stride, padding=shape.taps // 2
    ).relu_()


def best(call: Callable[[], Any], seconds: float = 0.004) -> float:
    """The shortest time of a call in a few."""
    shortest, end = float("inf"), time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        call()
        now = time.perf_counter()
        shortest = min(shortest, now - start)
        if now > end:
            return shortest


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--avx2", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    target = Target.host(32 if options.avx2 else 0)
    rows = []
    print(f"{'shape':22}{'GFLOP/s':>9}{'torch':>9}{'peak':>9}{'% peak':>8}{'/ torch':>9}")
    with torch.no_grad():
        for shape in SHAPES:
            ours, result, inputs = treadle_kernel(shape, target)
            theirs = torch_kernel(shape, inputs)
            ours()
            expected = theirs()
            expected = expected[None] if shape.matmul else expected[0].permute(1, 2, 0)
            error = float((torch.from_numpy(result) - expected).abs().max() / expected.abs().max())
            assert error < 1e-5, (shape.name, error)
            times = [1e9, 1e9]
            peak = 0.0
            for _ in range(options.rounds):
                times = [min(times[0], best(ours)), min(times[1], best(theirs))]
                peak = max(peak, fma_peak(target))
            rate, torch_rate = (shape.flop / t / 1e9 for t in times)
            rows.append({"shape": shape.name, "gflops": rate, "torch": torch_rate, "peak": peak})
            print(
                f"{shape.name:22}{rate:9.1f}{torch_rate:9.1f}{peak:9.1f}"
                f"{100 * rate / peak:8.1f}{rate / torch_rate:9.2f}"
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
