"""What can this core do at most? FMA throughput in registers, copy bandwidth from L2 and memory.

python benchmarks/kernel_peak.py
"""

from __future__ import annotations

import ctypes
import functools
import time

import llvmlite.binding as llvm
import numpy as np

from treadle.codegen import Target


def _chains(target: Target) -> int:
    """Independent sums: enough to hide the latency, few enough for the registers."""
    return 24 if target.has_avx512 else 14


@functools.cache
def _peak_function(target: Target) -> tuple[object, int, ctypes.c_void_p]:
    """A loop of independent FMAs: what keeps it alive, lanes, its address."""
    lanes, chains = target.vector_bytes // 4, _chains(target)
    vector = f"<{lanes} x float>"
    phis = "\n".join(
        f"%a{i} = phi {vector} [zeroinitializer, %entry], [%b{i}, %loop]" for i in range(chains)
    )
    fmas = "\n".join(
        f"%b{i} = call {vector} @llvm.fma.v{lanes}f32({vector} %a{i}, {vector} %x, {vector} %x)"
        for i in range(chains)
    )
    sums = "\n".join(
        f"%s{i} = fadd {vector} {'zeroinitializer' if i == 0 else f'%s{i - 1}'}, %b{i}"
        for i in range(chains)
    )
    text = f"""
declare {vector} @llvm.fma.v{lanes}f32({vector}, {vector}, {vector})
define void @peak(ptr %p, i64 %n) {{
entry:
%x = load {vector}, ptr %p, align 4
br label %loop
loop:
%i = phi i64 [0, %entry], [%j, %loop]
{phis}
{fmas}
%j = add i64 %i, 1
%t = icmp slt i64 %j, %n
br i1 %t, label %loop, label %end
end:
{sums}
store {vector} %s{chains - 1}, ptr %p, align 4
ret void
}}"""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, jit=True
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(text), machine)
    engine.finalize_object()
    return engine, lanes, ctypes.c_void_p(engine.get_function_address("peak"))


def fma_peak(target: Target, iterations: int = 100000) -> float:
    """GFLOP/s of f32 FMAs that only touch registers."""
    _, lanes, address = _peak_function(target)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(address.value or 0)
    data = np.zeros(lanes, np.float32)
    start = time.perf_counter()
    function(data.ctypes.data, iterations)
    return 2.0 * _chains(target) * lanes * iterations / (time.perf_counter() - start) / 1e9


def copy_bandwidth(num_bytes: int) -> float:
    """GB/s, read plus written, of copying an array this large; the best of some."""
    source, goal = np.ones(num_bytes, np.uint8), np.zeros(num_bytes, np.uint8)
    shortest = float("inf")
    for _ in range(max(5, (64 << 20) // num_bytes)):
        start = time.perf_counter()
        np.copyto(goal, source)
        shortest = min(shortest, time.perf_counter() - start)
    return 2.0 * num_bytes / shortest / 1e9


def main() -> None:
    """Print the limits."""
    for vector_bytes in (32, Target.host().vector_bytes):
        target = Target.host(vector_bytes)
        rate = max(fma_peak(target) for _ in range(50))
        print(f"FMA f32, {8 * vector_bytes} bits: {rate:.1f} GFLOP/s")
    for size in (256 << 10, 64 << 20):
        print(f"copy of {size >> 10} KiB: {copy_bandwidth(size):.1f} GB/s")


if __name__ == "__main__":
    main()
