"""Names of threads, and the processors that they are tied to."""

import ast
import os
import textwrap

import pytest

from tests.runtime.working import WORK, run
from treadle import runtime

pytestmark = [pytest.mark.threads, pytest.mark.slow]

CPUS = sorted(os.sched_getaffinity(0))
LIBRARIES = sorted({"openmp", "tbb"} & set(runtime.available_backends()))


def test_threads_have_names() -> None:
    names = run("print(*workers())").split()
    assert names
    assert set(names) <= {"treadle-1", "treadle-2"}


@pytest.mark.parametrize("backend", LIBRARIES)
def test_threads_of_a_library_have_its_name(backend: str) -> None:
    code = f"""
    from tests.runtime.counted import until
    def has_named():
        work()
        comms = [f"/proc/self/task/{{t}}/comm" for t in os.listdir("/proc/self/task")]
        return "treadle-{backend}" in {{open(comm).read().strip() for comm in comms}}
    until(has_named)
    """
    run(code, TREADLE_THREADING=backend)


def cpus_of_workers(affinity: str) -> list[list[int]]:
    """The CPUs of each worker, a while after it began."""
    code = "workers(); time.sleep(0.05); print(list(workers().values()))"
    found: list[list[int]] = ast.literal_eval(run(code, TREADLE_AFFINITY=affinity))
    return found


def test_workers_are_tied_to_processors_only_when_asked() -> None:
    assert all(cpus == CPUS for cpus in cpus_of_workers("none"))


@pytest.mark.skipif(len(CPUS) < 2, reason="needs two CPUs")
@pytest.mark.parametrize("affinity", ["compact", "spread"])
def test_tied_workers_share_no_processor(affinity: str) -> None:
    tied = [cpus[0] for cpus in cpus_of_workers(affinity) if len(cpus) == 1]
    assert tied
    assert len(tied) == len(set(tied)) < len(CPUS)


@pytest.mark.skipif(len(CPUS) < 2, reason="needs two CPUs")
@pytest.mark.parametrize("affinity", ["compact", "spread"])
@pytest.mark.parametrize("backend", LIBRARIES)
def test_threads_of_a_library_are_tied_as_workers_are(backend: str, affinity: str) -> None:
    code = """
    for _ in range(5):
        work()
    time.sleep(0.05)
    print([sorted(os.sched_getaffinity(int(t))) for t in os.listdir("/proc/self/task")])
    """
    found = ast.literal_eval(run(code, TREADLE_AFFINITY=affinity, TREADLE_THREADING=backend))
    tied = [cpus[0] for cpus in found if len(cpus) == 1]
    assert tied
    assert len(tied) == len(set(tied)) < len(CPUS)
    assert all(cpus == CPUS for cpus in found if len(cpus) != 1)


@pytest.mark.skipif(len(CPUS) != 2, reason="needs two CPUs, no more")
def test_two_processes_tie_no_two_workers_to_one_processor() -> None:
    """The first has all processors: the workers of the second stay free."""
    code = """
    import subprocess
    workers()
    time.sleep(0.05)
    print(subprocess.run([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE).stdout)
    """
    inner = "import treadle\nfrom treadle import runtime\n" + WORK
    inner += "workers(); time.sleep(0.05); print(list(workers().values()))"
    code = textwrap.dedent(code).replace("sys.argv[1]", repr(inner))
    printed = ast.literal_eval(run(code, TREADLE_AFFINITY="compact"))
    assert all(cpus == CPUS for cpus in ast.literal_eval(printed.decode()))
