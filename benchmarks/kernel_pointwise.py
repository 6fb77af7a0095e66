"""How fast are pointwise functions, row kernels and windows, against torch and copying?

One thread, f32. Functions: 16 KiB in L1, ns per element. Rows: softmax over attention scores,
layer norm of an encoder, both beside the time of copying as many bytes. Windows: max pooling and a
depthwise convolution over NHWC. Expected: no case slower than torch; rows within 3 copies.

    python benchmarks/kernel_pointwise.py [--rounds 20] [--avx2] [--json out.json]
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from benchmarks.kernel_contraction import SIGNATURE, best
from tests.codegen.contractions import num_tasks
from treadle.codegen import Target, compile_kernels
from treadle.ir.dtypes import f32, i64
from treadle.ir.loops import (
    Access,
    Axis,
    Buffer,
    Call,
    Const,
    Expr,
    Extent,
    Index,
    Load,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Size,
    Stage,
    Store,
)

ZERO = Const(0, i64)
LAST = (Range(ZERO, Extent(Size(1))),)
FUNCTIONS = ("exp", "log", "tanh", "sigmoid", "erf", "sin", "cos", "sqrt")


@dataclass(frozen=True)
class Case:
    """A kernel with its arrays (the last one is the result), and torch's way."""

    name: str
    kernel: LoopNest
    arrays: tuple[np.ndarray, ...]
    sizes: tuple[int, ...]
    theirs: Callable[[], torch.Tensor]
    tolerance: float = 1e-5


def normal(*shape: int) -> np.ndarray:
    """Random numbers, the same in every run."""
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def at(buffer: int, *strides: int | Size) -> Load:
    """An element by strides along the axes."""
    return Load(Access(buffer, tuple(enumerate(strides))), f32)


def function_case(name: str) -> Case:
    """A function of 4096 elements."""
    x = abs(normal(4096)) + 0.1
    y = np.zeros_like(x)
    store = Store(Access(1, ((0, 1),)), Call(name, (at(0, 1),), f32))
    buffers = (Buffer(f32), Buffer(f32, True))
    kernel = LoopNest(name, buffers, (Axis(Size(0), 4096),), (Stage(stores=(store,)),))
    tensor, out = torch.from_numpy(x), torch.empty(4096)
    return Case(name, kernel, (x, y), (4096,), lambda: getattr(torch, name)(tensor, out=out))


def softmax_case(rows: int, columns: int) -> Case:
    """Row-wise softmax in three passes over the row, which stays in L1."""
    x = at(0, Size(1), 1)
    power = Call("exp", (Call("sub", (x, Reduced(0, 0, f32)), f32),), f32)
    here = Access(1, ((0, Size(1)), (1, 1)))
    quotient = Call("div", (Load(here, f32), Reduced(1, 0, f32)), f32)
    stages = (
        Stage(LAST, (Reduce("max", x, f32),)),
        Stage(LAST, (Reduce("sum", power, f32),), (Store(here, power),)),
        Stage(LAST, stores=(Store(here, quotient),)),
    )
    buffers = (Buffer(f32), Buffer(f32, True))
    kernel = LoopNest("softmax", buffers, (Axis(Size(0), 16),), stages, "inner")
    a = normal(rows, columns)
    tensor = torch.from_numpy(a)
    return Case(
        f"softmax {rows}x{columns}", kernel, (a, np.zeros_like(a)), (rows, columns),
        lambda: torch.softmax(tensor, -1),
    )  # fmt: skip


def layer_norm_case(rows: int, columns: int) -> Case:
    """Layer norm with weight and bias."""
    x = at(0, Size(1), 1)
    count = Call("cast", (Extent(Size(1)),), f32)
    centred = Call("sub", (x, Call("div", (Reduced(0, 0, f32), count), f32)), f32)
    variance = Call("div", (Reduced(1, 0, f32), count), f32)
    scale = Call("rsqrt", (Call("add", (variance, Const(1e-5, f32)), f32),), f32)
    value: Expr = Call("mul", (centred, scale), f32)
    value = Call("mul", (value, at(1, 0, 1)), f32)
    value = Call("add", (value, at(2, 0, 1)), f32)
    stages = (
        Stage(LAST, (Reduce("sum", x, f32),)),
        Stage(LAST, (Reduce("sum", Call("mul", (centred, centred), f32), f32),)),
        Stage(LAST, stores=(Store(Access(3, ((0, Size(1)), (1, 1))), value),)),
    )
    buffers = (*[Buffer(f32)] * 3, Buffer(f32, True))
    kernel = LoopNest("layer_norm", buffers, (Axis(Size(0), 4),), stages, "inner")
    arrays = (normal(rows, columns), normal(columns), normal(columns))
    tensors = [torch.from_numpy(a) for a in arrays]
    return Case(
        f"layer_norm {rows}x{columns}", kernel, (*arrays, np.zeros((rows, columns), np.float32)),
        (rows, columns), lambda: torch.layer_norm(tensors[0], (columns,), tensors[1], tensors[2]),
    )  # fmt: skip


def window(axis: int, stride: int, taps: int, pad: int) -> Range:
    """The taps inside an image whose extent is the size after those of the axes."""
    first = Call("sub", (Call("mul", (Index(axis), Const(stride, i64)), i64), Const(pad, i64)), i64)
    start = Call("max", (Call("sub", (ZERO, first), i64), ZERO), i64)
    room = Call("sub", (Extent(Size(2)), first), i64)
    return Range(start, Call("min", (room, Const(taps, i64)), i64))


def window_case(size: int, channels: int, taps: int, stride: int, *, depthwise: bool) -> Case:
    """Max pooling or a depthwise convolution.

    Sizes: out, c, size, w*c, out*c, stride*c, stride*w*c, corner, taps*c.
    """
    pad = taps // 2
    out = (size + 2 * pad - taps) // stride + 1
    ranges = (window(0, stride, taps, pad), window(1, stride, taps, pad))
    terms = ((0, Size(6)), (1, Size(5)), (2, 1), (3, Size(3)), (4, Size(1)))
    value: Expr = Load(Access(0, terms, Size(7)), f32)
    a = normal(size, size, channels)
    arrays = [a]
    buffers = [Buffer(f32)]
    image = torch.from_numpy(a)[None].permute(0, 3, 1, 2)
    if depthwise:
        weight = Load(Access(1, ((2, 1), (3, Size(8)), (4, Size(1)))), f32)
        value = Call("mul", (value, weight), f32)
        arrays.append(normal(taps, taps, channels))
        buffers.append(Buffer(f32))
        filters = torch.from_numpy(arrays[1]).permute(2, 0, 1)[:, None]
        filters = filters.contiguous(memory_format=torch.channels_last)
    store = Store(Access(len(buffers), ((0, Size(4)), (1, Size(1)), (2, 1))), Reduced(0, 0, f32))
    function = "sum" if depthwise else "max"
    stages = (Stage(ranges, (Reduce(function, value, f32),)), Stage(stores=(store,)))
    axes = (Axis(Size(0)), Axis(Size(0), 0), Axis(Size(1), 0))
    kernel = LoopNest("window", (*buffers, Buffer(f32, True)), axes, stages)
    row = size * channels
    sizes = (
        out, channels, size, row, out * channels, stride * channels, stride * row,
        -pad * (row + channels), taps * channels,
    )  # fmt: skip

    def theirs() -> torch.Tensor:
        if depthwise:
            y = torch.conv2d(image, filters, stride=stride, padding=pad, groups=channels)
        else:
            y = torch.max_pool2d(image, taps, stride, pad)
        return y[0].permute(1, 2, 0)

    name = f"{'depthwise' if depthwise else 'max_pool'} {taps}x{taps}/{stride} {size}x{channels}"
    result = np.zeros((out, out, channels), np.float32)
    return Case(name, kernel, (*arrays, result), sizes, theirs)


def cases() -> list[Case]:
    """Everything that is measured."""
    return [
        *(function_case(name) for name in FUNCTIONS),
        softmax_case(1536, 128),
        softmax_case(64, 1000),
        layer_norm_case(128, 384),
        layer_norm_case(128, 768),
        window_case(112, 64, 3, 2, depthwise=False),
        window_case(112, 16, 3, 1, depthwise=True),
        window_case(56, 72, 3, 1, depthwise=True),
        window_case(28, 120, 5, 1, depthwise=True),
        window_case(14, 672, 3, 1, depthwise=True),
    ]


def bound(case: Case, target: Target) -> Callable[[], Any]:
    """A call of the compiled kernel."""
    (compiled,) = compile_kernels([case.kernel], target)
    pointers = (ctypes.c_void_p * len(case.arrays))(*[a.ctypes.data for a in case.arrays])
    numbers = (ctypes.c_int64 * len(case.sizes))(*case.sizes)
    tasks = num_tasks(case.kernel, case.sizes, target)
    function = SIGNATURE(compiled.address)
    return lambda: function(pointers, numbers, 0, tasks)


def measure(calls: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """The best time of each, in turns."""
    times = [float("inf")] * len(calls)
    for _ in range(rounds):
        times = [min(t, best(call)) for t, call in zip(times, calls, strict=True)]
    return times


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
    print(f"{'case':28}{'us':>9}{'torch us':>10}{'copy us':>9}{'ns/elem':>9}{'torch/':>8}")
    with torch.no_grad():
        for case in cases():
            ours, goal = bound(case, target), case.arrays[-1]
            spare = np.empty_like(goal)
            copy = lambda spare=spare, goal=goal: np.copyto(spare, goal)  # noqa: E731
            ours()
            error = float((torch.from_numpy(goal) - case.theirs()).abs().max())
            assert error < case.tolerance * max(1.0, float(np.abs(goal).max())), case.name
            t, torch_t, copy_t = measure([ours, case.theirs, copy], options.rounds)
            rows.append({"case": case.name, "us": t * 1e6, "torch_us": torch_t * 1e6})
            print(
                f"{case.name:28}{t * 1e6:9.2f}{torch_t * 1e6:10.2f}{copy_t * 1e6:9.2f}"
                f"{t / goal.size * 1e9:9.3f}{torch_t / t:8.2f}"
            )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
