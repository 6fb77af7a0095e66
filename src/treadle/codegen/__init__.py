"""Machine code for the kernels of `ir.loops`: targets, compilation, the object cache."""

from treadle.codegen.cache import CacheStatistics, ObjectCache
from treadle.codegen.jit import CompiledKernel, assembly, compile_kernels, llvm_text
from treadle.codegen.packing import (
    choose_tile,
    contraction_sizes,
    num_tasks,
    pack_b,
    packed_strides,
    panel_columns,
)
from treadle.codegen.target import Target

__all__ = [
    "CacheStatistics",
    "CompiledKernel",
    "ObjectCache",
    "Target",
    "assembly",
    "choose_tile",
    "compile_kernels",
    "contraction_sizes",
    "llvm_text",
    "num_tasks",
    "pack_b",
    "packed_strides",
    "panel_columns",
]
