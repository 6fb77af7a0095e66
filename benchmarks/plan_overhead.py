"""What does a plan cost beyond its kernels: 1, 10, 100 and 1000 steps that do nothing?

A line through the points: the intercept is a request, the slope a step. The column of traced runs
shows what ``treadle.trace`` adds while it records; it must add nothing while it does not.

python -m benchmarks.plan_overhead [--json PATH] [--rounds N]
"""

import argparse
import time
from pathlib import Path

import llvmlite.binding as llvm
from rich.table import Table

from benchmarks.results import Result, document, make_console, write_json
from treadle import runtime

STEPS = (1, 10, 100, 1000)
_NOTHING = "define void @nothing(ptr %buffers, ptr %sizes, i64 %begin, i64 %end) { ret void }"


def compile_nothing() -> tuple[llvm.ExecutionEngine, int]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(_NOTHING), machine)
    engine.finalize_object()
    return engine, engine.get_function_address("nothing")


def burst_ns(plan: runtime.Plan, calls: int) -> float:
    """Nanoseconds of one run, the mean of `calls`."""
    clock = time.perf_counter_ns
    start = clock()
    for _ in range(calls):
        plan.run((), ())
    return (clock() - start) / calls


def measure(address: int, rounds: int) -> list[Result]:
    """Bursts of each plan, alternately traced and not."""
    plans = {
        n: runtime.Plan([[("run", "nothing", address, (), (), 1, 1)] * n], 0, [], [], [])
        for n in STEPS
    }
    samples: dict[tuple[int, bool], list[float]] = {
        (n, t): [] for n in STEPS for t in (False, True)
    }
    for _ in range(rounds):
        for n, plan in plans.items():
            calls = max(20_000 // (n + 10), 10)
            samples[n, False].append(burst_ns(plan, calls))
            with runtime.trace():
                samples[n, True].append(burst_ns(plan, calls))
    return [
        Result(f"{n} steps{', traced' * traced}", "ns", tuple(times), tuple(times))
        for (n, traced), times in samples.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    engine, address = compile_nothing()
    results = measure(address, options.rounds)
    del engine
    table = Table(box=None)
    for heading in ("plan", "best ns", "median ns"):
        table.add_column(heading, justify="left" if heading == "plan" else "right")
    for result in results:
        table.add_row(result.name, f"{result.best:.0f}", f"{result.median:.0f}")
    make_console().print(table)
    if options.json:
        write_json(options.json, document("plan_overhead", results, {"rounds": options.rounds}))


if __name__ == "__main__":
    main()
