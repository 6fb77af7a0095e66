"""From kernels to callable machine code: LLVM's passes, the object cache, linking."""

from __future__ import annotations

import collections
import ctypes
import ctypes.util
import functools
import hashlib
import itertools
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm

from treadle.codegen.cache import ObjectCache
from treadle.codegen.contraction import emit_contraction
from treadle.codegen.loopnest import emit_loop_nest
from treadle.codegen.sort import emit_sort
from treadle.codegen.target import Target
from treadle.ir.loops import Contraction, Kernel, LoopNest, Sort
from treadle.ir.loops_text import print_kernel
from treadle.locks import fork_lock, let_forks_wait_for

FUNCTION = "kernel"
NUM_RECENT = 2048
_PARAMETERS = "ptr nocapture readonly %buffers, ptr nocapture readonly %sizes, i64 %begin, i64 %end"
_LIBRARY_FUNCTIONS = (
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh"),
    *("exp2", "expm1", "log1p", "log2", "log10", "erf", "pow", "fmod", "fmodf"),
)


@dataclass(frozen=True, eq=False)
class CompiledKernel:
    """Machine code of a kernel, valid as long as this object lives.

    `address` is of ``void k(void** buffers, const int64_t* sizes, int64_t begin, int64_t end)``.
    """

    __slots__ = ("__weakref__", "_keep", "address", "kernel")
    kernel: Kernel
    address: int
    _keep: object


class _Compiler:
    """What this process has compiled; LLVM objects are not thread-safe, so one thread at a time.

    Kernels stay loaded while plans have them, and the last ones beyond that: each takes some of
    the 65,530 mappings that Linux gives a process.
    """

    def __init__(self) -> None:
        self.lock = fork_lock()
        self.compiled: weakref.WeakValueDictionary[str, CompiledKernel] = (
            weakref.WeakValueDictionary()
        )
        self.recent: collections.deque[CompiledKernel] = collections.deque(maxlen=NUM_RECENT)
        self.machines: dict[tuple[Target, int], llvm.TargetMachine] = {}
        self.names = itertools.count()
        self.jit: llvm.LLJIT | None = None

    @staticmethod
    @functools.cache
    def initialize() -> None:
        """Prepare LLVM, once."""
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        # Emitted code has its induction variables in order: this pass takes half of the time of
        # compiling a contraction and changes its speed by less than 1 %.
        llvm.set_option("treadle", "-disable-lsr")

    def machine(self, target: Target, kernel: Kernel) -> llvm.TargetMachine:
        """LLVM's machine for a target and a kind of kernel."""
        self.initialize()
        # A contraction's loops come out the same at level 1, in a sixth less time.
        level = 1 if isinstance(kernel, Contraction) else 3
        found = self.machines.get((target, level))
        if found is None:
            found = llvm.Target.from_default_triple().create_target_machine(
                cpu=target.cpu, features=target.features, opt=level, reloc="pic", codemodel="small"
            )
            self.machines[target, level] = found
        return found

    def link(self, machine_code: bytes) -> tuple[int, object]:
        """Load an object file; its function's address and what keeps it loaded."""
        if self.jit is None:
            self.initialize()
            self.jit = llvm.create_lljit_compiler(use_jit_link=True)
        builder = llvm.JITLibraryBuilder().add_object_img(machine_code).export_symbol(FUNCTION)
        for name, address in _library_addresses().items():
            builder = builder.import_symbol(name, address)
        tracker = builder.link(self.jit, f"kernel{next(self.names)}")
        return tracker[FUNCTION], (self.jit, tracker)


_COMPILER = _Compiler()


# The child goes on with the linker and the targets as they are: a link or a pass half done could
# neither be finished nor undone in it.
let_forks_wait_for(llvm.ffi.lib._lock._lock)
_library: dict[str, int] = {}


def _library_addresses() -> dict[str, int]:
    """The C library's functions that kernels may call."""
    if not _library:
        maths = ctypes.CDLL(ctypes.util.find_library("m") or "libm.so.6")
        whole = ctypes.CDLL(None)
        for name in _LIBRARY_FUNCTIONS:
            _library[name] = ctypes.cast(getattr(maths, name), ctypes.c_void_p).value or 0
        for name in ("memcpy", "memset", "memmove"):
            _library[name] = ctypes.cast(getattr(whole, name), ctypes.c_void_p).value or 0
    return _library


def compile_kernels(
    kernels: Sequence[Kernel], target: Target, cache: ObjectCache | None = None
) -> list[CompiledKernel]:
    """Machine code for each kernel, in order. Equal kernels are compiled once per process."""
    return [_compile(kernel, target, cache) for kernel in kernels]


def _compile(kernel: Kernel, target: Target, cache: ObjectCache | None) -> CompiledKernel:
    key = kernel_key(kernel, target)
    with _COMPILER.lock:
        found = _COMPILER.compiled.get(key)
        if found is None:
            code = cache.load(key) if cache is not None else None
            if code is None:
                code = _COMPILER.machine(target, kernel).emit_object(_module(kernel, target))
                if cache is not None:
                    cache.save(key, code)
            address, keep = _COMPILER.link(code)
            found = CompiledKernel(kernel, address, keep)
            _COMPILER.compiled[key] = found
            _COMPILER.recent.append(found)
    return found


@functools.cache
def _generator() -> str:
    """What identifies this code generator: a checksum of its own source."""
    checksum = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        checksum.update(path.read_bytes())
    return checksum.hexdigest()


def kernel_key(kernel: Kernel, target: Target) -> str:
    """What names a kernel's object file: everything the machine code depends on."""
    versions = f"{_generator()} {llvmlite.__version__} {llvm.llvm_version_info}"
    text = "\n".join((versions, repr(target), print_kernel(kernel)))
    return hashlib.sha256(text.encode()).hexdigest()


def llvm_text(kernel: Kernel, target: Target) -> str:
    """The LLVM IR of a kernel, before LLVM's passes."""
    if isinstance(kernel, LoopNest):
        emitter = emit_loop_nest(kernel, target)
    elif isinstance(kernel, Sort):
        emitter = emit_sort(kernel, target)
    else:
        emitter = emit_contraction(kernel, target)
    return "\n".join(
        (
            *emitter.declarations,
            emitter.finish(FUNCTION, _PARAMETERS),
            f'attributes #0 = {{ nounwind "no-trapping-math"="true" "probe-stack"="inline-asm" '
            f'"prefer-vector-width"="{target.vector_bytes * 8}" }}',
            "attributes #1 = { nounwind willreturn memory(none) }",
            "!0 = !{}",
            '!1 = !{!"branch_weights", i32 1, i32 100000}',
            "!2 = !{i32 1}",
        )
    )


def _module(kernel: Kernel, target: Target) -> llvm.ModuleRef:
    machine = _COMPILER.machine(target, kernel)
    module = llvm.parse_assembly(llvm_text(kernel, target))
    module.triple = llvm.get_default_triple()
    module.data_layout = str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    builder = llvm.create_pass_builder(machine, options)
    passes = llvm.create_new_function_pass_manager()
    passes.add_simplify_cfg_pass()
    if isinstance(kernel, LoopNest):
        passes.add_loop_rotate_pass()
        passes.add_simplify_cfg_pass()
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)
    return module


def assembly(kernel: Kernel, target: Target) -> str:
    """The assembly text of a kernel."""
    with _COMPILER.lock:
        return str(_COMPILER.machine(target, kernel).emit_assembly(_module(kernel, target)))
