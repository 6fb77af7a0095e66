"""Targets: the processor that code is generated for, and what the generators need to know of it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import llvmlite.binding as llvm

from treadle.errors import UnsupportedError
from treadle.ir.dtypes import DType

_AVX512 = ("avx512f", "avx512bw", "avx512dq", "avx512vl")


@dataclass(frozen=True, slots=True)
class Target:
    """A processor: its LLVM name and features, and the vector length to generate for.

    `features` is LLVM's list (``+avx2,+fma,...``). Vectors of 64 bytes need AVX-512 (F, BW, DQ,
    VL), of 32 bytes AVX2.
    """

    cpu: str
    features: str
    vector_bytes: int
    has_fma: bool = True

    @staticmethod
    @functools.cache
    def host(vector_bytes: int = 0) -> Target:
        """The processor this runs on; `vector_bytes` below what it has limits it (32: AVX2 code).

        Raises:
            UnsupportedError: if it lacks AVX2 or FMA, or vectors of the length asked for.
        """
        features = dict(llvm.get_host_cpu_features())
        if not (features.get("avx2") and features.get("fma")):
            raise UnsupportedError("Treadle needs a processor with AVX2 and FMA")
        widest = 64 if all(features.get(name) for name in _AVX512) else 32
        if vector_bytes not in (0, 32, widest):
            raise UnsupportedError(f"this processor has no vectors of {vector_bytes} bytes")
        length = vector_bytes or widest
        if length == 32:
            for name in features:
                if name.startswith(("avx512", "avx10", "evex")):
                    features[name] = False
        else:
            features["prefer-256-bit"] = False
        text = ",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(features.items()))
        return Target(llvm.get_host_cpu_name(), text, length)

    @property
    def has_avx512(self) -> bool:
        """Whether code for it may use AVX-512 (masks on every vector instruction, 32 registers)."""
        return self.vector_bytes == 64

    @property
    def num_registers(self) -> int:
        """The number of vector registers."""
        return 32 if self.has_avx512 else 16

    def lanes(self, dtype: DType) -> int:
        """How many values of `dtype` one vector holds; 16-bit floats are computed as f32."""
        size = 4 if dtype.is_floating and dtype.itemsize < 4 else dtype.itemsize
        return self.vector_bytes // size
