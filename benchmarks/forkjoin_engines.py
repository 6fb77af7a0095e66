"""The child process of `benchmarks.forkjoin`: regions and forks of one runtime.

`forkjoin.cc` is compiled for Treadle's header, for libgomp and for oneTBB; torch is asked what it
answers from Python, the system how long it takes to wake a thread (`wakeup.cc`). Each line on
standard input is answered with a round of samples as JSON.
"""

import argparse
import ctypes
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from benchmarks.results import cpu_count

LOOPS = Path(__file__).with_name("forkjoin.cc")
WAKE_UPS = Path(__file__).with_name("wakeup.cc")
TREADLE_POOLS = ("native", "openmp", "tbb")
LIBRARIES = ("libgomp", "oneTBB")
SYSTEM = "system"
SAMPLES = 12

BODIES_US = (0, 1, 10)
IDLE_US = (0, 100, 1_000, 20_000)
BATCHES = (1, 8, 64, 5_000)
TREE_DEPTH = 10
ADD_ELEMENTS = 65_536
ADD = "torch.add"

Case = Callable[[], list[float]]


def region_name(threads: int, body_us: int, idle_us: int) -> str:
    """Name of the case of regions."""
    return f"region of {threads}, body {body_us}, {gap(idle_us)}"


def gap(idle_us: int) -> str:
    """How regions follow each other."""
    if idle_us == 0:
        return "back to back"
    return f"{idle_us} us idle" if idle_us < 1_000 else f"{idle_us // 1_000} ms idle"


def fork_name(size: int, body_us: int) -> str:
    """Name of the case of forks."""
    return f"{'fork+wait' if size == 1 else f'batch of {size:,}'}, body {body_us}"


TREE = f"nested, {TREE_DEPTH} levels"


def wake_name(until_it_runs: bool, idle_us: int) -> str:
    """Name of the case of wake-ups."""
    return f"wake-up, {'until it runs' if until_it_runs else 'the call'}, {gap(idle_us)}"


class MissingError(Exception):
    """A runtime is not installed."""


def compile_flags(runtime: str) -> list[str]:
    """What the compiler must be told about a runtime.

    Raises:
        MissingError: if it is not here.
    """
    if runtime == "libgomp":
        return ["-DRUNTIME_OPENMP", "-fopenmp"]
    if runtime == "treadle":
        import treadle

        include = Path(treadle.get_include())
        flags = ["-DRUNTIME_TREADLE", f"-I{include}", f"-L{include.parent}", "-ltreadle"]
        return [*flags, f"-Wl,-rpath,{include.parent}"]
    try:
        files = metadata.files("tbb-devel") or []
    except metadata.PackageNotFoundError as error:
        raise MissingError(runtime) from error
    header = next(file for file in files if file.name == "parallel_for.h").locate()
    prefix = Path(str(header)).resolve().parents[3]
    flags = ["-DRUNTIME_TBB", f"-I{prefix / 'include'}", f"-L{prefix / 'lib'}", "-ltbb"]
    return [*flags, f"-Wl,-rpath,{prefix / 'lib'}"]


def build(source: Path, flags: Sequence[str], folder: Path) -> ctypes.CDLL:
    """Compile `source` and load it."""
    library = folder / f"{source.stem}.so"
    options = ["-std=c++20", "-O2", "-shared", "-fPIC", "-pthread", "-o", str(library)]
    subprocess.run(["c++", str(source), *options, *flags], check=True)
    return ctypes.CDLL(str(library))


def call(library: ctypes.CDLL, function: str, *arguments: float, count: int = SAMPLES) -> Case:
    """A case that calls `function`, which fills an array of `count` samples."""
    numbers = [ctypes.c_double(each) if isinstance(each, float) else each for each in arguments]

    def run() -> list[float]:
        samples = (ctypes.c_double * count)()
        getattr(library, function)(*numbers, samples)
        return list(samples)

    return run


def system_cases(folder: Path) -> Mapping[str, Case]:
    """The limit: what a wake-up takes without any runtime."""
    library = build(WAKE_UPS, [], folder)
    return {
        wake_name(until, idle): call(library, "measure_wake_ups", float(idle), until, SAMPLES)
        for until in (False, True)
        for idle in IDLE_US
        if idle
    }


def compiled_cases(runtime: str, folder: Path) -> Mapping[str, Case]:
    """All cases, in the compiled loops."""
    library = build(LOOPS, compile_flags(runtime), folder)
    threads = cpu_count()
    cases: dict[str, Case] = {}
    for team, body, idle in itertools.product(sorted({1, threads}), BODIES_US, IDLE_US):
        repeats = 200 if idle == 0 else 1
        cases[region_name(team, body, idle)] = call(
            library, "measure_regions", team, float(body), float(idle), SAMPLES, repeats
        )
    for size, body in itertools.product(BATCHES, (0, 10)):
        repeats = max(1, 500 // size) if body == 0 else max(1, 20 // size)
        count = SAMPLES if size * body < 5_000 else 2
        cases[fork_name(size, body)] = call(
            library, "measure_forks", threads, size, float(body), count, repeats, count=count
        )
    cases[TREE] = call(library, "measure_tree", threads, TREE_DEPTH, SAMPLES)
    return cases


TORCH_SOURCE = """
def task(x: Tensor) -> Tensor:
    return x

def batch(x: Tensor, size: int, repeats: int) -> Tensor:
    y = x
    for i in range(repeats):
        futures = [torch.jit.fork(task, x) for j in range(size)]
        for future in futures:
            y = torch.jit.wait(future)
    return y

def tree0(x: Tensor) -> Tensor:
    return x
"""
TORCH_LEVEL = """
def tree{0}(x: Tensor) -> Tensor:
    left = torch.jit.fork(tree{1}, x)
    y = tree{1}(x)
    return torch.jit.wait(left)
"""


def torch_cases() -> Mapping[str, Case]:
    """The forks, which TorchScript has, and what a small parallel add costs."""
    import torch

    threads = cpu_count()
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    levels = [TORCH_LEVEL.format(i, i - 1) for i in range(1, TREE_DEPTH + 1)]
    unit = torch.jit.CompilationUnit(TORCH_SOURCE + "".join(levels))
    x, ones, out = torch.ones(1), torch.ones(ADD_ELEMENTS), torch.zeros(ADD_ELEMENTS)

    def timed_us(run: Callable[[], object], repeats: int = 1) -> float:
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        return (time.perf_counter() - start) * 1e6 / repeats

    def batches(size: int) -> Case:
        repeats = max(1, 500 // size)
        return lambda: [
            timed_us(lambda: unit.batch(x, size, repeats)) / size / repeats for _ in range(SAMPLES)
        ]

    def add(idle_us: int) -> Case:
        def run() -> list[float]:
            torch.set_num_threads(1)
            whole = min(timed_us(lambda: torch.add(ones, ones, out=out), 20) for _ in range(5))
            torch.set_num_threads(threads)
            samples = []
            for _ in range(SAMPLES):
                end = time.perf_counter() + idle_us / 1e6
                while time.perf_counter() < end:
                    pass
                repeats = 20 if idle_us == 0 else 1
                split = timed_us(lambda: torch.add(ones, ones, out=out), repeats)
                samples.append(split - whole / threads)
            return samples

        return run

    top = getattr(unit, f"tree{TREE_DEPTH}")
    cases = {f"{ADD}, {gap(idle)}": add(idle) for idle in IDLE_US}
    cases |= {fork_name(size, 0): batches(size) for size in BATCHES}
    num_forks = 2**TREE_DEPTH - 1
    cases[TREE] = lambda: [timed_us(lambda: top(x)) / num_forks for _ in range(SAMPLES)]
    return cases


def cases_of(engine: str, folder: Path) -> Mapping[str, Case]:
    """What an engine is asked."""
    if engine == "torch":
        return torch_cases()
    if engine == SYSTEM:
        return system_cases(folder)
    if engine in TREADLE_POOLS:
        from treadle import runtime

        runtime.use_backend(engine)
        return compiled_cases("treadle", folder)
    return compiled_cases(engine, folder)


def available() -> Sequence[str]:
    """The engines that are installed."""
    from importlib.util import find_spec

    from treadle import runtime

    names = [name for name in TREADLE_POOLS if name in runtime.available_backends()]
    for library in LIBRARIES:
        try:
            compile_flags(library)
        except MissingError:
            continue
        names.append(library)
    if find_spec("torch"):
        names.append("torch")
    return [*names, SYSTEM]


def main() -> None:
    """Serve one engine until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engine", choices=(*TREADLE_POOLS, *LIBRARIES, "torch", SYSTEM))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cases = cases_of(arguments.engine, Path(folder))
        for case in cases.values():
            case()
        print(json.dumps("ready"), flush=True)
        for _ in sys.stdin:
            print(json.dumps({name: case() for name, case in cases.items()}), flush=True)


if __name__ == "__main__":
    main()
