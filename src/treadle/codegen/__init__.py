"""Machine code for the kernels of `ir.loops`: targets, compilation, the object cache."""

from treadle.codegen.cache import ObjectCache
from treadle.codegen.jit import CompiledKernel, assembly, compile_kernels, llvm_text
from treadle.codegen.target import Target

__all__ = [
    "CompiledKernel",
    "ObjectCache",
    "Target",
    "assembly",
    "compile_kernels",
    "llvm_text",
]
