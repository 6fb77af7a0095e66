"""Tiny kernels, compiled by llvmlite, for tests of the plan runtime."""

import functools

import llvmlite.binding as llvm

_SOURCE = r"""
define void @nothing(ptr %buffers, ptr %sizes, i64 %begin, i64 %end) {
  ret void
}

; to[i] += from[i]
define void @accumulate(ptr %buffers, ptr %sizes, i64 %begin, i64 %end) {
entry:
  %to = load ptr, ptr %buffers
  %second = getelementptr ptr, ptr %buffers, i64 1
  %from = load ptr, ptr %second
  %some = icmp slt i64 %begin, %end
  br i1 %some, label %loop, label %done
loop:
  %i = phi i64 [ %begin, %entry ], [ %next, %loop ]
  %to_i = getelementptr float, ptr %to, i64 %i
  %from_i = getelementptr float, ptr %from, i64 %i
  %a = load float, ptr %to_i
  %b = load float, ptr %from_i
  %sum = fadd float %a, %b
  store float %sum, ptr %to_i
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %loop, label %done
done:
  ret void
}

; to[i] = from[i]
define void @copy(ptr %buffers, ptr %sizes, i64 %begin, i64 %end) {
entry:
  %to = load ptr, ptr %buffers
  %second = getelementptr ptr, ptr %buffers, i64 1
  %from = load ptr, ptr %second
  %some = icmp slt i64 %begin, %end
  br i1 %some, label %loop, label %done
loop:
  %i = phi i64 [ %begin, %entry ], [ %next, %loop ]
  %to_i = getelementptr float, ptr %to, i64 %i
  %from_i = getelementptr float, ptr %from, i64 %i
  %a = load float, ptr %from_i
  store float %a, ptr %to_i
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %end
  br i1 %more, label %loop, label %done
done:
  ret void
}

; counters[0] threads are in here now, counters[1] were at most; works for sizes[0] turns
define void @count(ptr %buffers, ptr %sizes, i64 %begin, i64 %end) {
entry:
  %counters = load ptr, ptr %buffers
  %peak = getelementptr i32, ptr %counters, i64 1
  %turns = load i64, ptr %sizes
  %before = atomicrmw add ptr %counters, i32 1 seq_cst
  %inside = add i32 %before, 1
  %old = atomicrmw max ptr %peak, i32 %inside seq_cst
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %now = load volatile i32, ptr %counters
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %turns
  br i1 %more, label %loop, label %done
done:
  %after = atomicrmw sub ptr %counters, i32 1 seq_cst
  ret void
}

; stamp = counter++
define void @stamp(ptr %buffers, ptr %sizes, i64 %begin, i64 %end) {
  %counter = load ptr, ptr %buffers
  %second = getelementptr ptr, ptr %buffers, i64 1
  %stamp = load ptr, ptr %second
  %now = atomicrmw add ptr %counter, i32 1 seq_cst
  store i32 %now, ptr %stamp
  ret void
}

; sizes[0] volatile stores for each task
define void @burn(ptr %buffers, ptr %sizes, i64 %begin, i64 %end) {
entry:
  %place = alloca i64
  %rounds = load i64, ptr %sizes
  %tasks = sub i64 %end, %begin
  %total = mul i64 %rounds, %tasks
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  store volatile i64 %i, ptr %place
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %total
  br i1 %more, label %loop, label %done
done:
  ret void
}

; status = sizes[0], detail = sizes[1]
define void @fail(ptr %buffers, ptr %sizes, i64 %begin, i64 %end) {
  %status = load ptr, ptr %buffers
  %code = load i64, ptr %sizes
  %code32 = trunc i64 %code to i32
  store i32 %code32, ptr %status
  %size1 = getelementptr i64, ptr %sizes, i64 1
  %detail = load i64, ptr %size1
  %detail32 = trunc i64 %detail to i32
  %status1 = getelementptr i32, ptr %status, i64 1
  store i32 %detail32, ptr %status1
  ret void
}
"""


@functools.cache
def _engine() -> llvm.ExecutionEngine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(_SOURCE), machine)
    engine.finalize_object()
    return engine


def address(name: str) -> int:
    return int(_engine().get_function_address(name))
